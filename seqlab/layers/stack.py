"""A stack of bidirectional recurrent layers: the encoder of a tagger."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="seqlab")
class BiLSTM(keras.layers.Layer):
    """Stacked bidirectional LSTM with variational dropout: one mask for a whole sequence (Gal & Ghahramani 2016).

    `x_0 = d(x)`, `x_l = d([forward LSTM(x_{l-1}); backward LSTM(x_{l-1})])` with `d` the dropout.

    Args:
        units: Units of each direction.
        layers: Number of layers.
        dropout: Rate of `d`, before the first layer and after each.

    Call arguments:
        inputs: `(batch, time, width)`.
        mask: `(batch, time)` booleans, true at real tokens; padding changes no real token's output.

    Returns:
        `(batch, time, 2 * units)`, zeros at masked positions of the last layer.
    """

    def __init__(self, units: int = 100, layers: int = 1, dropout: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if layers < 1 or units < 1:
            raise ValueError(f"BiLSTM needs units >= 1 and layers >= 1, received units={units}, layers={layers}.")
        self.units = units
        self.layers = layers
        self.dropout = dropout
        self.supports_masking = True
        self.recurrent = [
            keras.layers.Bidirectional(keras.layers.LSTM(units, return_sequences=True), name=f"layer_{k}")
            for k in range(layers)
        ]
        self.drops = [keras.layers.SpatialDropout1D(dropout, name=f"dropout_{k}") for k in range(layers + 1)]

    def build(self, inputs_shape: Any) -> None:
        """Builds the layers one upon the other."""
        shape = tuple(inputs_shape)
        for layer in self.recurrent:
            layer.build(shape)
            shape = (*shape[:-1], 2 * self.units)

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        """See the class."""
        x = self.drops[0](inputs, training=training)
        for layer, drop in zip(self.recurrent, self.drops[1:], strict=True):
            x = drop(layer(x, mask=mask, training=training), training=training)
        return x

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        """`(batch, time, 2 * units)`."""
        return (*inputs_shape[:-1], 2 * self.units)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("units", "layers", "dropout")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
