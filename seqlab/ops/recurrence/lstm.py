"""The LSTM with peepholes and seven of its variants: one step, and its derivative by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from keras import ops

from seqlab.ops.recurrence.activations import Activation
from seqlab.ops.recurrence.kernel import Adjust, Kernel, as_is, join, outer, recur, recur_back, split, summed, together
from seqlab.ops.recurrence.variants import Variant

Tensor = Any


class LSTMWeights(NamedTuple):
    """Weights of an LSTM's recurrence; blocks stand in the order z, i, f, o, without those that a variant drops."""

    recurrent: Tensor  # (units, blocks * units)
    peepholes: tuple[Tensor, ...] = ()  # of each gate, (units,)
    dropped: Tensor | None = None  # (batch, units), variational dropout of y(t-1) on its way to the gates


@dataclass(frozen=True)
class LSTMKernel(Kernel):
    """The recurrence of Greff et al. (2017) over pre-activations `a(t) = x(t) W + b`, computed beforehand.

        z = g(a_z + y(t-1) R_z)                      i = s(a_i + y(t-1) R_i + p_i c(t-1))
        f = s(a_f + y(t-1) R_f + p_f c(t-1))         c(t) = z i + c(t-1) f
        o = s(a_o + y(t-1) R_o + p_o c(t))           y(t) = h(c(t)) o

    A dropped gate is 1, the coupled forget gate `1 - i`. States: y, c.

    Attributes:
        variant: What is left out. Full gate recurrence has a kernel of its own.
        g: Input activation.
        h: Output activation.
        s: Activation of the gates.
        adjust: What happens to a named value on its way (normalisation, clipping, projection): the pre-activations
            `z`, `i`, `f`, `o` before their activations, the cell `c` when it is new, `h` before h reads it, the output
            `y`. A kernel that adjusts has no backward pass of its own.
    """

    variant: Variant
    g: Activation
    h: Activation
    s: Activation
    adjust: Adjust = as_is

    states: ClassVar[int] = 2

    def gates(self, kept: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor | None]:
        """z, i, f and o out of what a step keeps; `None` for a gate that is 1."""
        found = dict(zip(self.variant.blocks, split(kept, len(self.variant.blocks)), strict=True))
        forget = 1 - found["i"] if self.variant.coupled else found.get("f")
        return found["z"], found.get("i"), forget, found.get("o")

    def step(self, inputs: Any, states: Any, weights: LSTMWeights) -> Any:
        """See the class."""
        y, c = states
        bars = split(inputs[0] + recur(y, weights.recurrent, weights.dropped), len(self.variant.blocks))
        bar = dict(zip(self.variant.blocks, bars, strict=True))
        p, adjust = self.peepholes(weights), self.adjust
        z = self.g.value(adjust("z", bar["z"]))
        early = [gate for gate in self.variant.gates if gate != "o" or gate not in p]  # which see no new cell
        seen = [adjust(gate, bar[gate] + p[gate] * c if gate in p else bar[gate]) for gate in early]
        gates = dict(zip(early, together(self.s, seen), strict=True))
        i: Any = gates.get("i")
        f = 1 - i if self.variant.coupled else gates.get("f")
        new_c = adjust("c", (z if i is None else z * i) + (c if f is None else c * f))
        if "o" in p:
            gates["o"] = self.s.value(adjust("o", bar["o"] + p["o"] * new_c))
        h, o = self.h.value(adjust("h", new_c)), gates.get("o")
        new_y = adjust("y", h if o is None else h * o)
        return (new_y, new_c), join([z, *gates.values()])

    def factors(self, inputs: Any, kept: Tensor, states: Any, before: Any, weights: LSTMWeights) -> Tensor:
        """Local derivatives: of y(t) by c(t), of c(t) by c(t-1), of y(t) by o's bar, of c(t) by the other bars."""
        p = self.peepholes(weights)
        z, i, f, o = self.gates(kept)
        h = self.h.value(states[1])
        by_cell = self.h.slope(h) if o is None else self.h.slope(h) * o
        bars = [self.g.slope(z) if i is None else self.g.slope(z) * i]
        through = ops.ones_like(z) if f is None else f
        if "i" in self.variant.blocks:
            bars.append((z - before[1] if self.variant.coupled else z) * self.s.slope(i))
        if "f" in self.variant.blocks:
            bars.append(before[1] * self.s.slope(f))
        for gate, bar in zip(self.variant.gates, bars[1:], strict=False):
            through = through + p[gate] * bar if gate in p else through
        if o is not None:
            of_output = h * self.s.slope(o)
            by_cell = by_cell + p["o"] * of_output if "o" in p else by_cell
            bars.append(of_output)
        return join([by_cell, through, *bars])

    def back(self, carry: Any, factors: Tensor, weights: LSTMWeights) -> Any:
        """`dc = dy (dy/dc) + dc`, then every delta is a factor times one of the two."""
        dy, dc = carry
        by_cell, through, *bars = split(factors, 2 + len(self.variant.blocks))
        dc = dc + dy * by_cell
        deltas = join(
            [(dy if block == "o" else dc) * bar for block, bar in zip(self.variant.blocks, bars, strict=True)]
        )
        return (recur_back(deltas, weights.recurrent, weights.dropped), dc * through), deltas

    def gradients(self, deltas: Tensor, inputs: Any, kept: Any, states: Any, before: Any, weights: LSTMWeights) -> Any:
        """`dR = sum y(t-1)' delta(t)`; peepholes likewise with the cell that they saw."""
        peepholes = ()
        if weights.peepholes:
            parts = dict(zip(self.variant.blocks, split(deltas, len(self.variant.blocks)), strict=True))
            seen = {"i": before[1], "f": before[1], "o": states[1]}
            peepholes = tuple(summed(parts[gate] * seen[gate]) for gate in self.variant.gates)
        return (deltas,), LSTMWeights(outer(before[0], deltas, weights.dropped), peepholes, None)

    def peepholes(self, weights: LSTMWeights) -> dict[str, Tensor]:
        """Peephole weights by gate; empty without any."""
        return dict(zip(self.variant.gates, weights.peepholes, strict=bool(weights.peepholes)))
