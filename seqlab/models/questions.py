"""What a head is asked about scores, as layers: each ends a graph that the `Decoder` runs in batches."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seqlab.constants import IGNORE
from seqlab.layers.heads.chain import ChainHead
from seqlab.tags.spans import span_tables

LEAST = 1e-37
"""Probability that stands for 0 in a logarithm; float32 holds nothing much smaller."""

INPUTS: dict[str, dict[str, Any]] = {
    "labels": {"shape": (None,), "dtype": "int32"},
    "spans": {"shape": (4,), "dtype": "int32"},
}
"""What questions take beside scores, mask and temperature; shapes without the first dimension."""


class Question(keras.layers.Layer):
    """Base of what a head is asked, as a layer. Scores keep their type under every dtype policy.

    The temperature is a tensor (1,), so that graphs stay what they are when it changes. Each says the shapes that it
    gives: Keras would trace the operations for them, and JAX cannot with unknown sizes.
    """

    def __init__(self, head: keras.layers.Layer) -> None:
        super().__init__(autocast=False)
        self.head = head
        self.supports_masking = True


class Decode(Question):
    """Labels, and where asked the probabilities of all labels and the n best paths: the fields of `Answer`."""

    def __init__(self, head: keras.layers.Layer, probabilities: bool = False, n_best: int | None = None) -> None:
        super().__init__(head)
        self.probabilities = probabilities
        self.n_best = n_best

    def call(self, scores: Any, mask: Any = None, temperature: Any = None, allowed: Any = None) -> dict[str, Any]:
        """Returns a dict by field, with the batch first; a mask that the head was called with is found by itself."""
        limits = {} if allowed is None else {"allowed": allowed}  # which not every head knows
        found = {"labels": self.head.decode(scores, mask, **limits)}
        limits |= {} if temperature is None else {"temperature": temperature[0]}
        if self.probabilities:
            found["probabilities"] = self.head.probabilities(scores, mask, **limits)
        if self.n_best is not None:
            found["paths"], found["chances"] = self.head.n_best(scores, mask, self.n_best, **limits)
        return found

    def compute_output_spec(
        self, scores: Any, mask: Any = None, temperature: Any = None, allowed: Any = None
    ) -> dict[str, Any]:
        """Says the shapes of `call`."""
        if not isinstance(self.head, ChainHead):
            return super().compute_output_spec(scores, mask)
        batch, time, tags = scores.shape
        found = {"labels": keras.KerasTensor((batch, time), "int32")}
        if self.probabilities:
            found["probabilities"] = keras.KerasTensor((batch, time, tags), scores.dtype)
        if self.n_best is not None:
            found["paths"] = keras.KerasTensor((batch, self.n_best, time), "int32")
            found["chances"] = keras.KerasTensor((batch, self.n_best), scores.dtype)
        return found


class Posterior(Question):
    """The probability of spans of up to a width, boundaries included; labels are given by their names."""

    def __init__(self, head: keras.layers.Layer, names: tuple[str, ...], width: int) -> None:
        super().__init__(head)
        _, self.kinds, self.joints = span_tables(names)
        self.width = width

    def call(self, scores: Any, mask: Any, temperature: Any, spans: Any, allowed: Any = None) -> Any:
        """Returns (spans,) for spans (spans, 4): the sentence, first token, number of tokens and type."""
        kinds = ops.take(ops.convert_to_tensor(self.kinds), spans[:, 3], axis=0)  # (spans, tags)
        asked = (spans[:, :3], kinds, self.joints, self.width)
        return self.head.span_probabilities(scores, mask, *asked, allowed, temperature[0])

    def compute_output_spec(self, scores: Any, mask: Any, temperature: Any, spans: Any, allowed: Any = None) -> Any:
        """Says the shape of `call`."""
        return keras.KerasTensor(spans.shape[:1], scores.dtype)


class Likelihood(Question):
    """The logarithm of the probability of given labels."""

    def call(self, scores: Any, mask: Any, temperature: Any, labels: Any, allowed: Any = None) -> Any:
        """Returns the sums over each sentence's labelled tokens, (batch,); the temperature is (1,)."""
        shares = self.head.probabilities(scores, mask, allowed, temperature[0])  # (batch, time, tags)
        hits = ops.equal(labels[..., None], ops.arange(self.head.tags, dtype="int32"))
        logs = ops.log(ops.maximum(ops.sum(ops.where(hits, shares, 0), axis=2), LEAST))
        return ops.sum(ops.where(ops.not_equal(labels, IGNORE), logs, 0), axis=1)

    def compute_output_spec(self, scores: Any, mask: Any, temperature: Any, labels: Any, allowed: Any = None) -> Any:
        """Says the shape of `call`."""
        return keras.KerasTensor(scores.shape[:1], scores.dtype)
