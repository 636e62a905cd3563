"""IAM-OnDB: the characters of a line of pen strokes, by a bidirectional LSTM or one of its eight variants and CTC.

TODO
"""

from __future__ import annotations

import os
from pathlib import Path

from seqlab.frame_settings import FrameDataSettings, FrameSettings, FrameTrainingSettings, NetworkSettings

DATA = Path(os.environ.get("SEQLAB_DATA", "data"))


def settings() -> FrameSettings:
    return FrameSettings(
        data=FrameDataSettings(path=str(DATA / "iam_ondb"), format="iam_ondb"),
        network=NetworkSettings(variant="V", units=100, noise=0.1),
        training=FrameTrainingSettings(learning_rate=1e-4, momentum=0.9),
    )
