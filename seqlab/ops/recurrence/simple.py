"""Recurrences of one block: the simple recurrent network, and the output gate of a task over a shared memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from seqlab.ops.recurrence.activations import Activation
from seqlab.ops.recurrence.kernel import Kernel, join, outer, recur, recur_back, split

Tensor = Any


class SimpleWeights(NamedTuple):
    """Weights of a recurrence of one block."""

    recurrent: Tensor  # (units, units)
    dropped: Tensor | None = None  # (batch, units), variational dropout of y(t-1) on its way back


@dataclass(frozen=True)
class SRNKernel(Kernel):
    """The simple recurrent network, `y(t) = g(a(t) + y(t-1) R)`. State: y.

    Attributes:
        g: Activation.
    """

    g: Activation

    states: ClassVar[int] = 1

    def step(self, inputs: Any, states: Any, weights: SimpleWeights) -> Any:
        """See the class."""
        y = self.g.value(inputs[0] + recur(states[0], weights.recurrent, weights.dropped))
        return (y,), y[..., :0]  # the state is all that the backward pass needs

    def factors(self, inputs: Any, kept: Tensor, states: Any, before: Any, weights: SimpleWeights) -> Tensor:
        """The slope."""
        return self.g.slope(states[0])

    def back(self, carry: Any, factors: Tensor, weights: SimpleWeights) -> Any:
        """`delta = dy g'`."""
        deltas = carry[0] * factors
        return (recur_back(deltas, weights.recurrent, weights.dropped),), deltas

    def gradients(self, deltas: Tensor, inputs: Any, kept: Any, states: Any, before: Any, weights: Any) -> Any:
        """`dR = sum y(t-1)' delta(t)`."""
        return (deltas,), SimpleWeights(outer(before[0], deltas, weights.dropped), None)


@dataclass(frozen=True)
class TaskGateKernel(Kernel):
    """A task's output gate over a memory that it shares with others (Lu et al. 2019). State: q.

        o = s(a(t) + q(t-1) W)       q(t) = o h(c(t)),   c(t) of the shared LSTM

    The shared memory does not depend on q, so c is an input here, computed beforehand. The backward pass reads it and
    the gate, which give q again.

    Attributes:
        s: Activation of the gate.
        h: Activation of the memory.
    """

    s: Activation
    h: Activation

    states: ClassVar[int] = 1
    reads: ClassVar[tuple[int, ...]] = (1,)

    def prepared(self, inputs: Any) -> Any:
        """`a` and `h(c)`."""
        return inputs[0], self.h.value(inputs[1])

    def step(self, inputs: Any, states: Any, weights: SimpleWeights) -> Any:
        """See the class."""
        a, memory = inputs
        o = self.s.value(a + recur(states[0], weights.recurrent, weights.dropped))
        return (o * memory,), o

    def recall(self, inputs: Any, kept: Tensor) -> Any:
        """`q = o h(c)`."""
        return (kept * self.h.value(inputs[1]),)

    def factors(self, inputs: Any, kept: Tensor, states: Any, before: Any, weights: SimpleWeights) -> Tensor:
        """Local derivatives of q(t) by the gate's bar and by c."""
        memory = self.h.value(inputs[1])
        return join([memory * self.s.slope(kept), kept * self.h.slope(memory)])

    def back(self, carry: Any, factors: Tensor, weights: SimpleWeights) -> Any:
        """Deltas: of the bar, then of c."""
        by_bar, by_cell = split(factors, 2)
        dq = carry[0]
        bar = dq * by_bar
        return (recur_back(bar, weights.recurrent, weights.dropped),), join([bar, dq * by_cell])

    def gradients(self, deltas: Tensor, inputs: Any, kept: Any, states: Any, before: Any, weights: Any) -> Any:
        """`dW = sum q(t-1)' delta(t)`."""
        bar, cell = split(deltas, 2)
        return (bar, cell), SimpleWeights(outer(before[0], bar, weights.dropped), None)
