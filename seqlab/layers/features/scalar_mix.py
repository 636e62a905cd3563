"""The learned mix of the layers of a contextual model."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seqlab.errors import SettingsError, check_count, suggest

Tensor = Any
NORMS = ("token", "batch")
EPSILON = 1e-12  # of bilm-tf


@keras.saving.register_keras_serializable(package="seqlab")
class ScalarMix(keras.layers.Layer):
    """One vector of each token from the layers of a contextual model, by trained weights (Peters et al. 2018).

        y(t) = d(gamma * sum_j softmax(s)_j n(h_j(t)))

    with `gamma` initially 1, all `s_j` 0, and d the dropout. With `layer_norm` "token", n brings each `h_j(t)` to mean
    0 and variance 1 over its components; with "batch", as in bilm-tf, all of layer j in a batch, padding left out: what
    a sentence gives then depends on those beside it. A single layer has no `s`.

    Args:
        layers: Number of layers, those of the source.
        width: Width of each.
        layer_norm: `None`, "token" or "batch".
        dropout: Share of y's components dropped in training.
        weight_regularizer: Of s.

    Call arguments:
        inputs: `(batch, time, layers, width)`.
        mask: `(batch, time)` booleans, true at real tokens.

    Returns:
        `(batch, time, width)`, zeros at masked positions.

    Raises:
        SettingsError: For numbers below 1, another `layer_norm`, or a dropout outside [0, 1).
        ValueError: For inputs of other sizes.

    >>> mix = ScalarMix(layers=2, width=3)
    >>> ops.convert_to_numpy(mix(ops.stack([ops.ones((1, 1, 3)), 3 * ops.ones((1, 1, 3))], axis=2))).tolist()
    [[[2.0, 2.0, 2.0]]]
    """

    fields = ("contextual", "mask")

    def __init__(
        self,
        layers: int,
        width: int,
        layer_norm: str | None = None,
        dropout: float = 0.0,
        weight_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_count("layers", layers)
        check_count("width", width)
        if layer_norm is not None and layer_norm not in NORMS:
            raise SettingsError(
                f"Unknown layer_norm {layer_norm!r}; expected {' or '.join(NORMS)} or None."
                + suggest(str(layer_norm), NORMS)
            )
        if not 0 <= dropout < 1:
            raise SettingsError(f"dropout is a share of at least 0 and below 1, received {dropout!r}.")
        self.layers = layers
        self.width = width
        self.layer_norm = layer_norm
        self.dropout = dropout
        self.weight_regularizer = keras.regularizers.get(weight_regularizer)
        self.supports_masking = True
        self.drop = keras.layers.Dropout(dropout, name="drop", dtype=self.dtype_policy)

    @property
    def specs(self) -> dict[str, dict[str, Any]]:
        """The inputs that it reads which are no whole numbers."""
        return {"contextual": {"shape": (None, self.layers, self.width), "dtype": "float32"}}

    def build(self, inputs_shape: Any, mask_shape: Any = None) -> None:
        """Creates the weights."""
        if len(inputs_shape) != 4 or tuple(inputs_shape[2:]) != (self.layers, self.width):
            raise ValueError(
                f"{self.name} mixes inputs (batch, time, {self.layers}, {self.width}); received the shape "
                f"{tuple(inputs_shape)}."
            )
        self.gamma = self.add_weight((), "ones", name="gamma")
        self.scores = None
        if self.layers > 1:
            self.scores = self.add_weight((self.layers,), "zeros", regularizer=self.weight_regularizer, name="scores")

    def call(self, inputs: Tensor, mask: Tensor | None = None, training: bool | None = None) -> Tensor:
        """See the class."""
        real = None if mask is None else ops.cast(mask, "bool")[..., None]  # (batch, time, 1)
        x = inputs if real is None else ops.where(real[..., None], inputs, 0)
        if self.layer_norm is not None:
            x = ops.cast(self._normalised(ops.cast(x, "float32"), real), inputs.dtype)
        if self.scores is None:
            mixed = x[:, :, 0]
        else:
            mixed = ops.sum(x * ops.softmax(ops.convert_to_tensor(self.scores))[:, None], axis=2)
        mixed = self.drop(self.gamma * mixed, training=training)  # (batch, time, width)
        return mixed if real is None else ops.where(real, mixed, 0)

    def compute_output_shape(self, inputs_shape: Any, mask_shape: Any = None) -> Any:
        """`(batch, time, width)`."""
        return (*inputs_shape[:2], self.width)

    def compute_mask(self, inputs: Tensor, previous_mask: Tensor | None = None) -> Any:
        """The mask of the tokens."""
        return previous_mask

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("layers", "width", "layer_norm", "dropout")
        regularizer = keras.regularizers.serialize(self.weight_regularizer)
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in names},
            "weight_regularizer": regularizer,
        }

    def _normalised(self, x: Tensor, real: Tensor | None) -> Tensor:
        if self.layer_norm == "token":
            x = x - ops.mean(x, axis=-1, keepdims=True)
            return x / ops.sqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + EPSILON)
        weight = ops.ones_like(x[:, :, :1, :1])  # of each token, (batch, time, 1, 1)
        weight = weight if real is None else ops.cast(real[..., None], x.dtype)
        count = ops.maximum(ops.sum(weight), 1) * self.width
        x = (x - ops.sum(x * weight, axis=(0, 1, 3), keepdims=True) / count) * weight
        return x / ops.sqrt(ops.sum(ops.square(x), axis=(0, 1, 3), keepdims=True) / count + EPSILON)
