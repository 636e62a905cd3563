"""CoNLL-2000 chunking: words (GloVe 50d), casing and char-CNN into a BiLSTM of two layers and a CRF.

    python scripts/prepare_data.py conll2000 FOLDER
    python scripts/prepare_data.py glove FOLDER        # the official file or the cut; see data/README.md
    KERAS_BACKEND=jax seqlab train recipes/conll2000_chunking.py

1,000 training sentences, drawn by a fixed seed, are the development set, as in the SC-LSTM paper. The settings were
chosen on development data (learning rate 1e-3 to 4e-3, dropout 0.3 to 0.5), never on the test set.
Time: 7 minutes on a shared 2-core machine, JAX backend, two of them compiling. Score: test F1 94.05, dev F1 94.95
(seed 1),
both measured while the encoder was Keras' LSTM layer, of the same equation.

Flags change any of it: `--seed 2` for another run, `--words.vectors FILE` for other vectors, `--training.epochs 2` for
a trial, `--run FOLDER` for the place of the run.
"""

from __future__ import annotations

import os
from pathlib import Path

from seqlab.corpora.catalogue import locate
from seqlab.settings import AuxiliarySettings, DataSettings, EncoderSettings, Settings, TrainingSettings, WordSettings

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
