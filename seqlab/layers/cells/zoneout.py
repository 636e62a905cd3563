"""Zoneout around any cell."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seqlab.layers.cells.base import RecurrentCell
from seqlab.layers.cells.wrappers import WrapperCell, share
from seqlab.ops.generator import draw, seeded

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class ZoneoutCell(WrapperCell):
    """Zoneout: in training each unit of a state keeps its old value with some probability (Krueger et al. 2017).

        s(t) = d s(t-1) + (1 - d) s~(t),   d ~ Bernoulli(rate) at every step; at inference d is the rate itself

    After the states of the cell inside come as many random generators, one for each unit (see
    `seqlab.ops.generator`), so that every step draws anew in any loop. It runs step by step, not fused.

    Args:
        cell: A cell of seqlab whose output is its first state.
        rate: Probability for the output.
        cell_rate: Probability for the other states.
        seed: Seed of the generators.

    Raises:
        ValueError: For a rate outside [0, 1), a cell whose output is another than its first state, or one whose states
            hold dropout masks or random generators.
    """

    def __init__(
        self, cell: RecurrentCell, rate: float, cell_rate: float = 0.0, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(cell, **kwargs)
        if not cell.output_is_state:
            raise ValueError(f"ZoneoutCell needs a cell whose output is its first state; {cell.name}'s is not.")
        if cell.drawn:
            raise ValueError(
                f"ZoneoutCell goes inside cells that draw random numbers, received a {type(cell).__name__}: put it "
                "around the cell inside instead."
            )
        self.rate = share(rate)
        self.cell_rate = share(cell_rate)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.state_size = [*cell.state_size, *(3 * size for size in cell.state_size)]
        self.drawn = len(cell.state_size)

    def fusable(self) -> bool:
        """No: each step draws."""
        return False

    def call(self, inputs: Tensor, states: Any, training: bool | None = None, dropped: Tensor | None = None) -> Any:
        """See the class."""
        count = len(self.cell.state_size)
        before, generators = list(states[:count]), list(states[count:])
        _, after = self.cell(inputs, before, training=training, dropped=dropped)
        rates = [self.rate] + [self.cell_rate] * (count - 1)
        if training:
            draws = [draw(generator) for generator in generators]
            generators = [generator for _, generator in draws]
            kept = [
                ops.cast(uniform < rate, self.compute_dtype) for (uniform, _), rate in zip(draws, rates, strict=True)
            ]
        else:
            kept = rates
        states = [d * old + (1 - d) * new for d, old, new in zip(kept, before, after, strict=True)]
        return states[0], [*states, *generators]

    def get_initial_state(self, batch_size: Any = None) -> list[Tensor]:
        """The cell's, and a generator for each."""
        return self.start(batch_size, training=True)

    def start(self, batch_size: Any, training: bool) -> list[Tensor]:
        """The cell's, and a generator for each: zeros at inference, where nothing is drawn."""
        inner = self.cell.start(batch_size, training)
        sizes = self.cell.state_size
        if not training:
            return [*inner, *(ops.zeros((batch_size, 3 * size), dtype=self.compute_dtype) for size in sizes)]
        return [*inner, *(seeded((batch_size, size), self.seed_generator, self.compute_dtype) for size in sizes)]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "rate": self.rate, "cell_rate": self.cell_rate, "seed": self.seed}
