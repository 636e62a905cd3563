"""JSB Chorales: the next step of a piano roll, by an LSTM or one of its eight variants (Greff et al. 2017).

    KERAS_BACKEND=jax seqlab train recipes/jsb.py
    KERAS_BACKEND=jax seqlab train recipes/jsb.py --network.variant NIG --network.noise 0.3

TODO
"""

from __future__ import annotations

import os
from pathlib import Path

from seqlab.frame_settings import FrameDataSettings, FrameSettings, FrameTrainingSettings, NetworkSettings

DATA = Path(os.environ.get("SEQLAB_DATA", "data"))


def settings() -> FrameSettings:
    return FrameSettings(
        data=FrameDataSettings(path=str(DATA / "jsb" / "jsb-chorales-quarter.json"), format="piano_roll"),
        network=NetworkSettings(variant="V", units=100, bidirectional=False, standardize=False, noise=0.2),
        training=FrameTrainingSettings(learning_rate=1e-3, momentum=0.9),
    )
