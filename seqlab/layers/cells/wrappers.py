"""Cells that hold a cell: recurrent dropout, residual connections, learned initial states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from seqlab.layers.cells.base import Options, Ran, RecurrentCell, Run
from seqlab.layers.cells.parts import fresh, serialized

Tensor = Any


class WrapperCell(RecurrentCell):
    """Base of the cells that hold a cell; it adds nothing.

    Args:
        cell: A cell of seqlab.
    """

    def __init__(self, cell: RecurrentCell, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(cell, RecurrentCell):
            raise TypeError(f"{type(self).__name__} holds a cell of seqlab, received {type(cell).__name__}.")
        self.cell = cell
        self.output_is_state = cell.output_is_state and self.output_is_state
        self.drawn = cell.drawn
        self.output_size = cell.output_size
        self.state_size = list(cell.state_size)

    def build(self, inputs_shape: Any, states_shape: Any = None) -> None:
        """Builds the cell inside."""
        if not self.cell.built:
            self.cell.build(inputs_shape)

    def fusable(self) -> bool:
        """As the cell inside."""
        return self.cell.fusable()

    def get_initial_state(self, batch_size: Any = None) -> list[Tensor]:
        """As the cell inside."""
        return self.cell.get_initial_state(batch_size=batch_size)

    def start(self, batch_size: Any, training: bool) -> list[Tensor]:
        """As the cell inside."""
        return self.cell.start(batch_size, training)

    def width(self, task: int | None = None) -> int:
        """As the cell inside."""
        return self.cell.width(task)

    def pick(self, outputs: Tensor, task: int | None = None) -> Tensor:
        """As the cell inside."""
        return self.cell.pick(outputs, task)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), **serialized(self, "cell")}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> WrapperCell:
        """Rebuilds the cell with the one inside."""
        return cls(**{**config, "cell": keras.saving.deserialize_keras_object(config["cell"])})


@keras.saving.register_keras_serializable(package="seqlab")
class RecurrentDropoutCell(WrapperCell):
    """Variational dropout of the recurrence: one mask for a whole sequence (Gal & Ghahramani 2016).

        y(t), ... = cell(x(t), y(t-1) m, ...),   m ~ Bernoulli(1 - rate) / (1 - rate), drawn once for each sequence

    The mask meets y(t-1) wherever the cell multiplies it by recurrent weights, and nowhere else (a GRU's update still
    keeps all of y(t-1)); an `SCLSTMCell` drops the same units of its tasks' views. It is the last state. At inference
    there is no dropout.

    Args:
        cell: A cell of seqlab.
        rate: Share of units dropped.
        seed: Seed of the masks.

    Raises:
        ValueError: For a rate outside [0, 1).
    """

    def __init__(self, cell: RecurrentCell, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(cell, **kwargs)
        self.rate = share(rate)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.state_size = [*cell.state_size, cell.state_size[0]]
        self.drawn = cell.drawn + 1

    def call(self, inputs: Tensor, states: Any, training: bool | None = None, dropped: Tensor | None = None) -> Any:
        """See the class."""
        *inner, mask = states
        output, after = self.cell(inputs, inner, training=training, dropped=self._dropped(mask, dropped, training))
        return output, [*after, mask]

    def run(self, runs: Sequence[Run], options: Options) -> list[Ran]:
        """Hands the masks to the recurrence inside."""
        masks = [run.states[-1] for run in runs]
        inner = [
            run._replace(
                cell=run.cell.cell,
                states=tuple(run.states[:-1]),
                dropped=self._dropped(mask, run.dropped, options.training),
            )
            for run, mask in zip(runs, masks, strict=True)
        ]
        found = self.cell.run(inner, options)
        return [Ran(ran.outputs, (*ran.states, mask)) for ran, mask in zip(found, masks, strict=True)]

    def get_initial_state(self, batch_size: Any = None) -> list[Tensor]:
        """The cell's, and a mask."""
        return self.start(batch_size, training=True)

    def start(self, batch_size: Any, training: bool) -> list[Tensor]:
        """The cell's, and a mask: of ones at inference."""
        inner = self.cell.start(batch_size, training)
        mask = ops.ones((batch_size, self.state_size[-1]), dtype=self.compute_dtype)
        return [*inner, keras.random.dropout(mask, self.rate, seed=self.seed_generator) if training else mask]

    def _dropped(self, mask: Tensor, outer: Tensor | None, training: bool | None) -> Tensor | None:
        if not training or not self.rate:
            return outer
        return mask if outer is None else mask * outer

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


