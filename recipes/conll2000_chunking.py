"""CoNLL-2000 chunking: words (GloVe 50d), casing and char-CNN into a BiLSTM of two layers and a CRF.

    python scripts/prepare_data.py conll2000 FOLDER    # and glove; see data/README.md
    KERAS_BACKEND=jax seqlab train recipes/conll2000_chunking.py

1,000 training sentences, drawn by a fixed seed, are the development set, as in the SC-LSTM paper. The settings were
chosen on development data (learning rate 1e-3 to 4e-3, dropout 0.3 to 0.5), never on the test set.
Time: 7 minutes on a shared 2-core machine, JAX backend, two of them compiling. Score: test F1 94.05, dev F1 94.95
(seed 1).
"""

from __future__ import annotations

import os
from pathlib import Path

from seqlab.settings import DataSettings, EncoderSettings, Settings, TrainingSettings, WordSettings

DATA = Path(os.environ.get("SEQLAB_DATA", "data"))


def settings() -> Settings:
    # the official file, or the cut that data/README.md names
    vectors = next((DATA / "glove").glob("glove.6B.50d*.txt"), DATA / "glove" / "glove.6B.50d.txt")
    return Settings(
        data=DataSettings(
            train=str(DATA / "conll2000" / "train.txt"),
            test=str(DATA / "conll2000" / "test.txt"),
            columns={"word": 0, "pos": 1, "chunk": 2},
            held_out=1000,
        ),
        task="chunk",
        words=WordSettings(vectors=str(vectors)),
        encoder=EncoderSettings(units=100, layers=2, dropout=0.3),
        head="crf",
        training=TrainingSettings(batch_size=10, epochs=15, learning_rate=3e-3, schedule="linear", patience=15),
    )
