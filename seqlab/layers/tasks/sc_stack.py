"""Stacked shared-cell LSTMs: the encoder of SC-LSTM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from seqlab.errors import SettingsError, check_count, suggest
from seqlab.layers.bidirectional import Bidirectional
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.layers.cells.sc_lstm import SCLSTMCell
from seqlab.layers.recurrent import Recurrent
from seqlab.layers.stack import rates_by_layer, rates_of
from seqlab.layers.tasks.base import Found, TaskEncoder

Tensor = Any
GATES = ("top", "all")
MERGES = ("concat", "sum")


@keras.saving.register_keras_serializable(package="seqlab")
class SCLSTMStack(TaskEncoder):
    """Stacked bidirectional LSTMs whose memory all tasks share, with output gates of each task's own.

        x_0 = d(x)
        x_l = d([h_l forward; h_l backward])        a layer without task gates: a plain LSTM
        x_l = d([q_k; h] forward, [q_k; h] backward)      one with them, merge "concat"
        x_l = d(q_k + h forward, q_k + h backward)        merge "sum"
        s_k = x_L

    `q_k` is task k's view of the shared memory, see `SCLSTMCell`; `d` the variational dropout of `RecurrentStack`. With
    the gates "top" lower layers hand `h` upwards, as in the paper; with "all" each layer reads its task's `x_{l-1}`.
    The directions that all tasks share are `x_1` where the first layer has no gates, its `[h; h]` where it has some.

    Args:
        units: Units of each direction.
        tasks: Number of tasks.
        layers: Number of layers.
        dropout: Rate of `d`, before the first layer and after each; or three, see `RecurrentStack`.
        variant: Of the shared LSTM, see `LSTMCell`; the paper's has no peepholes.
        gates: At the "top" layer alone or at "all".
        merge: "concat", `4 units` wide, or "sum", `2 units`.

    Call arguments, shapes and masking: see `TaskEncoder`. A batch of one task runs the gates of no other.

    Raises:
        SettingsError: For unknown gates, merge or variant, or one with full gate recurrence.
        ValueError: For counts below 1 or a rate outside [0, 1).

    >>> encoder = SCLSTMStack(4, tasks=3, layers=2)
    >>> tuple(encoder(ops.ones((2, 3, 5))).shape), tuple(encoder(ops.ones((2, 3, 5)), task=2).shape)
    ((2, 3, 3, 16), (2, 3, 16))

    Reference: Lu, Bai and Langlais, SC-LSTM: learning task-specific representations in multi-task learning for
    sequence labeling, NAACL 2019.
    """

    def __init__(
        self,
        units: int,
        tasks: int,
        layers: int = 1,
        dropout: float | Sequence[float] = 0.0,
        variant: str = "NP",
        gates: str = "top",
        merge: str = "concat",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_count("units", units)
        check_count("layers", layers)
        for name, value, known in (("gates", gates, GATES), ("merge", merge, MERGES)):
            if value not in known:
                raise SettingsError(f"Unknown {name} {value!r}; expected {' or '.join(known)}.{suggest(value, known)}")
        self.units = units
        self.tasks = tasks
        self.layers = layers
        self.dropout = rates_of(dropout)
        self.variant = variant
        self.gates = gates
        self.merge = merge
        policy = {"dtype": self.dtype_policy}
        cells = [
            SCLSTMCell(units, tasks, variant, **policy) if self._gated(k) else LSTMCell(units, variant, **policy)
            for k in range(layers)
        ]
        self.recurrent = [
            Bidirectional(Recurrent(cell, return_sequences=True, **policy), name=f"layer_{k}", **policy)
            for k, cell in enumerate(cells)
        ]
        self.drops = [
            keras.layers.SpatialDropout1D(rate, name=f"dropout_{k}", **policy)
            for k, rate in enumerate(rates_by_layer(self.dropout, layers))
        ]

    def build(self, inputs_shape: Any) -> None:
        """Builds the layers one upon the other."""
        shape = tuple(inputs_shape)
        for k, layer in enumerate(self.recurrent):
            layer.build(shape)
            shape = (*shape[:-1], self._width(k))

    def represent(self, inputs: Tensor, mask: Tensor | None, task: int, training: bool | None) -> Found:
        """See the class."""
        x = self.drops[0](inputs, training=training)
        first = None
        for k, layer in enumerate(self.recurrent):
            if self._gated(k):
                parts = ops.split(layer(x, mask=mask, task=task, training=training), 4, axis=-1)
                first = ops.concatenate([parts[1], parts[3]], axis=-1) if k == 0 else first
                x = self._merged(parts)
            else:
                x = layer(x, mask=mask, training=training)
            x = self.drops[k + 1](x, training=training)
            first = x if first is None else first
        return x, first

    def represent_all(self, inputs: Tensor, mask: Tensor | None, training: bool | None) -> Found:
        """Runs the shared layers once; where all layers have gates, each task's run is its own."""
        if self.gates == "all" and self.layers > 1:
            return super().represent_all(inputs, mask, training)
        x = self.drops[0](inputs, training=training)
        below = []
        for drop, layer in zip(self.drops[1:], self.recurrent[:-1], strict=False):
            x = drop(layer(x, mask=mask, training=training), training=training)
            below.append(x)
        x = self.recurrent[-1](x, mask=mask, training=training)
        parts = ops.split(x, 2 * (1 + self.tasks), axis=-1)  # h, q_1, ..., q_K forward, then backward
        forward, backward = parts[: 1 + self.tasks], parts[1 + self.tasks :]
        found = [self._merged([forward[k], forward[0], backward[k], backward[0]]) for k in range(1, 1 + self.tasks)]
        first = below[0] if below else ops.concatenate([forward[0], backward[0]], axis=-1)
        return ops.stack([self.drops[-1](s, training=training) for s in found], axis=2), first

    @property
    def directions_width(self) -> int | None:
        """That of h in both directions."""
        return 2 * self.units

    def width(self, inputs_shape: Any) -> int:
        """That of the top layer."""
        return self._width(self.layers - 1)

    def weights_of(self, task: int) -> list[Any]:
        """All but the other tasks' gates."""
        found: list[Any] = []
        for k, layer in enumerate(self.recurrent):
            for one in layer.both:
                found += one.cell.weights_of(task) if self._gated(k) else one.cell.weights
        return found

    def config_for(self, kept: Sequence[int | None], depth: int | None = None) -> dict[str, Any]:
        """A new task gets gates of its own."""
        if depth is not None:
            raise SettingsError("depth is for encoders whose tasks read different layers (LSTM-d): leave it out.")
        return {**self.get_config(), "tasks": len(kept)}

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("units", "tasks", "layers", "variant", "gates", "merge")
        dropout = list(self.dropout) if isinstance(self.dropout, tuple) else self.dropout
        return {**super().get_config(), **{name: getattr(self, name) for name in names}, "dropout": dropout}

    def _gated(self, layer: int) -> bool:
        return self.gates == "all" or layer == self.layers - 1

    def _width(self, layer: int) -> int:
        return self.units * (4 if self._gated(layer) and self.merge == "concat" else 2)

    def _merged(self, parts: Sequence[Tensor]) -> Tensor:
        """Of q and h forward, q and h backward."""
        if self.merge == "concat":
            return ops.concatenate(parts, axis=-1)
        return ops.concatenate([parts[0] + parts[1], parts[2] + parts[3]], axis=-1)
