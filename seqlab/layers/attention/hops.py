"""Self-attention with several hops over a sentence."""

from __future__ import annotations

from numbers import Real
from typing import Any

import keras
from keras import ops

from seqlab.errors import SettingsError, check_count
from seqlab.layers.attention.base import SequenceAttention
from seqlab.ops.attention import hop_penalty, masked_softmax, weighted_sum
from seqlab.ops.masking import masked_mean

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class SelfAttention(SequenceAttention):
    """Several looks at a sentence, each a distribution over its tokens; every token gets all of them (Lin et al. 2017).

        A = softmax over time of V_a tanh(W_a H'),    C = A H,    context_i = the rows of C, one after the other

    H holds the states of a sentence, A is (hops, time). The layer adds

        penalty * mean over sentences of ||A A' - I||_F^2

    to the loss of its model, so that the hops look at few tokens and at different ones. Sentences without any token do
    not count there.

    Args:
        hops: Rows of A.
        units: Width of W_a.
        penalty: Weight of the penalty; 0 for none.
        joined: See `SequenceAttention`, as for the call's arguments and what it returns. The context is `hops` times
            as wide as the inputs, and the weights of a hop are the same for all tokens of a sentence.

    Raises:
        SettingsError: For `hops` or `units` below 1, or a penalty that is no number of at least 0.

    >>> outputs, weights = SelfAttention(hops=2)(ops.ones((1, 3, 5)), return_attention=True)
    >>> tuple(outputs.shape), tuple(weights.shape)
    ((1, 3, 15), (1, 2, 3, 3))
    """

    def __init__(
        self, hops: int = 4, units: int = 100, penalty: float = 0.0, joined: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(joined, **kwargs)
        check_count("hops", hops)
        check_count("units", units)
        _check_penalty(penalty)
        self.hops = hops
        self.units = units
        self.penalty = penalty

    def build(self, inputs_shape: Any) -> None:
        """Creates W_a and V_a."""
        self.kernel = self._kernel("kernel", inputs_shape[-1], self.units)
        self.hop_kernel = self._kernel("hop_kernel", self.units, self.hops)

    def context_width(self, width: int) -> int:
        """The width of all rows of C."""
        return self.hops * width

    def panels(self) -> tuple[int, ...]:
        """One for each hop."""
        return (self.hops,)

    def attend(self, inputs: Tensor, mask: Tensor | None, wanted: bool) -> tuple[Tensor, Tensor | None]:
        """See the class."""
        batch, time, width = ops.shape(inputs)
        scores = ops.matmul(ops.tanh(ops.matmul(inputs, self.kernel)), self.hop_kernel)
        scores = ops.transpose(scores, (0, 2, 1))  # (batch, hops, time)
        weights = masked_softmax(scores, None if mask is None else mask[:, None])
        if self.penalty:
            real = ops.ones((batch,), "bool") if mask is None else ops.any(mask, axis=1)
            self.add_loss(self.penalty * masked_mean(hop_penalty(weights), real))
        rows = ops.reshape(weighted_sum(weights, inputs), (-1, 1, self.hops * width))
        context = ops.broadcast_to(rows, (batch, time, self.hops * width))
        shared = ops.broadcast_to(weights[:, :, None], (batch, self.hops, time, time)) if wanted else None
        return context, shared

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "hops": self.hops, "units": self.units, "penalty": self.penalty}


def _check_penalty(value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) < float("inf"):
        raise SettingsError(f"`penalty` must be a number of at least 0. Received: penalty={value!r}.")
