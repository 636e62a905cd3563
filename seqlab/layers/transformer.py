"""A Transformer encoder, made of Keras' own layers."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seqlab.errors import SettingsError, check_count
from seqlab.layers.running import mask_of

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class TransformerEncoder(keras.layers.Layer):
    """The encoder of Vaswani et al. (2017), normalised before each part and not after it (Xiong et al. 2020).

        x_0 = d(x) W + p                                    p(t, 2i) = sin(t / 10000^(2i / units)), p(t, 2i + 1) = cos
        a_l = x_{l-1} + d(attention(norm(x_{l-1})))         several heads, over the real tokens alone
        x_l = a_l + d(max(0, norm(a_l) W_1 + b_1) W_2 + b_2)

    The result is `norm(x_L)`. The attention has no biases. Positions t count real tokens from 0, so padding moves none,
    on whichever side it stands.

    Args:
        units: Width of all `x_l`, a multiple of `heads`.
        layers: Number of blocks.
        dropout: Rate of d: for x with one mask for a whole sequence, elsewhere for each number by itself, attention
            weights among them.
        heads: Heads of the attention, each `units / heads` wide.
        feed_forward: Width between `W_1` and `W_2`, `4 * units` by default.
        all_layers: Whether to return `[x_1, ..., x_{L-1}, norm(x_L)]`, for what reads lower layers, and not the last
            alone.

    Call arguments:
        inputs: (batch, time, width).
        mask: (batch, time) booleans, true at real tokens; padding changes no real token's output.

    Returns:
        (batch, time, units), zeros at masked positions; a list of them with `all_layers`.

    Raises:
        SettingsError: For numbers below 1, or units that the heads do not share out evenly.

    >>> tuple(TransformerEncoder(8, heads=2)(ops.ones((2, 3, 5))).shape)
    (2, 3, 8)
    """

    def __init__(
        self,
        units: int = 100,
        layers: int = 1,
        dropout: float = 0.0,
        heads: int = 4,
        feed_forward: int | None = None,
        all_layers: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        feed_forward = 4 * units if feed_forward is None else feed_forward
        for name, value in (("units", units), ("layers", layers), ("heads", heads), ("feed_forward", feed_forward)):
            check_count(name, value)
        if units % heads:
            raise SettingsError(f"`units` must be a multiple of `heads`. Received: units={units}, heads={heads}.")
        self.units = units
        self.layers = layers
        self.dropout = dropout
        self.heads = heads
        self.feed_forward = feed_forward
        self.all_layers = all_layers
        self.supports_masking = True
        policy = {"dtype": self.dtype_policy}
        self.drop = keras.layers.SpatialDropout1D(dropout, name="dropout", **policy)
        self.entry = keras.layers.Dense(units, use_bias=False, name="entry", **policy)
        self.blocks = [_Block(units, heads, feed_forward, dropout, name=f"block_{k}", **policy) for k in range(layers)]
        self.norm = keras.layers.LayerNormalization(name="norm", **policy)

    def build(self, inputs_shape: Any) -> None:
        """Builds the layers one upon the other."""
        shape = (*inputs_shape[:-1], self.units)
        self.entry.build(inputs_shape)
        for block in self.blocks:
            block.build(shape)
        self.norm.build(shape)

    def call(self, inputs: Tensor, mask: Tensor | None = None, training: bool | None = None) -> Any:
        """See the class."""
        mask = mask_of(mask, inputs)
        mask = ops.ones(ops.shape(inputs)[:2], "bool") if mask is None else mask
        real = mask[..., None]
        places = ops.cumsum(ops.cast(mask, "int32"), axis=1) - 1  # (batch, time)
        x = self.entry(self.drop(ops.where(real, inputs, 0), training=training))
        x = x + ops.cast(sinusoids(places, self.units), x.dtype)
        seen = ops.logical_and(real, mask[:, None, :])  # (batch, time, time)
        results = []
        for block in self.blocks:
            x = block(x, seen, training=training)
            results.append(x)
        results[-1] = self.norm(x)
        results = [ops.where(real, x, 0) for x in (results if self.all_layers else results[-1:])]
        return results if self.all_layers else results[0]

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        """`(batch, time, units)`, for each layer with `all_layers`."""
        shape = (*inputs_shape[:-1], self.units)
        return [shape] * self.layers if self.all_layers else shape

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask, for each output."""
        return [previous_mask] * self.layers if self.all_layers else previous_mask

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("units", "layers", "dropout", "heads", "feed_forward", "all_layers")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class _Block(keras.layers.Layer):
    """One block, see `TransformerEncoder`; its arguments are those."""

    def __init__(self, units: int, heads: int, feed_forward: int, dropout: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        policy = {"dtype": self.dtype_policy}
        # Without biases, as published: that of the keys would move no weight of the attention, so nothing reaches it.
        self.attention = keras.layers.MultiHeadAttention(
            heads, units // heads, dropout=dropout, use_bias=False, name="attention", **policy
        )
        self.inner = keras.layers.Dense(feed_forward, "relu", name="inner", **policy)
        self.outer = keras.layers.Dense(units, name="outer", **policy)
        self.norms = [keras.layers.LayerNormalization(name=f"norm_{k}", **policy) for k in range(2)]
        self.drops = [keras.layers.Dropout(dropout, name=f"dropout_{k}", **policy) for k in range(2)]

    def build(self, x_shape: Any, seen_shape: Any = None) -> None:
        """Builds the parts."""
        for norm in self.norms:
            norm.build(x_shape)
        self.attention.build(x_shape, x_shape)
        self.inner.build(x_shape)
        self.outer.build((*x_shape[:-1], self.inner.units))

    def call(self, x: Tensor, seen: Tensor, training: bool | None = None) -> Tensor:
        """`x_l` from `x_{l-1}`; `seen` (batch, time, time) says which tokens each one may look at."""
        read = self.norms[0](x)
        found = self.attention(read, read, attention_mask=seen, training=training)
        x = x + self.drops[0](found, training=training)
        found = self.outer(self.inner(self.norms[1](x)))
        return x + self.drops[1](found, training=training)


def sinusoids(places: Tensor, units: int) -> Tensor:
    """`p(t, 2i) = sin(t / 10000^(2i / units))`, `p(t, 2i + 1) = cos(t / 10000^(2i / units))`.

    Args:
        places: (batch, time) whole numbers t.
        units: Width of p.

    Returns:
        (batch, time, units), float32.

    >>> ops.convert_to_numpy(sinusoids(ops.zeros((1, 1), "int32"), 4)).tolist()
    [[[0.0, 1.0, 0.0, 1.0]]]
    """
    pairs = (units + 1) // 2
    rates = 10000.0 ** (-2 * ops.arange(pairs, dtype="float32") / units)
    angles = ops.cast(places, "float32")[..., None] * rates  # (batch, time, pairs)
    both = ops.stack([ops.sin(angles), ops.cos(angles)], axis=-1)
    shape = ops.shape(angles)
    return ops.reshape(both, (shape[0], shape[1], 2 * pairs))[..., :units]
