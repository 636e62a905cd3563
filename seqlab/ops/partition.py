"""Log Z, marginals and gradients of a chain: by `lattice` where products are exact, else by adding logarithms."""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

from seqlab.ops.chain import (
    Chain,
    compact,
    from_chain,
    last_values,
    levelled,
    levelled_whole,
    log_sum_exp,
    to_chain,
)
from seqlab.ops.lattice import TURN, passed
from seqlab.ops.messages import added, pair_sums

Tensor = Any


class Found(NamedTuple):
    """Log Z without the greatest scores, the marginals, and what the gradient of the transitions is made of."""

    total: Tensor  # (batch,)
    shares: Tensor  # (steps, batch, tags)
    alphas: Tensor  # (steps, batch, tags + 1): as in `lattice.Passed`, or their logarithms and one column of zeros
    futures: Tensor  # (steps, batch, tags + 1), as well


class Kept(NamedTuple):
    """What the backward pass of log Z needs of the forward pass."""

    chain: Chain
    transitions: Tensor
    factors: Tensor
    found: Found
    exact: Tensor


def recursions(chain: Chain, x: Tensor, transitions: Tensor, start: Tensor, end: Tensor) -> Kept:
    """Runs the recursions by products where that is exact, else by logarithms."""
    fast = passed(x, chain, transitions, start, end)
    found = ops.cond(
        fast.exact,
        lambda: (fast.total, fast.shares, fast.alphas, fast.futures),
        lambda: tuple(_slowly(x, chain, transitions, start, end)),
    )
    return Kept(chain, transitions, fast.factors, Found(*found), fast.exact)


def _slowly(x: Tensor, chain: Chain, transitions: Tensor, start: Tensor, end: Tensor) -> Found:
    messages, shifts = added(x, chain.mask, transitions, start)
    returns, _ = added(x, chain.mask, ops.transpose(transitions), end, reverse=True)
    total = ops.sum(ops.where(chain.mask, shifts[..., 0], 0), axis=0)  # (batch,)
    total = total + log_sum_exp(last_values(messages + x - shifts, chain) + end, axis=-1)
    joint, tops = levelled(messages + x + returns)
    norms = log_sum_exp(joint, axis=-1, keepdims=True)
    shares = ops.where(chain.mask[..., None], ops.exp(joint - norms), 0)
    overlap = tops + norms
    column = ops.zeros_like(overlap)
    alphas, futures = (ops.concatenate([p, column], axis=-1) for p in (messages + x - shifts, returns + x - overlap))
    return Found(ops.where(chain.lengths > 0, total, 0), shares, alphas, futures)


def slopes(kept: Kept, weights: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Gradients of scores, transitions, start and end; each row counts by its weight (batch,)."""
    chain, (_, shares, alphas, futures) = kept.chain, kept.found

    def multiplied() -> tuple[Tensor, Tensor]:
        width = alphas.shape[-1]
        left = ops.reshape(alphas[:-1], (-1, width))
        right = ops.reshape(futures[1:] * weights[:, None], (-1, width))
        moved = kept.factors * (ops.transpose(left) @ right)
        return moved[:-1, :-1], moved[:-1, -1]

    def summed() -> tuple[Tensor, Tensor]:
        parts = alphas[..., :-1], futures[..., :-1], weights, chain.pairs, kept.transitions
        final = ops.where(chain.last[..., None], shares * weights[:, None], 0)
        return pair_sums(*parts), ops.sum(final, axis=(0, 1))

    moved, final = ops.cond(kept.exact, multiplied, summed)
    first = ops.sum(shares[0] * weights[:, None], axis=0)
    return from_chain(shares, chain) * weights[:, None, None], moved, first, final


def levelled_chain(scores: Tensor, mask: Tensor, *weights: Tensor) -> tuple[Chain, Tensor, Tensor, list[Any]]:
    """Packs the tokens and takes the greatest scores away: chain, scores, their peaks, and pairs for the weights."""
    chain = compact(mask, multiple=TURN)
    x, peaks = levelled(to_chain(scores, chain))  # (steps, batch, tags), (steps, batch, 1)
    return chain, x, peaks[..., 0], [levelled_whole(part) for part in weights]
