"""Multi-head attention, that of Keras under the contract of the other layers."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seqlab.errors import check_count
from seqlab.layers.attention.base import SequenceAttention

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class MultiHeadAttention(SequenceAttention):
    """Several scaled multiplicative attentions at once, by `keras.layers.MultiHeadAttention` (Vaswani et al. 2017).

        a_n = softmax over j of (W_Q h_i)' (W_K h_j) / sqrt(key_dim),    context_i = W_O [sum over j of a_nj W_V h_j]_n

    n counts the heads. There are no biases: that of the keys would never learn, since a softmax does not see it.

    Args:
        heads: Number of heads.
        key_dim: Width of a head's queries, keys and values; that of the inputs divided by `heads` where not given.
        joined: See `SequenceAttention`, as for the call's arguments and what it returns; the context has the inputs'
            width.

    Raises:
        SettingsError: For `heads` or `key_dim` below 1.

    >>> outputs, weights = MultiHeadAttention(heads=2)(ops.ones((1, 3, 6)), return_attention=True)
    >>> tuple(outputs.shape), tuple(weights.shape)
    ((1, 3, 12), (1, 2, 3, 3))
    """

    def __init__(self, heads: int = 4, key_dim: int | None = None, joined: bool = True, **kwargs: Any) -> None:
        super().__init__(joined, **kwargs)
        check_count("heads", heads)
        if key_dim is not None:
            check_count("key_dim", key_dim)
        self.heads = heads
        self.key_dim = key_dim

    def build(self, inputs_shape: Any) -> None:
        """Builds the layer of Keras."""
        key_dim = self.key_dim or max(1, inputs_shape[-1] // self.heads)
        self.inner = keras.layers.MultiHeadAttention(
            self.heads, key_dim, use_bias=False, dtype=self.dtype_policy, name="inner"
        )
        self.inner.build(inputs_shape, inputs_shape)

    def panels(self) -> tuple[int, ...]:
        """One for each head."""
        return (self.heads,)

    def attend(self, inputs: Tensor, mask: Tensor | None, wanted: bool) -> tuple[Tensor, Tensor | None]:
        """See the class."""
        pairs = None
        if mask is not None:
            pairs = ops.broadcast_to(mask[:, None], (ops.shape(mask)[0], *[ops.shape(mask)[1]] * 2))
        found = self.inner(inputs, inputs, attention_mask=pairs, return_attention_scores=wanted)
        return found if wanted else (found, None)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "heads": self.heads, "key_dim": self.key_dim}
