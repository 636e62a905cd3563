"""Lets `keras.models.load_model` open seqlab's files after `import seqlab`, without loading a backend for it.

Keras imports classes by name from its own packages alone; any other must be registered when the file is read. So a
light stand-in is registered for each of our classes as soon as Keras is there; it imports the real one when asked.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import wrapt

CLASSES = {
    "AdditiveAttention": "seqlab.layers.attention.additive",
    "AttentionEncoder": "seqlab.layers.attention.encoder",
    "Bidirectional": "seqlab.layers.bidirectional",
    "CRF": "seqlab.layers.heads.crf_layer",
    "CRFHead": "seqlab.layers.heads.crf",
    "CTCHead": "seqlab.layers.heads.ctc",
    "CasingEmbedding": "seqlab.layers.features.casing",
    "CategoryEmbedding": "seqlab.layers.features.categories",
    "CharCNN": "seqlab.layers.features.chars",
    "CharLSTM": "seqlab.layers.features.chars",
    "DilatedCNN": "seqlab.layers.dilated_cnn",
    "ElmoRecurrence": "seqlab.layers.elmo",
    "ElmoTokens": "seqlab.layers.elmo",
    "ElmoVectors": "seqlab.layers.features.elmo",
    "Ensemble": "seqlab.models.ensemble",
    "FrameModel": "seqlab.models.frames",
    "GRUCell": "seqlab.layers.cells.gru",
    "Highway": "seqlab.layers.highway",
    "KeyValueAttention": "seqlab.layers.attention.key_value",
    "LSTMCell": "seqlab.layers.cells.lstm",
    "LanguageModel": "seqlab.models.language_model",
    "LanguageObjective": "seqlab.layers.language",
    "LearnedStateCell": "seqlab.layers.cells.wrappers",
    "MultiHeadAttention": "seqlab.layers.attention.multi_head",
    "MultiLabelHead": "seqlab.layers.heads.multilabel",
    "MultiTaskTagger": "seqlab.models.multitask",
    "MultiplicativeAttention": "seqlab.layers.attention.multiplicative",
    "PrivateEncoders": "seqlab.layers.tasks.private",
    "Projection": "seqlab.layers.cells.parts",
    "Recurrent": "seqlab.layers.recurrent",
    "RecurrentDropoutCell": "seqlab.layers.cells.wrappers",
    "RecurrentStack": "seqlab.layers.stack",
    "ResidualCell": "seqlab.layers.cells.wrappers",
    "SCLSTMCell": "seqlab.layers.cells.sc_lstm",
    "SCLSTMStack": "seqlab.layers.tasks.sc_stack",
    "SRNCell": "seqlab.layers.cells.gru",
    "ScalarMix": "seqlab.layers.features.scalar_mix",
    "SelfAttention": "seqlab.layers.attention.hops",
    "SequenceModel": "seqlab.models.sequence_model",
    "SharedEncoder": "seqlab.layers.tasks.shared",
    "SoftmaxHead": "seqlab.layers.heads.softmax",
    "Standardize": "seqlab.layers.features.frames",
    "Tagger": "seqlab.models.tagger",
    "TaskwiseOptimizer": "seqlab.models.taskwise",
    "TransformerEncoder": "seqlab.layers.transformer",
    "Triangular": "seqlab.training.schedules",
    "WordEmbedding": "seqlab.layers.features.words",
    "ZoneoutCell": "seqlab.layers.cells.zoneout",
}
"""Every class that a saved model can name, and the module that registers it; a test holds it against the code."""


class StandIn:
    """Stands for a class that is not imported yet.

    Args:
        name: The class.
        module: Where it lives.
    """

    def __init__(self, name: str, module: str) -> None:
        self.__name__ = name
        self.module = module

    def from_config(self, config: dict[str, Any], **options: Any) -> Any:
        """Imports the class and rebuilds the object."""
        return getattr(importlib.import_module(self.module), self.__name__).from_config(config, **options)


def install() -> None:
    """Registers the stand-ins now, if Keras is loaded, or as soon as it is."""
    wrapt.register_post_import_hook(_register, "keras")


def _register(keras: ModuleType) -> None:
    known = keras.saving.get_custom_objects()
    for name, module in CLASSES.items():
        known.setdefault(f"seqlab>{name}", StandIn(name, module))
