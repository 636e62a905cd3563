"""A stack of bidirectional recurrent layers: the encoder of a tagger."""

from __future__ import annotations

from typing import Any

import keras

from seqlab.errors import check_count
from seqlab.layers.bidirectional import Bidirectional
from seqlab.layers.cells.table import cell_of
from seqlab.layers.cells.wrappers import RecurrentDropoutCell
from seqlab.layers.recurrent import Recurrent


@keras.saving.register_keras_serializable(package="seqlab")
class RecurrentStack(keras.layers.Layer):
    """Stacked bidirectional recurrence with variational dropout: one mask for a whole sequence (Gal & Ghahramani 2016).

    `x_0 = d(x)`, `x_l = d([forward cell(x_{l-1}); backward cell(x_{l-1})])` with `d` the dropout.

    Args:
        units: Units of each direction.
        layers: Number of layers.
        dropout: Rate of `d`, before the first layer and after each.
        cell: Name of the cell: one of the nine LSTM variants ("np", without peepholes, is the usual LSTM), "gru",
            "gru_after" or "srn".
        recurrent_dropout: Rate of the dropout inside the recurrence, see `RecurrentDropoutCell`.
        all_layers: Whether to return `[x_1, ..., x_L]`, for what reads lower layers, and not the last alone.

    Call arguments:
        inputs: `(batch, time, width)`.
        mask: `(batch, time)` booleans, true at real tokens; padding changes no real token's output.

    Returns:
        `(batch, time, 2 * units)`, zeros at masked positions; a list of them with `all_layers`.

    Raises:
        SettingsError: For an unknown cell.
        ValueError: For numbers below 1 or rates outside [0, 1).
    """

    def __init__(
        self,
        units: int = 100,
        layers: int = 1,
        dropout: float = 0.0,
        cell: str = "np",
        recurrent_dropout: float = 0.0,
        all_layers: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_count("units", units)
        check_count("layers", layers)
        self.units = units
        self.layers = layers
        self.dropout = dropout
        self.cell = cell
        self.recurrent_dropout = recurrent_dropout
        self.all_layers = all_layers
        self.supports_masking = True
        policy = {"dtype": self.dtype_policy}
        self.recurrent = [
            Bidirectional(Recurrent(self._cell(**policy), return_sequences=True, **policy), name=f"layer_{k}", **policy)
            for k in range(layers)
        ]
        self.drops = [keras.layers.SpatialDropout1D(dropout, name=f"dropout_{k}", **policy) for k in range(layers + 1)]

    def build(self, inputs_shape: Any) -> None:
        """Builds the layers one upon the other."""
        shape = tuple(inputs_shape)
        for layer in self.recurrent:
            layer.build(shape)
            shape = (*shape[:-1], 2 * self.units)

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        """See the class."""
        outputs = [self.drops[0](inputs, training=training)]
        for layer, drop in zip(self.recurrent, self.drops[1:], strict=True):
            outputs.append(drop(layer(outputs[-1], mask=mask, training=training), training=training))
        return outputs[1:] if self.all_layers else outputs[-1]

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        """`(batch, time, 2 * units)`, for each layer with `all_layers`."""
        shape = (*inputs_shape[:-1], 2 * self.units)
        return [shape] * self.layers if self.all_layers else shape

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask, for each output."""
        return [previous_mask] * self.layers if self.all_layers else previous_mask

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("units", "layers", "dropout", "cell", "recurrent_dropout", "all_layers")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _cell(self, **policy: Any) -> Any:
        cell = cell_of(self.cell, self.units, **policy)
        return RecurrentDropoutCell(cell, self.recurrent_dropout, **policy) if self.recurrent_dropout else cell
