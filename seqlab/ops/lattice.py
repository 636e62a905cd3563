"""Forward and backward recursions that multiply exponentials and stay out of logarithms: the fast way through a CRF.

The chain has one tag more, `after`, in which every row is from the step after its last token on:

    factors = [[exp transitions, exp end], [0, 1]],    gains(t) = [exp x(t), 0] at tokens, [0, ..., 0, 1] after them
    message(1) = [exp start, 1],   alpha(t) = message(t) gains(t),   message(t+1) = alpha(t) factors
    return(T) = [exp end, 1],      beta(t) = gains(t) return(t),     return(t-1) = factors beta(t)

So all steps of all rows are alike, and no mask is looked at. Numbers are brought back to a greatest of 1 after every
`TURN` steps alone: `Passed.exact` tells whether anything may have left the range of float32 in between.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from keras import ops

from seqlab.constants import FORBIDDEN
from seqlab.ops.chain import Chain
from seqlab.ops.messages import NORMAL_RANGE, lowest_allowed
from seqlab.ops.scan import scan

Tensor = Any

TURN = 4
"""Steps in one turn of a loop over tokens; the number of steps is a multiple of it."""

LEAST = 1e-18
"""What is divided by is at least this: a quotient's derivative divides by its square, which must not underflow, and
0 / 0 would spoil gradients even where the result is thrown away."""


class Passed(NamedTuple):
    """What both recursions say, for steps of a multiple of `TURN`, at least one after the last token."""

    total: Tensor  # (batch,), log Z of the given scores
    shares: Tensor  # (steps, batch, tags), the probability of each tag; exactly 0 after the last token
    alphas: Tensor  # (steps, batch, tags + 1), the greatest of each step 1
    futures: Tensor  # (steps, batch, tags + 1): p(i, j) = alphas(t-1)[i] factors[i, j] futures(t)[j]
    factors: Tensor  # (tags + 1, tags + 1)
    exact: Tensor  # boolean scalar: whether logarithms would have given the same


def passed(x: Tensor, chain: Chain, transitions: Tensor, start: Tensor, end: Tensor) -> Passed:
    """Runs both recursions and joins them.

    Args:
        x: Scores (steps, batch, tags), the greatest of each token 0.
        chain: Where the tokens stand; see `compact` with `multiple=TURN`.
        transitions: (tags, tags), the greatest 0.
        start: (tags,), the greatest 0.
        end: (tags,), the greatest 0.

    Returns:
        Shares, and what is needed for the gradient. Without NaN, whatever comes in but NaN.
    """
    token = chain.mask[..., None]
    one = ops.ones((1,), dtype=x.dtype)
    gains = ops.concatenate([ops.where(token, ops.exp(x), 0), ops.cast(ops.logical_not(token), x.dtype)], axis=-1)
    leaving = ops.concatenate([ops.exp(end), one])  # (tags + 1,)
    factors = ops.concatenate([ops.exp(transitions), ops.zeros_like(transitions[:1])], axis=0)
    factors = ops.concatenate([factors, leaving[:, None]], axis=1)
    there = _sweep(gains, ops.concatenate([ops.exp(start), one]), factors)
    back = _sweep(gains, leaving, ops.transpose(factors), reverse=True)
    joint = there.messages * back.alphas
    whole = ops.sum(joint, axis=-1, keepdims=True)  # (steps, batch, 1)
    norms = ops.maximum(whole, LEAST)

    def checked() -> Tensor:
        parts = [_nothing_was_lost(part, gains, chain.mask, transitions, end) for part in (there, back)]
        allowed = [lowest_allowed(part) >= -NORMAL_RANGE for part in (x, start)]
        met = ops.all(whole >= ops.maximum(there.scales * math.exp(10 - NORMAL_RANGE), 10 * LEAST))
        return ops.all(ops.stack([*parts, *allowed, met]))

    steepest = ops.minimum(ops.minimum(ops.amin(transitions), ops.amin(start)), ops.amin(end))
    certain = ops.amin(x) + (TURN + 1) * steepest >= 20 - NORMAL_RANGE  # the least of all terms; false for NaN
    return Passed(
        total=ops.sum(ops.log(there.shifts[..., 0]), axis=0),
        shares=(joint / norms)[..., :-1],
        alphas=there.alphas,
        futures=back.alphas * (there.scales / norms),
        factors=factors,
        exact=ops.cond(certain, lambda: certain, checked),
    )


class _Sweep(NamedTuple):
    """One recursion. A message divided by its scale follows from the alpha before it, whose greatest is 1."""

    messages: Tensor  # (steps, batch, tags + 1)
    scales: Tensor  # (steps, batch, 1)
    peaks: Tensor  # (steps, batch, 1), greatest of message * gain
    alphas: Tensor  # (steps, batch, tags + 1), message * gain / peak
    shifts: Tensor  # (steps, batch, 1), peak / scale


def _sweep(gains: Tensor, first: Tensor, factors: Tensor, reverse: bool = False) -> _Sweep:
    steps, batch, tags = ops.shape(gains)
    turns = steps // TURN

    def turn(message: Tensor, gains: Tensor) -> tuple[Tensor, Tensor]:
        messages = []
        parts = ops.unstack(gains, TURN)
        for number, gain in enumerate(reversed(parts) if reverse else parts, start=1):
            messages.append(message)
            alpha = message * gain  # (batch, tags + 1)
            if number == TURN:
                alpha = alpha / ops.maximum(ops.amax(alpha, axis=-1, keepdims=True), LEAST)
            message = alpha @ factors
        return message, ops.stack(messages[::-1] if reverse else messages)

    slabs = ops.reshape(gains, (turns, TURN, batch, tags))
    messages = scan(turn, ops.zeros_like(gains[0]) + first, slabs, reverse=reverse)[1]
    messages = ops.reshape(messages, (steps, batch, tags))
    alphas = messages * gains
    peaks = ops.maximum(ops.amax(alphas, axis=-1, keepdims=True), LEAST)
    slabs = ops.reshape(peaks, (turns, TURN, batch, 1))
    fresh = ops.ones_like(slabs[:, :1])  # the first message of a turn comes from an alpha brought back to 1
    parts = [slabs[:, 1:], fresh] if reverse else [fresh, slabs[:, :-1]]
    scales = ops.reshape(ops.concatenate(parts, axis=1), (steps, batch, 1))
    return _Sweep(messages, scales, peaks, alphas / peaks, peaks / scales)


def _nothing_was_lost(found: _Sweep, gains: Tensor, mask: Tensor, transitions: Tensor, end: Tensor) -> Tensor:
    """Tells whether products gave what logarithms would have given.

    As in `messages`: no allowed term may have underflowed, and paths over forbidden moves, which count for
    `FORBIDDEN` in logarithms and for nothing here, must not be able to win that back.
    """
    reached = ops.logical_and(found.messages > 0, gains > 0)
    # Of a message times its gain, and of what is left of that once it is divided by its peak.
    least = ops.amin(ops.where(reached, found.alphas * ops.minimum(found.peaks, 1), 1))
    lowest = ops.minimum(lowest_allowed(transitions), lowest_allowed(end))
    normal = ops.log(ops.maximum(least, 1e-37)) + lowest >= -NORMAL_RANGE
    gaps = ops.logical_and(ops.any(found.alphas[..., :-1] <= 0, axis=-1), mask)  # (steps, batch)
    regained = math.log(gains.shape[-1] - 1) - ops.log(found.shifts[..., 0])
    regained = ops.amax(ops.sum(ops.where(gaps, regained, 0), axis=0))
    return ops.logical_and(normal, ops.logical_and(ops.all(found.peaks > LEAST), regained <= -0.8 * FORBIDDEN))
