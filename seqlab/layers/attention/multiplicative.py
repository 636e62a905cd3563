"""Multiplicative attention, scaled or not."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seqlab.layers.attention.base import SequenceAttention
from seqlab.ops.attention import masked_softmax, weighted_sum

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class MultiplicativeAttention(SequenceAttention):
    """Each token attends to all tokens of its sentence, itself included (Luong et al. 2015, "general").

        f(h_i, h_j) = h_i' W h_j, times 1 / sqrt(d) where scaled (Vaswani et al. 2017)
        a_i = softmax over j of f(h_i, h_j),    context_i = sum over j of a_ij h_j

    d is the width of h. Products of wide states are large, and their softmax has next to no gradient: scaling keeps
    their variance.

    Args:
        scaled: Whether the scores are scaled.
        joined: See `SequenceAttention`, as for the call's arguments and what it returns; the context has the inputs'
            width.

    >>> tuple(MultiplicativeAttention(scaled=True)(ops.ones((2, 3, 5))).shape)
    (2, 3, 10)
    """

    def __init__(self, scaled: bool = False, joined: bool = True, **kwargs: Any) -> None:
        super().__init__(joined, **kwargs)
        self.scaled = scaled

    def build(self, inputs_shape: Any) -> None:
        """Creates W."""
        self.kernel = self._kernel("kernel", inputs_shape[-1], inputs_shape[-1])

    def attend(self, inputs: Tensor, mask: Tensor | None, wanted: bool) -> tuple[Tensor, Tensor | None]:
        """See the class."""
        queries = ops.matmul(inputs, self.kernel)
        if self.scaled:
            queries = queries / inputs.shape[-1] ** 0.5
        scores = ops.matmul(queries, ops.transpose(inputs, (0, 2, 1)))  # (batch, time, time)
        weights = masked_softmax(scores, None if mask is None else mask[:, None])
        return weighted_sum(weights, inputs), weights

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "scaled": self.scaled}
