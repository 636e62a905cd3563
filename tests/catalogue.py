"""One row for each public part: the property tests in tests/layers/test_catalogue.py run over these rows.

To add a part: a row here, and its class in `seqlab.registry.CLASSES`; a coverage test names what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

from seqlab.layers.features.casing import CasingEmbedding
from seqlab.layers.features.chars import CharCNN
from seqlab.layers.features.words import WordEmbedding
from seqlab.layers.heads.base import Head
from seqlab.layers.heads.crf import CRFHead
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.layers.stack import BiLSTM
from seqlab.models.sequence_model import SequenceModel
from tests import tiny

RANDOM = np.random.default_rng(0)
FLOATS = RANDOM.normal(size=(3, 6, 5)).astype("float32")
INTEGERS = np.array([[1, 2, 3, 4], [5, 6, 0, 0]], "int32")
CHARS = np.array([[0, 0, 0], [2, 3, 1], [4, 0, 0]], "int32")
CHAR_ROWS = np.array([[1, 2, 1, 0], [2, 0, 0, 0]], "int32")
MASK = np.arange(6) < np.array([6, 4, 1])[:, None]
LABELS = RANDOM.integers(0, 4, (3, 6))

NO_MASK = {
    "padding": "reads each token by itself: no token's vector depends on another, so it takes no mask",
    "mask routes": "takes no mask, see above",
}


@dataclass(frozen=True)
class Row:
    """One part.

    Attributes:
        name: Its class.
        make: Builds it, options and weights away from their initial values.
        inputs: The arrays that it is called on.
        head: Whether it is a head, with labels and a loss.
        exceptions: Name of a check that the part cannot pass to the reason; a test holds that it does not pass.
    """

    name: str
    make: Callable[[], keras.layers.Layer]
    inputs: tuple[np.ndarray, ...]
    head: bool = False
    exceptions: Mapping[str, str] = field(default_factory=dict)


def _learnt(kind: type[keras.layers.Layer], inputs: tuple[np.ndarray, ...], **options: Any) -> keras.layers.Layer:
    """A layer whose weights are all away from their initial values."""
    layer = kind(**options)
    layer(*inputs)
    random = np.random.default_rng(1)
    layer.set_weights([random.normal(size=weight.shape).astype("float32") for weight in layer.weights])
    return layer


def _row(kind: type[keras.layers.Layer], *inputs: np.ndarray, **options: Any) -> Row:
    return Row(kind.__name__, lambda: _learnt(kind, inputs, **options), inputs, issubclass(kind, Head))


LAYERS = (
    _row(BiLSTM, FLOATS, units=3, layers=2, dropout=0.1),
    _row(CRFHead, FLOATS, tags=4, reduction="sentences", transition_regularizer=keras.regularizers.L1(0.1)),
    replace(_row(CasingEmbedding, INTEGERS, patterns=7, dim=3), exceptions=NO_MASK),
    replace(_row(CharCNN, CHARS, CHAR_ROWS, characters=5, dim=3, filters=4, width=2, dropout=0.1), exceptions=NO_MASK),
    _row(SoftmaxHead, FLOATS, tags=4, reduction="sum", kernel_regularizer=keras.regularizers.L2(0.1)),
    replace(_row(WordEmbedding, INTEGERS, rows=5, dim=3, frozen_rows=2, dropout=0.1), exceptions=NO_MASK),
)

ABSTRACT = {"Head": "the base of the heads: what scores mean, its subclasses say"}
"""Public names that no row is needed for, with the reason."""


def _sequence_model() -> SequenceModel:
    tokens = keras.Input((None, 5))
    return SequenceModel(tokens, CRFHead(4)(BiLSTM(3)(tokens)))


def _tagger() -> keras.Model:
    tagger = tiny.tagger()
    tagger.optimizer.build(tagger.trainable_variables)  # Keras warns when it opens a file without its variables
    return tagger


def _tagger_inputs() -> dict[str, np.ndarray]:
    inputs, _ = tiny.tagger().batches(tiny.dev_part())[0]
    return inputs


MODELS: dict[str, tuple[Callable[[], keras.Model], Callable[[], Any]]] = {
    "SequenceModel": (_sequence_model, lambda: FLOATS),
    "Tagger": (_tagger, _tagger_inputs),
}
"""Name of a model class to how to make one and its inputs."""
