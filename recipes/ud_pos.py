"""UD English 1.3 parts of speech: words (GloVe 50d), casing and char-CNN into a BiLSTM and a softmax.

    python scripts/prepare_data.py ud_en_1.3 FOLDER
    python scripts/prepare_data.py glove FOLDER        # the official file or the cut; see data/README.md
    KERAS_BACKEND=jax seqlab train recipes/ud_pos.py

Time: 4 minutes on two cores, JAX backend. Score, seeds 1, 2, 3: test accuracy 95.67, 95.47, 95.49 (median 95.49), dev
accuracy 95.21, 95.31, 95.25.

Flags change any of it: `--seed 2` for another run, `--words.vectors FILE` for other vectors, `--training.epochs 2` for
a trial, `--run FOLDER` for the place of the run. `seqlab tune` searches what `search_space` declares.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from seqlab.corpora.catalogue import locate
from seqlab.settings import DataSettings, EncoderSettings, Settings, TrainingSettings, WordSettings
from seqlab.tuning.spaces import tagger_space

DATA = Path(os.environ.get("SEQLAB_DATA", "data"))


def settings() -> Settings:
    corpus = DATA / "ud_en_1.3"
    return Settings(
        data=DataSettings(
            train=str(corpus / "en-ud-train.conllu"),
            dev=str(corpus / "en-ud-dev.conllu"),
            test=str(corpus / "en-ud-test.conllu"),
            format="conllu",
        ),
        task="pos",
        words=WordSettings(vectors=str(locate("glove", "50d", DATA))),
        encoder=EncoderSettings(units=100, layers=2, dropout=0.3),
        head="softmax",
        training=TrainingSettings(
            batch_size=10, epochs=10, learning_rate=3e-3, schedule="linear", monitor="val_accuracy", patience=10
        ),
    )


def search_space(hp: Any) -> dict[str, Any]:
    return tagger_space(hp)
