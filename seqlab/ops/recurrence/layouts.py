"""How the tokens of a batch lie in memory while a recurrence goes over them: with their padding or without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import keras
from keras import ops

from seqlab.ops.packing import Packing
from seqlab.ops.scan import Step, scan, scan_packed, tensorflow_loops

Tensor = Any
Tensors = Any  # a tensor, or a (nested) tuple of tensors

FEW = 8  # rows, up to which a turn of TensorFlow's loop costs more than what a step computes
TURNS = range(4, 9)  # steps to a turn then; more gain little


class Layout(Protocol):
    """What the passes over time ask of the layout; `x` is (time, batch, width) or, packed, (1, tokens, width)."""

    def scan(self, step: Step, init: Tensors, xs: Tensors, reverse: bool = False) -> tuple[Tensors, Tensors]:
        """Runs a step over time; the final state counts in reverse alone."""
        ...

    def before(self, after: Tensor, first: Tensor) -> Tensor:
        """The states before each token, from those after each and those before the first step."""
        ...

    def at_step(self, weights: Any, rows: Any) -> Any:
        """The weights for one step of some rows."""
        ...

    def in_bulk(self, weights: Any) -> Any:
        """The weights for all steps at once."""
        ...

    def numbers(self, like: Tensor) -> Tensor:
        """The number of each step, from 0 on, to be multiplied with `like`."""
        ...

    def grown(self, first: Tensor, initial: Tensor) -> Tensor:
        """Gradients of the states before the first step, for all rows."""
        ...

    def nothing(self, initial: Tensor) -> Tensor:
        """Zeros, where the pass back starts."""
        ...


class Padded:
    """Every row as long as the longest.

    On TensorFlow without XLA few rows, where their number is known when a graph is traced, take several steps to a turn
    of the loop: a training step of 1, 61, 88, 100 (batch, time, inputs, units) takes 0.65 to 0.8 of the time that it
    takes with one step to a turn, and tracing it two to three times as long.
    """

    def scan(self, step: Step, init: Tensors, xs: Tensors, reverse: bool = False) -> tuple[Tensors, Tensors]:
        """One slice of time after the other; zeros behind the last, where turns need more of them.

        Such steps change no output: forwards they come last, and backwards nothing reaches them, their factors being 0.
        The final state forwards has gone through them. States that overflow in them make second derivatives NaN.
        """
        first = keras.tree.flatten(xs)[0]
        rows, steps = first.shape[1], ops.shape(first)[0]
        if rows is None or rows > FEW or not tensorflow_loops():
            return scan(step, init, xs, reverse=reverse, alike=True)
        turn = _turn(first.shape[0])
        xs = keras.tree.map_structure(lambda x: ops.pad(x, [(0, -steps % turn), *[(0, 0)] * (len(x.shape) - 1)]), xs)
        state, outs = scan(step, init, xs, reverse=reverse, alike=True, unroll=turn)
        return state, keras.tree.map_structure(lambda x: x[:steps], outs)

    def before(self, after: Tensor, first: Tensor) -> Tensor:
        """Moved by one step."""
        return ops.concatenate([first[None], after[:-1]], axis=0)

    def at_step(self, weights: Any, rows: Any) -> Any:
        """As they are."""
        return weights

    def in_bulk(self, weights: Any) -> Any:
        """As they are."""
        return weights

    def numbers(self, like: Tensor) -> Tensor:
        """(time, 1, 1)."""
        return ops.arange(ops.shape(like)[0], dtype="int32")[:, None, None]

    def grown(self, first: Tensor, initial: Tensor) -> Tensor:
        """As they are."""
        return first

    def nothing(self, initial: Tensor) -> Tensor:
        """For every row."""
        return ops.zeros_like(initial)


def _turn(steps: int | None) -> int:
    """How many of so many steps make a turn of the loop, so that few zeros are needed behind the last."""
    if steps is None:
        return TURNS[0]
    return max(steps, 1) if steps <= TURNS[-1] else min(TURNS, key=lambda turn: -steps % turn)


class Packed:
    """Only real tokens: a step has the rows that reach it, a beginning of those sorted by length.

    On TensorFlow, 2 cores: a training step on lengths from 5 to the full time (0.54 to 0.60 of the tokens) takes 0.46
    to 0.83 of the padded one, and one on rows of nearly one length as long.

    Args:
        packing: Where they stand.
    """

    def __init__(self, packing: Packing) -> None:
        self.packing = packing

    def scan(self, step: Step, init: Tensors, xs: Tensors, reverse: bool = False) -> tuple[Tensors, Tensors]:
        """Fewer rows in every later step."""
        flat = keras.tree.map_structure(lambda x: x[0], xs)
        state, outs = scan_packed(step, init, flat, self.packing.sizes, reverse=reverse)
        return state, keras.tree.map_structure(lambda x: x[None], outs)

    def before(self, after: Tensor, first: Tensor) -> Tensor:
        """Gathered from the step before."""
        return ops.take(ops.concatenate([first, after[0]], axis=0), self.packing.before, axis=0)[None]

    def at_step(self, weights: Any, rows: Any) -> Any:
        """Dropout of the first rows."""
        return weights if weights.dropped is None else weights._replace(dropped=weights.dropped[:rows])

    def in_bulk(self, weights: Any) -> Any:
        """Dropout of each token's row."""
        if weights.dropped is None:
            return weights
        return weights._replace(dropped=ops.take(weights.dropped, self.packing.rows, axis=0))

    def numbers(self, like: Tensor) -> Tensor:
        """(1, tokens, 1)."""
        return self.packing.steps[None, :, None]

    def grown(self, first: Tensor, initial: Tensor) -> Tensor:
        """Zeros for rows without a token."""
        return ops.pad(first, ((0, ops.shape(initial)[0] - ops.shape(first)[0]), (0, 0)))

    def nothing(self, initial: Tensor) -> Tensor:
        """For no row yet."""
        return ops.zeros_like(initial[:0])


def rows_of(inputs: Sequence[Tensor]) -> Any:
    """How many rows a step's tensors have."""
    return ops.shape(inputs[0])[0]
