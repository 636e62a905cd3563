"""What a recurrence must say of itself to be run, and differentiated by hand, over a whole sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

import keras
from keras import ops

from seqlab.ops.recurrence.activations import Activation

Tensor = Any
Adjust = Callable[[str, Tensor], Tensor]


class Kernel(Protocol):
    """One step of a recurrence and its derivative, split so that the loops over time hold as little as possible.

    The backward loop multiplies by *factors*, the local derivatives, which `factors` computes for all steps at once
    before it; the weights' gradients are matrix products over all steps after it. Time comes first in everything but
    the steps' own tensors; `weights` are those that `step` was given.
    """

    states: ClassVar[int]
    """Number of state tensors; the first is the output."""

    reads: ClassVar[tuple[int, ...]] = ()
    """Which of the inputs, by number, the backward pass reads; the others are not kept for it."""

    recall: ClassVar[Any] = None
    """A method from the inputs and what the steps kept to the states after all steps, which then are not kept."""

    def prepared(self, inputs: Any) -> Any:
        """What `step` reads of the inputs, for all steps at once."""
        return tuple(inputs)

    def step(self, inputs: Any, states: Any, weights: Any) -> Any:
        """One step: from its inputs and the states before it to the new states and one tensor to keep."""
        ...

    def factors(self, inputs: Any, kept: Tensor, states: Any, before: Any, weights: Any) -> Tensor:
        """Local derivatives of all steps, joined along the last axis.

        `states` are those after, `before` those before each step.
        """
        ...

    def back(self, carry: Any, factors: Tensor, weights: Any) -> Any:
        """One step backwards: from the gradients of the states after it to those before it and the deltas."""
        ...

    def gradients(self, deltas: Tensor, inputs: Any, kept: Tensor, states: Any, before: Any, weights: Any) -> Any:
        """Gradients of the inputs and of the weights, from the deltas of all steps."""
        ...


def as_is(name: str, value: Tensor) -> Tensor:
    """The adjustment that adjusts nothing."""
    return value


def split(x: Tensor, parts: int) -> list[Tensor]:
    """Cuts the last axis into equal parts."""
    return [x] if parts == 1 else ops.split(x, parts, axis=-1)


def join(parts: list[Tensor]) -> Tensor:
    """Joins along the last axis."""
    return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1)


def together(activation: Activation, parts: list[Tensor]) -> list[Tensor]:
    """Applies an activation to several tensors as one: compilers make less of one after the other."""
    if activation.slope is None:  # a user's own, which may not be element-wise
        return [activation.value(part) for part in parts]
    return split(activation.value(join(parts)), len(parts))


def recur(state: Tensor, matrix: Tensor, dropped: Tensor | None) -> Tensor:
    """`(state * dropped) R`, what the step before sends to this one."""
    return ops.matmul(state if dropped is None else state * dropped, matrix)


def recur_back(deltas: Tensor, matrix: Tensor, dropped: Tensor | None) -> Tensor:
    """The gradient of `recur`'s state."""
    back = ops.matmul(deltas, ops.transpose(matrix))
    return back if dropped is None else back * dropped


def outer(states: Tensor, deltas: Tensor, dropped: Tensor | None = None) -> Tensor:
    """The gradient of `recur`'s matrix: the sum of outer products over all steps and rows, as one product."""
    states = states if dropped is None else states * dropped
    return ops.matmul(ops.transpose(_flat(states)), _flat(deltas))


def summed(x: Tensor) -> Tensor:
    """The sum over time and batch."""
    return ops.sum(x, axis=(0, 1))


def _flat(x: Tensor) -> Tensor:
    return ops.reshape(x, (-1, x.shape[-1]))


def as_tensors(values: Any) -> Any:
    """Turns variables into tensors: a captured variable would get no gradient."""
    return keras.tree.map_structure(lambda x: None if x is None else ops.convert_to_tensor(x), values)
