"""Key-value attention over the states before each token."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seqlab.errors import SettingsError, check_count
from seqlab.layers.attention.base import SequenceAttention
from seqlab.ops.attention import additive_scores, masked_softmax, previous, weighted_sum
from seqlab.ops.order import Order, order_of, to_steps, to_tokens

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class KeyValueAttention(SequenceAttention):
    """Each token attends to those before it; one half of a state is compared, the other read (Daniluk et al. 2017).

        [k_i ; p_i] = h_i,    f(k_i, k_j) = v' tanh(W_1 k_i + W_2 k_j)
        a_i = softmax over the L tokens j before i of f(k_i, k_j),    context_i = sum over j of a_ij p_j

    The first token's context is 0. With a window L it takes time x L x `units` numbers a sentence, and nothing that
    grows with the square of time but weights that are asked for. Masked steps are no tokens: a window reaches over
    them.

    Args:
        window: L, or `None` for all tokens before. The source found 5 to be enough for language models.
        units: Width of the comparison.
        joined: See `SequenceAttention`, as for the call's arguments and what it returns; the context has half the
            inputs' width.

    Raises:
        SettingsError: For a `window` or `units` below 1, or inputs of an odd width.

    >>> layer = KeyValueAttention(window=2)
    >>> outputs, weights = layer(ops.zeros((1, 4, 6)), return_attention=True)
    >>> tuple(outputs.shape), ops.convert_to_numpy(weights)[0, 1:].tolist()
    ((1, 4, 9), [[1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0], [0.0, 0.5, 0.5, 0.0]])
    """

    def __init__(self, window: int | None = None, units: int = 100, joined: bool = True, **kwargs: Any) -> None:
        super().__init__(joined, **kwargs)
        if window is not None:
            check_count("window", window)
        check_count("units", units)
        self.window = window
        self.units = units

    def build(self, inputs_shape: Any) -> None:
        """Creates W_1, W_2 and v."""
        half = self.context_width(inputs_shape[-1])
        self.query_kernel = self._kernel("query_kernel", half, self.units)
        self.key_kernel = self._kernel("key_kernel", half, self.units)
        self.vector = self._kernel("vector", self.units, 1)

    def context_width(self, width: int) -> int:
        """The width of a value."""
        if width % 2:
            raise SettingsError(
                f"{self.name} splits each state into a key and a value of one width; received states of width {width}: "
                "give them an even one."
            )
        return width // 2

    def attend(self, inputs: Tensor, mask: Tensor | None, wanted: bool) -> tuple[Tensor, Tensor | None]:
        """See the class."""
        order = None if mask is None else order_of(mask)
        if order is not None:  # tokens side by side, so that a window counts tokens
            inputs = ops.transpose(to_steps(inputs, order), (1, 0, 2))
        keys, values = ops.split(inputs, 2, axis=-1)
        queries, keys = ops.matmul(keys, self.query_kernel), ops.matmul(keys, self.key_kernel)
        if self.window is None:
            context, weights = self._all(queries, keys, values)
        else:
            context, weights = self._windowed(queries, keys, values, self.window)
        if order is not None:
            context = to_tokens(ops.transpose(context, (1, 0, 2)), order)
        if not wanted:
            return context, None
        if self.window is not None:
            weights = _spread(weights)
        return context, weights if order is None else _to_pairs(weights, order)

    def _all(self, queries: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        steps = ops.arange(ops.shape(values)[1], dtype="int32")
        scores = additive_scores(queries[:, :, None], keys[:, None], ops.convert_to_tensor(self.vector))
        weights = masked_softmax(scores, steps < steps[:, None])  # (batch, time, time)
        return weighted_sum(weights, values), weights

    def _windowed(self, queries: Tensor, keys: Tensor, values: Tensor, window: int) -> tuple[Tensor, Tensor]:
        steps = ops.arange(ops.shape(values)[1], dtype="int32")
        near = previous(keys, window)  # (batch, time, window, units)
        scores = additive_scores(queries[:, :, None], near, ops.convert_to_tensor(self.vector))
        weights = masked_softmax(scores, ops.arange(window, dtype="int32") < steps[:, None])
        context = weighted_sum(weights[:, :, None], previous(values, window))  # (batch, time, 1, half)
        return context[:, :, 0], weights

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "window": self.window, "units": self.units}


def _spread(weights: Tensor) -> Tensor:
    """Puts the weights of the steps before each step, (batch, time, window), where those steps stand."""
    time, window = ops.shape(weights)[1:]
    steps = ops.arange(time, dtype="int32")
    back = steps[:, None] - steps - 1  # (time, time), 0 for the nearest step before
    places = ops.broadcast_to(ops.clip(back, 0, window - 1), (ops.shape(weights)[0], time, time))
    there = ops.logical_and(back >= 0, back < window)
    return ops.where(there, ops.take_along_axis(weights, places, axis=2), 0.0)


def _to_pairs(weights: Tensor, order: Order) -> Tensor:
    """Brings weights between steps, (batch, time, time), back to where the tokens stood."""
    rows = to_tokens(ops.transpose(weights, (1, 0, 2)), order)
    batch, time = ops.shape(order.places)
    places = ops.floor_divide(order.places, batch)  # of tokens among the steps
    return ops.take_along_axis(rows, ops.broadcast_to(places[:, None], (batch, time, time)), axis=2)
