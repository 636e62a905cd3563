"""The recursions behind the CRF: messages along a chain, by products where they are exact, and sums over pairs."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from keras import ops

from seqlab.constants import FORBIDDEN
from seqlab.ops.chain import Chain, compact, levelled, levelled_whole, log_sum_exp, to_chain
from seqlab.ops.scan import scan

Tensor = Any

PROMISING_RANGE = 120.0
"""Greatest spread of allowed scores for which multiplying exponentials is tried at all."""

NORMAL_RANGE = 80.0
"""exp(-80) is still a normal number of float32 with room to spare, and exp(80) does not overflow."""

LOST = -1e30
"""The logarithm that stands for a probability of exactly 0: finite, so that differences of two are no NaN."""


class Outlook(NamedTuple):
    """Whether the recursions may multiply exponentials instead of adding logarithms, told from the scores alone."""

    certain: Tensor  # boolean scalar: products lose nothing
    promising: Tensor  # boolean scalar: worth trying; `sweep` checks what comes out


def outlook(x: Tensor, transitions: Tensor, *edges: Tensor) -> Outlook:
    """Judges scores before any message is computed; both answers are false for NaN.

    A message differs between two tags by no more than the transitions do, and a token adds no more than its
    scores do: these spreads bound every term of every sum, unless something is forbidden. Forbidden moves are
    factors of exactly 0, so for a guess they do not count.

    Args:
        x: Scores (time, batch, tags), the greatest of each token 0, 0 after the last token.
        transitions: (tags, tags), the greatest 0.
        *edges: Start and end scores (tags,), the greatest 0.
    """

    def spread(lowest: Any) -> Tensor:
        moved = entered = lowest(transitions)
        for edge in edges:
            entered = ops.minimum(entered, lowest(edge))
        return lowest(x) + entered + moved

    certain = spread(ops.amin) >= 20 - NORMAL_RANGE
    guess = ops.cond(certain, lambda: certain, lambda: spread(lowest_allowed) >= -PROMISING_RANGE)
    return Outlook(certain, guess)


def lowest_allowed(x: Tensor) -> Tensor:
    """The least of all scores that are not forbidden; at most 0."""
    return ops.amin(ops.where(x <= 0.9 * FORBIDDEN, 0, x))


def sweep(
    x: Tensor, mask: Tensor, transitions: Tensor, first: Tensor, prospect: Outlook, reverse: bool = False
) -> tuple[Tensor, Tensor]:
    """Passes messages along the chain.

        message(1)[j] = first[j]
        alpha(t)[i] = message(t)[i] + x(t)[i] - shift(t),    shift(t) = max over i of the same
        message(t+1)[j] = log sum over i of exp(alpha(t)[i] + transitions[i, j])

    Taking the greatest value away at each step keeps the full precision of float32 however long the chain is.
    Where that loses nothing, the loop multiplies exponentials, which is faster; a tag that only
    forbidden moves reach then has the message `LOST`. Else it adds logarithms.

    Args:
        x: Scores (time, batch, tags), the greatest of each token 0.
        mask: Boolean tensor (time, batch).
        transitions: (tags, tags), from row to column of this sweep: transposed when it runs backwards. The
            greatest 0.
        first: Message into the first token met, (tags,), the greatest 0.
        prospect: What `outlook` says of the scores.
        reverse: Whether to run from the end.

    Returns:
        Messages (time, batch, tags), shifts (time, batch, 1).
    """
    inputs = (x, mask, transitions, first)
    found = ops.cond(
        prospect.promising,
        lambda: _multiplied(*inputs, reverse),
        lambda: (ops.zeros_like(x), ops.zeros_like(x[..., :1])),
    )
    exact = ops.cond(
        prospect.certain,
        lambda: prospect.certain,
        lambda: ops.logical_and(prospect.promising, _nothing_was_lost(found[0], found[1], x, mask, transitions)),
    )
    sent: tuple[Tensor, Tensor] = ops.cond(exact, lambda: found, lambda: added(*inputs, reverse))
    return sent


def _multiplied(x: Tensor, mask: Tensor, transitions: Tensor, first: Tensor, reverse: bool) -> tuple[Tensor, Tensor]:
    factors = ops.exp(transitions)

    def step(message: Tensor, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        gain, valid = inputs
        alpha = message * gain  # (batch, tags)
        shift = ops.maximum(ops.amax(alpha, axis=-1, keepdims=True), 1e-30)  # (batch, 1)
        after = (alpha / shift) @ factors  # not `ops.matmul`, which rounds float64 to float32 on torch
        # Backwards, the steps after the last token come first and must not change the message into it.
        return ops.where(valid, after, message) if reverse else after, (message, shift)

    messages, shifts = scan(
        step, ops.zeros_like(x[0]) + ops.exp(first), (ops.exp(x), mask[..., None]), reverse=reverse
    )[1]
    reached = messages > 0
    return ops.where(reached, ops.log(ops.where(reached, messages, 1)), LOST), ops.log(shifts)


def added(x: Tensor, mask: Tensor, transitions: Tensor, first: Tensor, reverse: bool = False) -> tuple[Tensor, Tensor]:
    """Passes messages as `sweep` does, by adding logarithms: right for any scores."""

    def step(message: Tensor, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        x_t, valid = inputs
        alpha, shift = levelled(message + x_t)  # (batch, tags), (batch, 1)
        after = log_sum_exp(alpha[:, :, None] + transitions, axis=1)
        return ops.where(valid, after, message), (message, shift)

    outputs: tuple[Tensor, Tensor] = scan(step, ops.zeros_like(x[0]) + first, (x, mask[..., None]), reverse=reverse)[1]
    return outputs


def _nothing_was_lost(messages: Tensor, shifts: Tensor, x: Tensor, mask: Tensor, transitions: Tensor) -> Tensor:
    """Tells whether products gave what logarithms would have given.

    First, no allowed term may have underflowed: the least probability of a reached tag, times the least allowed
    factor, must be a normal number. Second, forbidden moves count for `FORBIDDEN` in logarithms and for nothing in
    products. A tag that is reached anyway keeps no trace of them; while one is not, paths through it may win
    back at most log(tags) - shift(t) at each token, which must add up to far less than `FORBIDDEN` costs.
    """
    alphas = messages + x - ops.maximum(shifts, 0)  # the lesser of message * gain before and after it is divided
    away = alphas <= 0.5 * FORBIDDEN
    token = mask[..., None]
    least = ops.amin(ops.where(ops.logical_or(away, ops.logical_not(token)), 0, alphas))
    scaled = ops.amin(ops.where(token, shifts, 0)) >= 20 - NORMAL_RANGE
    gaps = ops.logical_and(ops.any(away, axis=-1), mask)  # (time, batch)
    regained = ops.sum(ops.where(gaps, math.log(x.shape[-1]) - shifts[..., 0], 0), axis=0)  # (batch,)
    normal = ops.logical_and(least + lowest_allowed(transitions) >= -NORMAL_RANGE, scaled)
    return ops.logical_and(normal, ops.amax(regained) <= -0.8 * FORBIDDEN)


class Sweeps(NamedTuple):
    """The messages of both directions, everything time first."""

    chain: Chain
    x: Tensor  # (time, batch, tags), the greatest of each token 0
    transitions: Tensor  # (tags, tags), the greatest 0
    messages: Tensor  # (time, batch, tags), of what comes before each token
    shifts: Tensor  # (time, batch, 1)
    returns: Tensor  # (time, batch, tags), of what comes after each token
    return_shifts: Tensor  # (time, batch, 1)


def both_sweeps(scores: Tensor, mask: Tensor, transitions: Tensor, start: Tensor, end: Tensor) -> Sweeps:
    """Passes messages forwards and backwards; see `sweep`.

    p(y(t) = i) is in proportion to exp(messages(t)[i] + x(t)[i] + returns(t)[i])
    """
    chain = compact(mask)
    x, _ = levelled(to_chain(scores, chain))
    transitions, start, end = (levelled_whole(part)[0] for part in (transitions, start, end))
    prospect = outlook(x, transitions, start, end)
    messages, shifts = sweep(x, chain.mask, transitions, start, prospect)
    returns, return_shifts = sweep(x, chain.mask, ops.transpose(transitions), end, prospect, reverse=True)
    return Sweeps(chain, x, transitions, messages, shifts, returns, return_shifts)


def pair_sums(alphas: Tensor, futures: Tensor, weights: Tensor, pairs: Tensor, transitions: Tensor) -> Tensor:
    """Adds up the probabilities of neighbouring tags over time and rows.

        sums[i, j] = sum over t, b of weights[b] exp(alpha(t-1, b)[i] + transitions[i, j] + future(t, b)[j])

    Args:
        alphas: (time, batch, tags), the greatest of each token 0.
        futures: (time, batch, tags), normalised so that each exponential is a probability.
        weights: (batch,).
        pairs: Boolean tensor (time, batch), true at tokens that have a token before them.
        transitions: (tags, tags), the greatest 0.

    Returns:
        (tags, tags).
    """

    def step(total: Tensor, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[()]]:
        alpha, future = inputs
        logs = alpha[:, :, None] + transitions + future[:, None, :]  # (batch, tags, tags)
        return total + ops.sum(ops.exp(logs) * weights[:, None, None], axis=0), ()

    futures = ops.where(pairs[..., None], futures, LOST)
    total: Tensor = scan(step, ops.zeros_like(transitions), (ops.roll(alphas, 1, axis=0), futures))[0]
    return total
