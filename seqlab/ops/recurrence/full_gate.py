"""The LSTM with full gate recurrence: every gate sees all gates of the step before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from keras import ops

from seqlab.ops.recurrence.activations import Activation
from seqlab.ops.recurrence.kernel import Adjust, Kernel, as_is, join, outer, recur, recur_back, split, summed, together

Tensor = Any


class FullGateWeights(NamedTuple):
    """Weights of the recurrence; blocks stand in the order z, i, f, o, gates in the order i, f, o."""

    recurrent: Tensor  # (units, 4 * units)
    gates: Tensor  # (3 * units, 3 * units), from the gate of the row's third to that of the column's third
    peepholes: tuple[Tensor, ...] = ()  # of i, f and o, each (units,)
    dropped: Tensor | None = None  # (batch, units), variational dropout of y(t-1) on its way to the gates


@dataclass(frozen=True)
class FullGateKernel(Kernel):
    """The vanilla LSTM whose three gates also read `[i(t-1), f(t-1), o(t-1)] G`. States: y, c, i, f, o.

    Attributes:
        g: Input activation.
        h: Output activation.
        s: Activation of the gates.
        adjust: As in `LSTMKernel`.
    """

    g: Activation
    h: Activation
    s: Activation
    adjust: Adjust = as_is

    states: ClassVar[int] = 5

    def step(self, inputs: Any, states: Any, weights: FullGateWeights) -> Any:
        """See the class."""
        y, c, *gates = states
        s, adjust = self.s.value, self.adjust
        p_i, p_f, p_o = _peepholes(weights)
        z, i, f, o = split(inputs[0] + recur(y, weights.recurrent, weights.dropped), 4)
        of_i, of_f, of_o = split(ops.matmul(join(gates), weights.gates), 3)
        z = self.g.value(adjust("z", z))
        i, f = together(self.s, [adjust("i", i + of_i + p_i * c), adjust("f", f + of_f + p_f * c)])
        c = adjust("c", z * i + c * f)
        o = s(adjust("o", o + of_o + p_o * c))
        return (adjust("y", self.h.value(adjust("h", c)) * o), c, i, f, o), z

    def factors(self, inputs: Any, kept: Tensor, states: Any, before: Any, weights: FullGateWeights) -> Tensor:
        """Local derivatives of c(t), and of y(t), by each gate, and the slopes of all activations."""
        z, (_, c, i, f, o), c_before = kept, states, before[1]
        h, slope = self.h.value(c), self.s.slope
        return join([h, o * self.h.slope(h), i * self.g.slope(z), z, c_before, f, slope(i), slope(f), slope(o)])

    def back(self, carry: Any, factors: Tensor, weights: FullGateWeights) -> Any:
        """As the vanilla's, with what the gates' successors send back."""
        dy, dc, from_i, from_f, from_o = carry
        p_i, p_f, p_o = _peepholes(weights)
        h, by_cell, by_z, z, c_before, f, slope_i, slope_f, slope_o = split(factors, 9)
        d_o = (dy * h + from_o) * slope_o
        dc = dc + dy * by_cell + p_o * d_o
        d_f = (dc * c_before + from_f) * slope_f
        d_i = (dc * z + from_i) * slope_i
        gates = join([d_i, d_f, d_o])
        deltas = join([dc * by_z, gates])
        dy = recur_back(deltas, weights.recurrent, weights.dropped)
        dc = dc * f + p_i * d_i + p_f * d_f
        return (dy, dc, *split(ops.matmul(gates, ops.transpose(weights.gates)), 3)), deltas

    def gradients(self, deltas: Tensor, inputs: Any, kept: Any, states: Any, before: Any, weights: Any) -> Any:
        """`dG = sum [i, f, o](t-1)' [di, df, do](t)`; the others as the vanilla's."""
        _, d_i, d_f, d_o = split(deltas, 4)
        gates = outer(join(list(before[2:])), join([d_i, d_f, d_o]))
        peepholes = (summed(d_i * before[1]), summed(d_f * before[1]), summed(d_o * states[1]))
        return (deltas,), FullGateWeights(
            outer(before[0], deltas, weights.dropped), gates, peepholes if weights.peepholes else (), None
        )


def _peepholes(weights: FullGateWeights) -> list[Any]:
    return list(weights.peepholes) or [0.0] * 3
