"""seqlab: sequence labelling with Keras 3.

Importing it loads no backend; `seqlab.Tagger` and the other names below are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from seqlab import registry

if TYPE_CHECKING:
    from seqlab.inference.load import load
    from seqlab.models.ensemble import Ensemble
    from seqlab.models.frames import FrameModel
    from seqlab.models.multitask import MultiTaskTagger
    from seqlab.models.sequence_model import SequenceModel
    from seqlab.models.tagger import Tagger
    from seqlab.multitask_settings import MultiTaskSettings
    from seqlab.settings import Settings
    from seqlab.training.run import train

__version__ = "0.1.0"
__all__ = [
    "Ensemble",
    "FrameModel",
    "MultiTaskSettings",
    "MultiTaskTagger",
    "SequenceModel",
    "Settings",
    "Tagger",
    "__version__",
    "load",
    "train",
]

_HOMES = {
    "Ensemble": "seqlab.models.ensemble",
    "FrameModel": "seqlab.models.frames",
    "MultiTaskSettings": "seqlab.multitask_settings",
    "MultiTaskTagger": "seqlab.models.multitask",
    "SequenceModel": "seqlab.models.sequence_model",
    "Settings": "seqlab.settings",
    "Tagger": "seqlab.models.tagger",
    "load": "seqlab.inference.load",
    "train": "seqlab.training.run",
}
_ROOMS = (
    "batches",
    "corpora",
    "evaluation",
    "inference",
    "layers",
    "migration",
    "models",
    "ops",
    "tags",
    "testing",
    "text",
    "training",
)

registry.install()


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return importlib.import_module(f"seqlab.{name}")
    raise AttributeError(f"module 'seqlab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_ROOMS])
