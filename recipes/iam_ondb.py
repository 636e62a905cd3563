"""IAM-OnDB: the characters of a line of pen strokes, by a bidirectional LSTM or one of its eight variants and CTC.

    python scripts/prepare_data.py iam_ondb FOLDER
    KERAS_BACKEND=jax seqlab train recipes/iam_ondb.py
    KERAS_BACKEND=jax seqlab tune recipes/iam_ondb.py --trials 200 --jobs 2 --study studies/iam_ondb
    KERAS_BACKEND=jax seqlab train recipes/iam_ondb.py --network.variant NP

    python scripts/make_synthetic_iam.py synthetic --forms 24     # without registering for IAM-OnDB
    KERAS_BACKEND=jax seqlab train recipes/iam_ondb.py --data.path synthetic --training.epochs 12 --network.noise 0
        --training.learning-rate 0.03 --network.units 16 --network.initial-std 0.3

Four features of every second point, standardised; 81 characters; 5,355, 2,956 and 3,859 lines; an update after each
line, as in recipes/jsb.py (Greff et al. 2017); best-path decoding. Learning rate, size and
noise are not tuned.
Score: the paper's best of 200 trials has a test character error rate of 9.26 % (NP); this recipe has not been run on
IAM-OnDB, whose licence does not let us have it. On the made-up corpus above: character error rate 0.0 %, 73 seconds
on two busy cores. CTC says nothing at first, an error rate of 1; greater initial weights shorten that.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from seqlab.frame_settings import FrameDataSettings, FrameSettings, FrameTrainingSettings, NetworkSettings
from seqlab.tuning.spaces import odyssey_space

DATA = Path(os.environ.get("SEQLAB_DATA", "data"))


def settings() -> FrameSettings:
    return FrameSettings(
        data=FrameDataSettings(path=str(DATA / "iam_ondb"), format="iam_ondb"),
        network=NetworkSettings(variant="V", units=100, noise=0.1),
        training=FrameTrainingSettings(learning_rate=1e-4, momentum=0.9),
    )


def search_space(hp: Any) -> dict[str, Any]:
    return odyssey_space(hp)
