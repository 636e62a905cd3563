"""CoNLL-2000 chunking: words (GloVe 50d), casing and char-CNN into a BiLSTM of two layers and a CRF.

    python scripts/prepare_data.py conll2000 FOLDER
    python scripts/prepare_data.py glove FOLDER        # the official file or the cut; see data/README.md
    KERAS_BACKEND=jax seqlab train recipes/conll2000_chunking.py

1,000 training sentences, drawn by a fixed seed, are the development set, as in the SC-LSTM paper. Parts of speech are a
second target of the lower layer, in training alone (Søgaard and Goldberg 2016): words and characters are all input.
Learning rate (1e-3 to 4e-3) and dropout (0.3 to 0.5) were chosen on development data; the second target's weight, 1,
was not tuned. Without it, seed 1: test F1 93.88, dev F1 94.91.
Time: 5 minutes on two cores, JAX backend, two of them compiling. Score, seeds 1, 2, 3: test F1 94.38, 94.26, 94.35
(median 94.35), dev F1 95.00, 95.19, 95.06.

Better, in 18 minutes on one core: `--encoder.units 200 --encoder.dropout 0.5 --language.weight 0.1 --data.join-dev
--training.epochs 20 --training.patience 20`, which predicts the words beside each one too and learns the development
sentences: test F1 94.80, 94.83, 94.80 (seeds 1, 2, 3). Without `--data.join-dev`, seed 1: test F1 94.74, dev F1 95.45.
With the corpus' column of parts of speech as an input (`--words.columns pos --auxiliary.task None` besides):
94.94, 95.03, 95.15.

Flags change any of it: `--seed 2` for another run, `--words.vectors FILE` for other vectors, `--training.epochs 2` for
a trial, `--run FOLDER` for the place of the run. `seqlab tune` searches what `search_space` declares.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from seqlab.corpora.catalogue import locate
from seqlab.settings import AuxiliarySettings, DataSettings, EncoderSettings, Settings, TrainingSettings, WordSettings
from seqlab.tuning.spaces import tagger_space

DATA = Path(os.environ.get("SEQLAB_DATA", "data"))


def settings() -> Settings:
    return Settings(
        data=DataSettings(
            train=str(DATA / "conll2000" / "train.txt"),
            test=str(DATA / "conll2000" / "test.txt"),
            columns={"word": 0, "pos": 1, "chunk": 2},
            held_out=1000,
        ),
        task="chunk",
        words=WordSettings(vectors=str(locate("glove", "50d", DATA))),
        encoder=EncoderSettings(units=100, layers=2, dropout=0.3),
        head="crf",
        auxiliary=AuxiliarySettings(task="pos"),
        training=TrainingSettings(batch_size=10, epochs=15, learning_rate=3e-3, schedule="linear", patience=15),
    )


def search_space(hp: Any) -> dict[str, Any]:
    return tagger_space(hp)
