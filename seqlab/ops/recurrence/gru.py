"""The GRU, with the reset before or after the product, and the simple recurrent network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from keras import ops

from seqlab.ops.recurrence.activations import Activation
from seqlab.ops.recurrence.kernel import Kernel, join, outer, recur, recur_back, split, summed, together

Tensor = Any


class GRUBeforeWeights(NamedTuple):
    """Weights of a GRU's recurrence with the reset before the product."""

    gates: Tensor  # (units, 2 * units), of r and u
    candidate: Tensor  # (units, units)
    dropped: Tensor | None = None  # (batch, units), variational dropout of y(t-1) on its way to the gates


class GRUAfterWeights(NamedTuple):
    """Weights of a GRU's recurrence with the reset after the product; blocks stand in the order r, u, candidate."""

    recurrent: Tensor  # (units, 3 * units)
    bias: Tensor | None = None  # (units,), of the candidate's product
    dropped: Tensor | None = None  # (batch, units), variational dropout of y(t-1) on its way to the gates


@dataclass(frozen=True)
class GRUBeforeKernel(Kernel):
    """The GRU of Cho et al. (2014). State: y.

        r = s(a_r + y(t-1) R_r)      u = s(a_u + y(t-1) R_u)
        n = g(a_n + (r y(t-1)) R_n)                 y(t) = u y(t-1) + (1 - u) n

    Attributes:
        g: Activation of the candidate n.
        s: Activation of the gates.
    """

    g: Activation
    s: Activation

    states: ClassVar[int] = 1

    def step(self, inputs: Any, states: Any, weights: GRUBeforeWeights) -> Any:
        """See the class."""
        y = states[0]
        sent = y if weights.dropped is None else y * weights.dropped
        a_r, a_u, a_n = split(inputs[0], 3)
        from_r, from_u = split(ops.matmul(sent, weights.gates), 2)
        r, u = together(self.s, [a_r + from_r, a_u + from_u])
        n = self.g.value(a_n + ops.matmul(r * sent, weights.candidate))
        return (u * y + (1 - u) * n,), join([r, u, n])

    def factors(self, inputs: Any, kept: Tensor, states: Any, before: Any, weights: GRUBeforeWeights) -> Tensor:
        """Local derivatives of y(t) by u's bar and n's bar, of r y(t-1) by r's bar; and r and u."""
        r, u, n = split(kept, 3)
        y = before[0]
        sent = y if weights.dropped is None else y * weights.dropped
        return join([(y - n) * self.s.slope(u), (1 - u) * self.g.slope(n), sent * self.s.slope(r), r, u])

    def back(self, carry: Any, factors: Tensor, weights: GRUBeforeWeights) -> Any:
        """The candidate's delta goes back through the reset."""
        by_u, by_n, by_r, r, u = split(factors, 5)
        dy = carry[0]
        d_n = dy * by_n
        through_reset = ops.matmul(d_n, ops.transpose(weights.candidate))
        gates = join([through_reset * by_r, dy * by_u])
        sent = ops.matmul(gates, ops.transpose(weights.gates)) + through_reset * r
        return (dy * u + (sent if weights.dropped is None else sent * weights.dropped),), join([gates, d_n])

    def gradients(self, deltas: Tensor, inputs: Any, kept: Tensor, states: Any, before: Any, weights: Any) -> Any:
        """Two products: the gates saw y(t-1), the candidate r y(t-1)."""
        r, y = split(kept, 3)[0], before[0]
        units = y.shape[-1]
        sent = y if weights.dropped is None else y * weights.dropped
        gates, candidate = outer(sent, deltas[..., : 2 * units]), outer(r * sent, deltas[..., 2 * units :])
        return (deltas,), GRUBeforeWeights(gates, candidate, None)


@dataclass(frozen=True)
class GRUAfterKernel(Kernel):
    """The GRU of Keras and cuDNN: one product a step, `n = g(a_n + r (y(t-1) R_n + b_n))`. State: y.

    Attributes:
        g: Activation of the candidate n.
        s: Activation of the gates.
    """

    g: Activation
    s: Activation

    states: ClassVar[int] = 1

    def step(self, inputs: Any, states: Any, weights: GRUAfterWeights) -> Any:
        """See the class."""
        y = states[0]
        a_r, a_u, a_n = split(inputs[0], 3)
        from_r, from_u, sent = split(recur(y, weights.recurrent, weights.dropped), 3)
        if weights.bias is not None:
            sent = sent + weights.bias
        r, u = together(self.s, [a_r + from_r, a_u + from_u])
        n = self.g.value(a_n + r * sent)
        return (u * y + (1 - u) * n,), join([r, u, n, sent])

    def factors(self, inputs: Any, kept: Tensor, states: Any, before: Any, weights: GRUAfterWeights) -> Tensor:
        """Local derivatives of y(t) by the bars of u and n, of n's bar by r's bar; and r and u."""
        r, u, n, sent = split(kept, 4)
        return join([(before[0] - n) * self.s.slope(u), (1 - u) * self.g.slope(n), sent * self.s.slope(r), r, u])

    def back(self, carry: Any, factors: Tensor, weights: GRUAfterWeights) -> Any:
        """Deltas of the product are those of the bars, the candidate's times r."""
        by_u, by_n, by_r, r, u = split(factors, 5)
        dy = carry[0]
        d_n = dy * by_n
        gates = [d_n * by_r, dy * by_u]
        back = recur_back(join([*gates, d_n * r]), weights.recurrent, weights.dropped)
        return (dy * u + back,), join([*gates, d_n])

    def gradients(self, deltas: Tensor, inputs: Any, kept: Tensor, states: Any, before: Any, weights: Any) -> Any:
        """One product over all steps."""
        r = split(kept, 4)[0]
        d_r, d_u, d_n = split(deltas, 3)
        sent = d_n * r
        matrix = outer(before[0], join([d_r, d_u, sent]), weights.dropped)
        return (deltas,), GRUAfterWeights(matrix, None if weights.bias is None else summed(sent), None)
