"""Recurrences of one block: the simple recurrent network, and the output gate of a task over a shared memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from seqlab.ops.recurrence.activations import Activation
from seqlab.ops.recurrence.kernel import Kernel, outer, recur, recur_back

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
    the gate, which give q again. After a row's end c must be 0, as the shared LSTM gives it.

    Attributes:
        s: Activation of the gate.
        h: Activation of the memory, 0 at 0.
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
        """Local derivatives of q(t) by the gate's bar."""
        return self.h.value(inputs[1]) * self.s.slope(kept)

    def back(self, carry: Any, factors: Tensor, weights: SimpleWeights) -> Any:
        """`dq dq/dbar` goes back; the delta is dq, of which both inputs' gradients are made after the loop."""
        dq = carry[0]
        return (recur_back(dq * factors, weights.recurrent, weights.dropped),), dq

    def gradients(self, deltas: Tensor, inputs: Any, kept: Any, states: Any, before: Any, weights: Any) -> Any:
        """`dW = sum q(t-1)' bar(t)`; of padding, where the gate and c are 0, nothing comes."""
        memory = self.h.value(inputs[1])
        bar, cell = deltas * (memory * self.s.slope(kept)), deltas * (kept * self.h.slope(memory))
        return (bar, cell), SimpleWeights(outer(before[0], bar, weights.dropped), None)