@keras.saving.register_keras_serializable(package="seqlab")
class ResidualCell(WrapperCell):
    """A cell whose input is added to its output, `y(t) + x(t)`; the recurrence inside sees y(t) alone.

    Args:
        cell: A cell of seqlab whose output is as wide as its input.
    """

    output_is_state = False

    def width(self, task: int | None = None) -> int:
        """The output's width; no single task's, whose width is another than the inputs'."""
        if task is not None:
            raise ValueError(f"ResidualCell adds inputs to the outputs of all tasks at once; received task={task}.")
        return self.output_size

    def build(self, inputs_shape: Any, states_shape: Any = None) -> None:
        """Builds the cell inside, once the widths agree."""
        width = self.check_inputs(inputs_shape)
        if width != self.output_size:
            raise ValueError(
                f"ResidualCell adds inputs of width {width} to outputs of width {self.output_size}: give the cell "
                f"{width} units, or project the inputs."
            )
        super().build(inputs_shape, states_shape)

    def call(self, inputs: Tensor, states: Any, training: bool | None = None, dropped: Tensor | None = None) -> Any:
        """See the class."""
        output, after = self.cell(inputs, states, training=training, dropped=dropped)
        return output + inputs, after

    def run(self, runs: Sequence[Run], options: Options) -> list[Ran]:
        """Adds the inputs of all steps at once."""
        found = self.cell.run([run._replace(cell=run.cell.cell) for run in runs], options)
        return [Ran(ran.outputs + run.steps, ran.states) for ran, run in zip(found, runs, strict=True)]


@keras.saving.register_keras_serializable(package="seqlab")
class LearnedStateCell(WrapperCell):
    """A cell whose first states are trained weights, the same for every sequence.

    Args:
        cell: A cell of seqlab.
        initializer: Of the states.

    Raises:
        ValueError: For a cell whose states hold dropout masks or random generators.
    """

    def __init__(self, cell: RecurrentCell, initializer: Any = "zeros", **kwargs: Any) -> None:
        super().__init__(cell, **kwargs)
        if cell.drawn:
            raise ValueError(
                f"LearnedStateCell goes inside cells that draw random numbers, received a {type(cell).__name__}: put "
                "it around the cell inside instead."
            )
        self.initializer = keras.initializers.get(initializer)

    def build(self, inputs_shape: Any, states_shape: Any = None) -> None:
        """Builds the cell inside, and the states."""
        super().build(inputs_shape, states_shape)
        self.initial = [
            self.add_weight((size,), fresh(self.initializer), name=f"initial_{n}")
            for n, size in enumerate(self.cell.state_size)
        ]

    def call(self, inputs: Tensor, states: Any, training: bool | None = None, dropped: Tensor | None = None) -> Any:
        """As the cell inside."""
        return self.cell(inputs, states, training=training, dropped=dropped)

    def run(self, runs: Sequence[Run], options: Options) -> list[Ran]:
        """As the cell inside."""
        return self.cell.run([run._replace(cell=run.cell.cell) for run in runs], options)

    def get_initial_state(self, batch_size: Any = None) -> list[Tensor]:
        """The learned states, for each row."""
        return self.start(batch_size, training=True)

    def start(self, batch_size: Any, training: bool) -> list[Tensor]:
        """The learned states, for each row."""
        return [ops.broadcast_to(ops.convert_to_tensor(state), (batch_size, state.shape[0])) for state in self.initial]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), **serialized(self, "initializer")}


def share(rate: float) -> float:
    """Returns the rate, which must lie in [0, 1)."""
    if not 0 <= rate < 1:
        raise ValueError(f"A rate of dropout or zoneout is at least 0 and below 1, received {rate}.")
    return rate
