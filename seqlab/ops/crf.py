"""Linear-chain conditional random field: pure functions of scores, masks and transitions.

    score(y) = start[y(1)] + sum scores(t)[y(t)] + sum transitions[y(t-1), y(t)] + end[y(T)]
    log p(y) = score(y) - log Z,    Z = sum over all y of exp score(y)

Shapes: scores (batch, time, tags); mask (batch, time), true at tokens. A hole in the mask is skipped as if it
were not there. transitions (tags, tags), from row to column; start and end (tags,). A row without any token
has log Z, scores and gradients of exactly 0. What stands at masked positions, NaN included, changes nothing.
Computed in float32 under any dtype policy (in float64 where scores are float64). Minus infinity is no score:
forbid with -1e4.

Reference: Lafferty, McCallum and Pereira, Conditional random fields, ICML 2001.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

from seqlab.constants import IGNORE
from seqlab.ops.chain import (
    Chain,
    argmax,
    compact,
    floats,
    from_chain,
    last_values,
    levelled,
    levelled_whole,
    log_sum_exp,
    to_chain,
)
from seqlab.ops.differentiable import differentiable
from seqlab.ops.messages import NORMAL_RANGE, Outlook, both_sweeps, outlook, pair_sums, sweep
from seqlab.ops.scan import scan

Tensor = Any


def path_score(scores: Tensor, labels: Tensor, mask: Tensor, transitions: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Scores one path for each row.

    Args:
        scores: Float tensor (batch, time, tags).
        labels: Integer tensor (batch, time), anything at masked positions.
        mask: Boolean tensor (batch, time).
        transitions: Float tensor (tags, tags), from row to column.
        start: Float tensor (tags,), for the tag of the first token.
        end: Float tensor (tags,), for the tag of the last token.

    Returns:
        Float tensor (batch,).

    >>> zeros = ops.zeros((2,))
    >>> score = path_score([[[1.0, 0.0], [0.0, 2.0]]], [[0, 1]], [[True, True]], ops.eye(2) * 9, zeros, zeros)
    >>> ops.convert_to_numpy(score).tolist()
    [3.0]
    """
    scores, transitions, start, end = floats(scores, transitions, start, end)
    chain = compact(mask)
    tags = transitions.shape[-1]
    labels = ops.where(chain.mask, ops.take(ops.reshape(labels, (-1,)), chain.rows), 0)
    labels = ops.cast(labels, "int32")  # (time, batch)
    # Comparing with every tag, and not a gather, so that the gradient is dense.
    hits = ops.equal(labels[..., None], ops.arange(tags, dtype="int32"))  # (time, batch, tags)
    emitted = ops.sum(ops.where(hits, to_chain(scores, chain), 0), axis=(0, 2))
    moves = ops.roll(labels, 1, axis=0) * tags + labels
    moved = ops.take(ops.reshape(transitions, (-1,)), moves)  # (time, batch)
    moved = ops.sum(ops.where(chain.pairs, moved, 0), axis=0)
    final = last_values(labels[..., None], chain)[:, 0]  # (batch,)
    total = ops.take(start, labels[0]) + emitted + moved + ops.take(end, final)
    return ops.where(chain.lengths > 0, total, 0)


