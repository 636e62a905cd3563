"""The probability that a CRF's path of tags spells a span. Shapes and masks as in `seqlab.ops.crf`."""

from __future__ import annotations

from typing import Any

from keras import ops

from seqlab.constants import FORBIDDEN
from seqlab.ops.chain import floats, log_sum_exp
from seqlab.ops.messages import Sweeps, both_sweeps
from seqlab.ops.order import picked
from seqlab.ops.scan import scan

Tensor = Any


def span_log_probability(
    scores: Tensor,
    mask: Tensor,
    transitions: Tensor,
    start: Tensor,
    end: Tensor,
    spans: Tensor,
    kinds: Tensor,
    joints: Tensor,
    width: int,
) -> Tensor:
    """Computes the posterior of many spans, boundaries included: no token more and no token less.

    A span of a type from token s to token e is in a path y when

        y(t) is of that type for t = s .. e,    joints[y(t-1), y(t)] for t = s + 1 .. e,
        not joints[y(s-1), y(s)],    not joints[y(e), y(e+1)]

    so that it is read as `seqlab.tags.spans` reads it, in any scheme and from ill-formed tags too. The sentence's
    messages are computed once for all spans; each span then costs (width + 1) * tags ** 2.

    Args:
        scores: Float tensor (batch, time, tags).
        mask: Boolean tensor (batch, time).
        transitions: Float tensor (tags, tags), from row to column.
        start: Float tensor (tags,).
        end: Float tensor (tags,).
        spans: Integer tensor (spans, 3): the sentence, the position in time of the first token (a masked one says
            nothing sound), and the number of tokens, at least 1, holes of the mask skipped. A span that would leave
            its sentence is taken to end with it.
        kinds: Boolean tensor (spans, tags): which tags are of the span's type.
        joints: Boolean tensor (tags, tags): whether the second tag goes on with the span of the first.
        width: The greatest number of tokens of a span.

    Returns:
        Float tensor (spans,), differentiable; never below `FORBIDDEN`, which stands for spans that no path has.

    >>> zeros, joints = ops.zeros((2,)), [[False, False], [False, True]]  # O and I-X
    >>> inputs = (ops.zeros((1, 3, 2)), [[True] * 3], ops.zeros((2, 2)), zeros, zeros)
    >>> found = span_log_probability(*inputs, [[0, 0, 2]], [[False, True]], joints, width=2)
    >>> round(float(ops.exp(found[0])), 4)  # I-X I-X O, one of eight equal paths
    0.125
    """
    scores, transitions, start, end = floats(scores, transitions, start, end)
    found = both_sweeps(scores, mask, transitions, start, end)
    alpha, place, whole = _passed(found, ops.cast(spans, "int32"), kinds, ops.cast(joints, "bool"), width)
    return ops.maximum(log_sum_exp(alpha + picked(found.returns, place), axis=-1) - whole, FORBIDDEN)


def _passed(found: Sweeps, spans: Tensor, kinds: Tensor, joints: Tensor, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Passes messages from before each span to the token after it.

    Returns:
        What reaches that token (spans, tags), its place, and the logarithm of all paths' sum (spans,).
    """
    rows, lengths = spans[:, 0], spans[:, 2]
    batch, time = ops.shape(found.chain.places)
    places = ops.take(ops.reshape(found.chain.places, (-1,)), rows * time + spans[:, 1])  # (spans,), step * batch + row
    ends = ops.maximum(ops.take(found.chain.lengths, rows) - 1, 0) * batch + rows  # of each sentence's last token
    costs = ops.where(ops.cast(kinds, "bool"), ops.zeros((), found.x.dtype), FORBIDDEN)  # (spans, tags)
    inner = ops.where(joints, found.transitions, FORBIDDEN)
    outer = ops.where(joints, FORBIDDEN, found.transitions)
    leads = places < batch  # nothing stands before the span
    before = ops.where(leads, places, places - batch)
    alpha = picked(found.messages + found.x, before)
    whole = log_sum_exp(alpha + picked(found.returns, before), axis=-1)

    def step(state: tuple[Tensor, Tensor], k: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[()]]:
        alpha, place = state
        entering, leaving = ops.equal(k, 0), ops.equal(k, lengths)
        due = ops.logical_and(k <= lengths, place + batch <= ends)
        due = ops.logical_and(due, ops.logical_not(ops.logical_and(entering, leads)))
        after = ops.where(due, place + batch, place)
        crossing = ops.logical_or(entering, leaving)[:, None, None]
        moved = log_sum_exp(alpha[:, :, None] + ops.where(crossing, outer, inner), axis=1)  # (spans, tags)
        moved = moved + picked(found.x, after) - picked(found.return_shifts, after)
        moved = moved + ops.where(leaving[:, None], 0, costs)
        return (ops.where(due[:, None], moved, alpha), after), ()

    first = (alpha + ops.where(leads[:, None], costs, 0), before)
    alpha, place = scan(step, first, ops.arange(width + 1, dtype="int32"))[0]
    return alpha, place, whole
