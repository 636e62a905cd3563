"""The contract of a cell: one step of a recurrence, and whether whole sequences of it can be run at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from seqlab.ops.order import last_step
from seqlab.ops.packing import Packing, last_packed
from seqlab.ops.recurrence.activations import Activation
from seqlab.ops.recurrence.fused import Stream, fused
from seqlab.ops.recurrence.kernel import Kernel

Tensor = Any
Tensors = tuple[Tensor, ...]


class Run(NamedTuple):
    """One direction of a recurrence over a batch, time first and every row's tokens at its beginning.

    Attributes:
        cell: The cell.
        steps: (time, batch, width) inputs.
        states: States before the first step.
        valid: (time, batch) booleans, true before the end of each row; `None` where all rows have all steps.
        dropped: (batch, width) multipliers of the output on its way back into the cell; `None` for none.
        packing: Where the tokens alone are given, as (1, tokens, width), with the rows of all else sorted: how.
    """

    cell: RecurrentCell
    steps: Tensor
    states: Tensors
    valid: Tensor | None = None
    dropped: Tensor | None = None
    packing: Packing | None = None


class Ran(NamedTuple):
    """What a run gives: outputs (time, batch, width) and the states after each row's last token."""

    outputs: Tensor
    states: Tensors


class Options(NamedTuple):
    """What is asked of a run.

    Attributes:
        training: Whether this is training.
        states: Whether the final states are wanted (else those before the first step come back).
        truncation: Steps between cuts of the gradient, or `None`.
        task: The task whose outputs are wanted, for cells that serve several.
    """

    training: bool = False
    states: bool = False
    truncation: int | None = None
    task: int | None = None


class RecurrentCell(keras.layers.Layer):
    """Base of seqlab's cells. A subclass says what its states are, how inputs enter, and which kernel runs.

    A cell obeys the protocol of Keras' cells, so it also runs in `keras.layers.RNN`.

    Call arguments:
        inputs: (batch, width), one step.
        states: List of (batch, ...) tensors, as `state_size` says.
        training: Whether this is training.
        dropped: (batch, output width) multipliers of the first state on its way into the gates; `None` for none.

    Returns:
        The output (batch, output_size) and the new states.
    """

    state_size: list[int]
    output_size: int
    output_is_state = True
    drawn = 0  # how many of the states, the last ones, hold random numbers, drawn for each sequence

    def kernel(self) -> Kernel:
        """The recurrence."""
        raise NotImplementedError(f"{type(self).__name__} must write `kernel`, or `fusable` (False) and `call`.")

    def fusable(self) -> bool:
        """Whether the kernel has a backward pass of its own: the slopes of all its activations are known."""
        return all(part.slope is not None for part in vars(self.kernel()).values() if isinstance(part, Activation))

    def entered(self, inputs: Tensor) -> Tensors:
        """What the recurrence reads of inputs (..., width), of one step or of all: their products with the weights."""
        raise NotImplementedError(f"{type(self).__name__} must write `entered`.")

    def recurrence(self, dropped: Tensor | None = None) -> Any:
        """The weights that the recurrence reads."""
        raise NotImplementedError(f"{type(self).__name__} must write `recurrence`.")

    def call(self, inputs: Tensor, states: Any, training: bool | None = None, dropped: Tensor | None = None) -> Any:
        """See the class."""
        self.check_states(states)
        after, _ = self.kernel().step(self.entered(inputs), tuple(states), self.recurrence(dropped))
        return after[0], list(after)

    def run(self, runs: Sequence[Run], options: Options) -> list[Ran]:
        """Runs whole sequences, of this cell and of others like it, through one fused loop."""
        streams = [
            Stream(run.cell.entered(run.steps), run.cell.recurrence(run.dropped), run.states, run.valid) for run in runs
        ]
        outputs = len(self.state_size) if options.states else 1
        found = fused(self.kernel(), streams, outputs, options.truncation, runs[0].packing)
        return [
            Ran(sequences[0], after_last(sequences, run) if options.states else run.states)
            for sequences, run in zip(found, runs, strict=True)
        ]

    def get_initial_state(self, batch_size: Any = None) -> list[Tensor]:
        """Zeros."""
        return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in self.state_size]

    def start(self, batch_size: Any, training: bool) -> list[Tensor]:
        """The initial states for training or inference: those that draw random numbers do so in training alone."""
        return self.get_initial_state(batch_size=batch_size)

    def width(self, task: int | None = None) -> int:
        """The output's width; a cell of several tasks may have another for one task."""
        if task is not None:
            raise ValueError(f"{type(self).__name__} does not serve several tasks; received task={task}.")
        return self.output_size

    def pick(self, outputs: Tensor, task: int | None = None) -> Tensor:
        """One task's part of what `call` gives, as wide as `width` says; all of it without a task."""
        return outputs

    def check_states(self, states: Sequence[Tensor]) -> None:
        """Refuses states of one step that are not as `state_size` says."""
        found = [state.shape[-1] for state in states]
        pairs = zip(found, self.state_size, strict=False)
        if len(found) != len(self.state_size) or any(size not in (None, wanted) for size, wanted in pairs):
            raise ValueError(
                f"{type(self).__name__} takes states (batch, width) of the widths {list(self.state_size)}, received "
                f"{found}."
            )

    def check_inputs(self, shape: Any) -> int:
        """Returns the width of inputs of that shape, which must be known."""
        width = shape[-1]
        if width is None:
            raise ValueError(
                f"{type(self).__name__} needs inputs of a known width, received the shape {tuple(shape)}: give the "
                "last axis of the model's input a size."
            )
        return int(width)


def after_last(sequences: Sequence[Tensor], run: Run) -> Tensors:
    """Picks the states after each row's last token; a row without any keeps those before the first step."""
    pairs = zip(sequences, run.states, strict=True)
    if run.packing is not None:
        return tuple(last_packed(after, run.packing, before) for after, before in pairs)
    return tuple(last_step(after, run.valid, before) for after, before in pairs)