def log_partition(scores: Tensor, mask: Tensor, transitions: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Computes log Z; its gradient, the marginals, comes from a backward recursion written by hand.

    Args:
        scores: Float tensor (batch, time, tags).
        mask: Boolean tensor (batch, time).
        transitions: Float tensor (tags, tags), from row to column.
        start: Float tensor (tags,).
        end: Float tensor (tags,).

    Returns:
        Float tensor (batch,).

    >>> zeros = ops.zeros((3,))  # three tags, two tokens: nine paths of score 0
    >>> z = log_partition(ops.zeros((1, 2, 3)), [[True, True]], ops.zeros((3, 3)), zeros, zeros)
    >>> round(float(ops.exp(z[0])), 4)
    9.0
    """
    scores, transitions, start, end = floats(scores, transitions, start, end)
    return _log_partition(scores, ops.cast(mask, "bool"), transitions, start, end)[0]


class _Kept(NamedTuple):
    """What the backward pass of log Z needs of the forward pass."""

    chain: Chain
    x: Tensor
    messages: Tensor
    shifts: Tensor
    transitions: Tensor
    end: Tensor
    prospect: Outlook
    products: Tensor


def _forward(
    scores: Tensor, mask: Tensor, transitions: Tensor, start: Tensor, end: Tensor
) -> tuple[tuple[Tensor], _Kept]:
    chain = compact(mask)
    x, peaks = levelled(to_chain(scores, chain))  # (time, batch, tags)
    transitions, move = levelled_whole(transitions)
    (start, first), (end, final) = levelled_whole(start), levelled_whole(end)
    prospect = outlook(x, transitions, start, end)
    messages, shifts, products = sweep(x, chain.mask, transitions, start, prospect)
    total = ops.sum(ops.where(chain.mask, (shifts + peaks)[..., 0], 0), axis=0)  # (batch,)
    total = total + log_sum_exp(last_values(messages + x - shifts, chain) + end, axis=-1)
    total = total + first + final + move * ops.cast(chain.lengths - 1, x.dtype)
    kept = _Kept(chain, x, messages, shifts, transitions, end, prospect, products)
    return (ops.where(chain.lengths > 0, total, 0),), kept


def _backward(kept: _Kept, upstream: tuple[Tensor, ...]) -> tuple[Tensor | None, ...]:
    chain, x, weights = kept.chain, kept.x, upstream[0]
    returns, _, products = sweep(x, chain.mask, ops.transpose(kept.transitions), kept.end, kept.prospect, reverse=True)
    joint, tops = levelled(kept.messages + x + returns)
    norms = log_sum_exp(joint, axis=-1, keepdims=True)
    shares = ops.where(chain.mask[..., None], ops.exp(joint - norms) * weights[:, None], 0)
    overlap = tops + norms
    products = ops.logical_and(products, kept.products)
    products = ops.logical_and(products, ops.amin(ops.where(chain.mask[..., None], overlap, 0)) >= 10 - NORMAL_RANGE)
    alphas = kept.messages + x - kept.shifts
    moved = pair_sums(alphas, returns + x - overlap, weights, chain.pairs, kept.transitions, products)
    first = ops.sum(shares[0], axis=0)
    final = ops.sum(ops.where(chain.last[..., None], shares, 0), axis=(0, 1))
    return from_chain(shares, chain), None, moved, first, final


_log_partition = differentiable(_forward, _backward)


def log_likelihood(
    scores: Tensor, labels: Tensor, mask: Tensor, transitions: Tensor, start: Tensor, end: Tensor
) -> Tensor:
    """Computes log p(labels), the negative of the usual training loss.

    Args:
        scores: Float tensor (batch, time, tags).
        labels: Integer tensor (batch, time), anything at masked positions.
        mask: Boolean tensor (batch, time).
        transitions: Float tensor (tags, tags), from row to column.
        start: Float tensor (tags,).
        end: Float tensor (tags,).

    Returns:
        Float tensor (batch,), at most 0 up to rounding.

    >>> zeros = ops.zeros((2,))
    >>> y = log_likelihood(ops.zeros((1, 3, 2)), [[0, 1, 0]], [[True] * 3], ops.zeros((2, 2)), zeros, zeros)
    >>> round(float(ops.exp(y[0])), 4)  # one of eight equal paths
    0.125
    """
    scores, transitions, start, end = floats(scores, transitions, start, end)
    # Each token's greatest score counts in both terms: without it, great scores do not swallow a small loss.
    scores = scores - ops.stop_gradient(levelled(scores)[1])
    return path_score(scores, labels, mask, transitions, start, end) - log_partition(
        scores, mask, transitions, start, end
    )


def marginals(scores: Tensor, mask: Tensor, transitions: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Computes the probability of each tag at each token, over all paths.

    Args:
        scores: Float tensor (batch, time, tags).
        mask: Boolean tensor (batch, time).
        transitions: Float tensor (tags, tags), from row to column.
        start: Float tensor (tags,).
        end: Float tensor (tags,).

    Returns:
        Float tensor (batch, time, tags), differentiable: sums to 1 over tags at tokens, 0 where masked.

    >>> zeros = ops.zeros((2,))
    >>> p = marginals(ops.zeros((1, 1, 2)), [[True]], ops.zeros((2, 2)), zeros, zeros)
    >>> ops.convert_to_numpy(p).tolist()
    [[[0.5, 0.5]]]
    """
    scores, transitions, start, end = floats(scores, transitions, start, end)
    found = both_sweeps(scores, mask, transitions, start, end)
    joint, _ = levelled(found.messages + found.x + found.returns)
    shares = ops.exp(joint - log_sum_exp(joint, axis=-1, keepdims=True))
    return from_chain(ops.where(found.chain.mask[..., None], shares, 0), found.chain)


def viterbi(scores: Tensor, mask: Tensor, transitions: Tensor, start: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
    """Finds the best path of each row, in the graph, by back-pointers. Of equal paths it takes one.

    Args:
        scores: Float tensor (batch, time, tags).
        mask: Boolean tensor (batch, time).
        transitions: Float tensor (tags, tags), from row to column.
        start: Float tensor (tags,).
        end: Float tensor (tags,).

    Returns:
        Labels (batch, time), int32, `IGNORE` at masked positions; and the paths' scores (batch,).

    >>> zeros = ops.zeros((2,))
    >>> labels, score = viterbi([[[1.0, 0.0], [0.0, 2.0]]], [[True, True]], ops.eye(2) * 9, zeros, zeros)
    >>> ops.convert_to_numpy(labels).tolist(), ops.convert_to_numpy(score).tolist()
    ([[1, 1]], [11.0])
    """
    scores, transitions, start, end = floats(scores, transitions, start, end)
    chain = compact(mask)
    x = to_chain(scores, chain)
    into = ops.transpose(transitions)  # (to, from)

    def forward(message: Tensor, x_t: Tensor) -> tuple[Tensor, Tensor]:
        best, _ = levelled(message + x_t)  # (batch, tags)
        return ops.amax(best[:, :, None] + transitions, axis=1), best

    _, bests = scan(forward, ops.zeros_like(x[0]) + start, x)
    final = argmax(last_values(bests, chain) + end)  # (batch,)

    def backward(after: Tensor, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        # The back-pointer of one tag alone: all of them would cost an argmax over (batch, tags, tags).
        best, last = inputs
        label = ops.where(last, final, argmax(best + ops.take(into, after, axis=0)))
        return label, label

    _, path = scan(backward, final, (bests, chain.last), reverse=True)
    labels = from_chain(ops.where(chain.mask, path, IGNORE)[..., None], chain)[..., 0]
    return labels, path_score(scores, labels, mask, transitions, start, end)
