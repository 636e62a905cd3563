"""A stack of bidirectional recurrent layers: the encoder of a tagger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from seqlab.errors import SettingsError, check_count, suggest
from seqlab.layers.bidirectional import Bidirectional
from seqlab.layers.cells.base import RecurrentCell
from seqlab.layers.cells.parts import Projection
from seqlab.layers.cells.table import Template
from seqlab.layers.cells.wrappers import RecurrentDropoutCell, share
from seqlab.layers.connections import ADDED, check_connection, joined, read_of
from seqlab.layers.highway import TRANSFORM_BIAS
from seqlab.layers.recurrent import Recurrent
from seqlab.layers.running import mask_of

Tensor = Any
STACKINGS = ("interleaved", "per_direction")


@keras.saving.register_keras_serializable(package="seqlab")
class RecurrentStack(keras.layers.Layer):
    """Stacked bidirectional recurrence with variational dropout: one mask for a whole sequence (Gal & Ghahramani 2016).

    `x_0 = d(x)`, and with `f_l(v) = d([forward cell(v); backward cell(v)])`, `d` being the dropout, layer l gives

        x_l = f_l(x_{l-1})                                          connection None
        x_l = f_l(x_{l-1}) + x_{l-1}                                "residual"
        x_l = t f_l(x_{l-1}) + (1 - t) x_{l-1}                      "highway", t = s(x_{l-1} W_T + b_T)
        x_l = f_l([x_0; ...; x_{l-1}])                              "dense" (Huang et al. 2017)
        x_l = f_l(x_{l-1}) + x_0 + ... + x_{l-1}                    "sum" (Britz et al. 2017)

    Where something is added to `x_0` and its width is not that of the layers' outputs, `x_0 P` stands for it there, and
    in t: one learned projection without bias. The first layer's recurrence reads `x_0` itself. `b_T` starts at -1.

    With the stacking "per_direction" (Peters et al. 2018) the forward cells read forward outputs alone, the backward
    ones backward outputs; connections, P and W_T are of each direction. Both are joined in what is returned.

    Args:
        units: Units of each direction for a cell given by name, 100 by default.
        layers: Number of layers.
        dropout: Rate of `d`, before the first layer and after each; or three rates: before the first layer, after those
            that another one reads, and after the last.
        cell: Name of the cell: one of the nine LSTM variants ("np", without peepholes, is the usual LSTM), "gru",
            "gru_after" or "srn"; or a cell, of which each layer and direction gets a copy with weights of its own.
        recurrent_dropout: Rate of the dropout inside the recurrence, see `RecurrentDropoutCell`.
        all_layers: Whether to return `[x_1, ..., x_L]`, for what reads lower layers, and not the last alone.
        connection: One of the above.
        stacking: "interleaved", where each layer reads both directions of the one below, or "per_direction".
        layer_dropout: Probability with which `f_l` is left out of a residual layer in training, for each sequence; it
            is divided by the rest otherwise (stochastic depth, Huang et al. 2016).

    Call arguments:
        inputs: `(batch, time, width)`.
        mask: `(batch, time)` booleans, true at real tokens; padding changes no real token's output.

    Returns:
        `(batch, time, 2 * units)`, zeros at masked positions; a list of them with `all_layers`.

    Raises:
        SettingsError: For an unknown cell, connection or stacking, units beside a given cell, or a `layer_dropout`
            without residual connections; for another number of rates than one or three.
        ValueError: For numbers below 1 or rates outside [0, 1).

    >>> from seqlab.layers import LSTMCell, ZoneoutCell
    >>> stack = RecurrentStack(cell=ZoneoutCell(LSTMCell(4), 0.1), layers=3, connection="residual")
    >>> tuple(stack(ops.ones((2, 3, 5))).shape)
    (2, 3, 8)
    """

    def __init__(
        self,
        units: int | None = None,
        layers: int = 1,
        dropout: float | Sequence[float] = 0.0,
        cell: str | RecurrentCell = "np",
        recurrent_dropout: float = 0.0,
        all_layers: bool = False,
        connection: str | None = None,
        stacking: str = "interleaved",
        layer_dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_count("layers", layers)
        check_connection(connection)
        if stacking not in STACKINGS:
            raise SettingsError(
                f"Unknown stacking {stacking!r}; expected {' or '.join(STACKINGS)}." + suggest(str(stacking), STACKINGS)
            )
        if layer_dropout and connection != "residual":
            raise SettingsError(
                f"layer_dropout leaves whole layers out, so it needs connection='residual', received {connection!r}: "
                "without it nothing would be left."
            )
        self.template = Template(cell, units)
        self.units = self.template.units
        if isinstance(cell, str):
            check_count("units", self.units)
        self.layers = layers
        self.dropout = rates_of(dropout)
        self.recurrent_dropout = recurrent_dropout
        self.all_layers = all_layers
        self.connection = connection
        self.stacking = stacking
        self.layer_dropout = share(layer_dropout)
        self.supports_masking = True
        self._make_layers({"dtype": self.dtype_policy})

    @property
    def cell(self) -> str | RecurrentCell:
        """The cell, as it was given: no part of the model, whose cells are copies of it."""
        return self.template.cell

    def _make_layers(self, policy: dict[str, Any]) -> None:
        self.recurrent = [
            Bidirectional(
                Recurrent(self._cell(k, **policy), return_sequences=True, **policy), name=f"layer_{k}", **policy
            )
            for k in range(self.layers)
        ]
        self.drops = [
            keras.layers.SpatialDropout1D(rate, name=f"dropout_{k}", **policy)
            for k, rate in enumerate(rates_by_layer(self.dropout, self.layers))
        ]
        self.skips = [
            keras.layers.Dropout(self.layer_dropout, noise_shape=(None, 1, 1), name=f"skip_{k}", **policy)
            for k in range(self.layers if self.layer_dropout else 0)
        ]
        self.width = 2 * self.recurrent[0].layer.cell.output_size
        self.streams = 1 if self.stacking == "interleaved" else 2
        self.projections: list[Projection] = []
        self.transforms = [
            keras.layers.Dense(
                self.width // self.streams,
                "sigmoid",
                bias_initializer=keras.initializers.Constant(TRANSFORM_BIAS),
                name=f"transform_{k}",
                **policy,
            )
            for k in range(self.layers * self.streams if self.connection == "highway" else 0)
        ]

    def build(self, inputs_shape: Any) -> None:
        """Builds the layers one upon the other."""
        shape, width = tuple(inputs_shape), self.width // self.streams
        read = shape
        for layer in self.recurrent:
            layer.build(read)
            read = (*shape[:-1], read[-1] + width if self.connection == "dense" else width)
        for transform in self.transforms:
            transform.build((*shape[:-1], width))
        if self.connection in ADDED and shape[-1] != width:
            names = [f"projection_{k}" for k in range(self.streams)]
            self.projections = [Projection(width, name=name, dtype=self.dtype_policy) for name in names]
            for projection in self.projections:
                projection.build(shape)

    def call(self, inputs: Tensor, mask: Tensor | None = None, training: bool | None = None) -> Any:
        """See the class."""
        results = self.up_to(self.layers, inputs, mask, training)
        return results if self.all_layers else results[-1]

    def up_to(
        self, depth: int, inputs: Tensor, mask: Tensor | None = None, training: bool | None = None
    ) -> list[Tensor]:
        """Returns `[x_1, ..., x_depth]` and runs no layer above; arguments as in `call`."""
        mask = mask_of(mask, inputs)
        x = self.drops[0](inputs, training=training)
        if self.connection is not None and mask is not None:
            x = ops.where(mask[..., None], x, 0)
        streams: list[list[Tensor]] = [[x] for _ in range(self.streams)]  # x_0, ..., x_{l-1} of each
        results = []
        for k in range(depth):
            parts = self._outputs(k, [read_of(self.connection, below) for below in streams], mask, training)
            for number, (below, new) in enumerate(zip(streams, parts, strict=True)):
                if k == 0 and self.projections:
                    below[0] = self.projections[number](x)
                transform = self.transforms[k * self.streams + number](below[-1]) if self.transforms else None
                below.append(joined(self.connection, new, below, transform))
            tops = [below[-1] for below in streams]
            results.append(tops[0] if self.streams == 1 else ops.concatenate(tops, axis=-1))
        return results

    def weights_up_to(self, depth: int) -> list[Any]:
        """Returns the weights that `up_to(depth, ...)` reads."""
        layers = [*self.recurrent[:depth], *self.projections, *self.transforms[: depth * self.streams]]
        return [weight for layer in layers for weight in layer.weights]

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        """`(batch, time, 2 * units)`, for each layer with `all_layers`."""
        shape = (*inputs_shape[:-1], self.width)
        return [shape] * self.layers if self.all_layers else shape

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask, for each output."""
        return [previous_mask] * self.layers if self.all_layers else previous_mask

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ["units", "layers", "recurrent_dropout", "all_layers", "connection", "stacking", "layer_dropout"]
        dropout = list(self.dropout) if isinstance(self.dropout, tuple) else self.dropout
        cell = self.cell if isinstance(self.cell, str) else keras.saving.serialize_keras_object(self.cell)
        options = {name: getattr(self, name) for name in names}
        return {**super().get_config(), "cell": cell, "dropout": dropout, **options}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> RecurrentStack:
        """Rebuilds the layer with its cell."""
        if isinstance(config.get("cell"), dict):
            config = {**config, "cell": keras.saving.deserialize_keras_object(config["cell"])}
        return cls(**config)

    def _cell(self, layer: int, **policy: Any) -> RecurrentCell:
        cell = self.template.copy(2 * layer, **policy)  # a backward layer adds 1 to the seeds
        return RecurrentDropoutCell(cell, self.recurrent_dropout, **policy) if self.recurrent_dropout else cell

    def _outputs(self, k: int, read: list[Tensor], mask: Tensor | None, training: bool | None) -> list[Tensor]:
        """`f_l` of each stream, after the dropouts."""
        layer = self.recurrent[k]
        if self.streams == 1:
            outputs = layer(read[0], mask=mask, training=training)
        else:
            outputs = ops.concatenate(layer.apart(read[0], read[1], mask, training), axis=-1)
        outputs = self.drops[k + 1](outputs, training=training)
        if self.skips:
            outputs = self.skips[k](outputs, training=training)
        return [outputs] if self.streams == 1 else ops.split(outputs, 2, axis=-1)


def rates_of(dropout: float | Sequence[float]) -> float | tuple[float, ...]:
    """Returns one rate, or three: before the first layer, between layers, after the last.

    Raises:
        SettingsError: For something else, or another number of rates.
        ValueError: For a rate outside [0, 1).
    """
    if isinstance(dropout, int | float):
        return share(dropout)
    if isinstance(dropout, str) or not isinstance(dropout, Sequence) or len(dropout) != 3:
        raise SettingsError(
            "dropout is one rate, or three: before the first layer, between layers, after the last. "
            f"Received: {dropout!r}."
        )
    return tuple(share(rate) for rate in dropout)


def rates_by_layer(rates: float | tuple[float, ...], layers: int) -> list[float]:
    """Returns the rate before the first of some layers and after each.

    >>> rates_by_layer((0.1, 0.2, 0.3), layers=3)
    [0.1, 0.2, 0.2, 0.3]
    """
    before, between, after = rates if isinstance(rates, tuple) else 3 * (rates,)
    return [before, *(layers - 1) * [between], after]
