"""Additive attention, with or without coverage."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seqlab.errors import check_count
from seqlab.layers.attention.base import SequenceAttention
from seqlab.ops.attention import additive_scores, coverage_weights, masked_softmax, weighted_sum

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class AdditiveAttention(SequenceAttention):
    """Each token attends to all tokens of its sentence, itself included (Bahdanau et al. 2015).

        f(h_i, h_j) = v' tanh(W_1 h_i + W_2 h_j)
        a_i = softmax over j of f(h_i, h_j),    context_i = sum over j of a_ij h_j

    With coverage (See et al. 2017) a token knows how much attention each place had from the tokens before it:

        f(h_i, h_j, c_i) = v' tanh(W_1 h_i + W_2 h_j + W_3 c_ij),    c_i = sum of a_k over k < i

    It takes time x time x `units` numbers a sentence, and coverage a step after the other.

    Args:
        units: Width of the comparison.
        coverage: Whether there is a W_3.
        joined: See `SequenceAttention`, as for the call's arguments and what it returns; the context has the inputs'
            width.

    Raises:
        SettingsError: For `units` below 1.

    >>> layer = AdditiveAttention(4)
    >>> outputs, weights = layer(ops.ones((2, 3, 5)), mask=ops.convert_to_tensor([3, 1]), return_attention=True)
    >>> tuple(outputs.shape), ops.convert_to_numpy(weights)[1].tolist()
    ((2, 3, 10), [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    """

    def __init__(self, units: int = 100, coverage: bool = False, joined: bool = True, **kwargs: Any) -> None:
        super().__init__(joined, **kwargs)
        check_count("units", units)
        self.units = units
        self.coverage = coverage

    def build(self, inputs_shape: Any) -> None:
        """Creates W_1, W_2, v and, with coverage, W_3."""
        width = inputs_shape[-1]
        self.query_kernel = self._kernel("query_kernel", width, self.units)
        self.key_kernel = self._kernel("key_kernel", width, self.units)
        self.vector = self._kernel("vector", self.units, 1)
        self.coverage_kernel = self._kernel("coverage_kernel", 1, self.units) if self.coverage else None

    def attend(self, inputs: Tensor, mask: Tensor | None, wanted: bool) -> tuple[Tensor, Tensor | None]:
        """See the class."""
        queries, keys = ops.matmul(inputs, self.query_kernel), ops.matmul(inputs, self.key_kernel)
        vector = ops.convert_to_tensor(self.vector)
        if self.coverage_kernel is None:
            scores = additive_scores(queries[:, :, None], keys[:, None], vector)  # (batch, time, time)
            weights = masked_softmax(scores, None if mask is None else mask[:, None])
        else:
            real = ops.ones(ops.shape(inputs)[:2], "bool") if mask is None else mask
            weights = coverage_weights(queries, keys, ops.convert_to_tensor(self.coverage_kernel), vector, real)
        return weighted_sum(weights, inputs), weights

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "units": self.units, "coverage": self.coverage}
