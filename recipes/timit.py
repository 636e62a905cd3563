"""TIMIT: the phone of each frame of speech, by a bidirectional LSTM or one of its eight variants (Greff et al. 2017).

TODO
"""

from __future__ import annotations

import os
from pathlib import Path

from seqlab.frame_settings import FrameDataSettings, FrameSettings, FrameTrainingSettings, NetworkSettings

DATA = Path(os.environ.get("SEQLAB_DATA", "data"))


def settings() -> FrameSettings:
    return FrameSettings(
        data=FrameDataSettings(path=str(DATA / "timit"), format="timit"),
        network=NetworkSettings(variant="V", units=100, noise=0.5),
        training=FrameTrainingSettings(learning_rate=1e-4, momentum=0.9),
    )
