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

from typing import Any

import keras
from keras import ops

from seqlab.constants import IGNORE
from seqlab.ops.chain import (
    compact,
    from_chain,
    last_values,
    levelled,
    log_sum_exp,
    pair_sums,
    products_are_exact,
    sweep,
    to_chain,
)
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
    scores, transitions, start, end = _floats(scores, transitions, start, end)
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
    scores, transitions, start, end = _floats(scores, transitions, start, end)
    # The mask travels as a float because JAX asks for a gradient of each argument's own type.
    return _log_partition(scores, ops.cast(ops.cast(mask, "bool"), scores.dtype), transitions, start, end)


def _with_gradient(scores: Tensor, mask: Tensor, transitions: Tensor, start: Tensor, end: Tensor) -> tuple[Tensor, Any]:
    chain = compact(mask > 0.5)
    x, peaks = levelled(to_chain(scores, chain))  # (time, batch, tags)
    products = products_are_exact(x, transitions, start, end)
    messages, shifts = sweep(x, chain.mask, transitions, start, products)
    alphas = messages + x - shifts
    total = ops.sum(ops.where(chain.mask, (shifts + peaks)[..., 0], 0), axis=0)  # (batch,)
    total = total + log_sum_exp(last_values(alphas, chain) + end, axis=-1)

    def gradient(*received: Tensor, upstream: Tensor = None) -> tuple[Tensor, ...]:
        weights = received[0] if upstream is None else upstream  # torch gives it by name
        returns, _ = sweep(x, chain.mask, ops.transpose(transitions), end, products, reverse=True)
        joint, tops = levelled(messages + x + returns)
        norms = log_sum_exp(joint, axis=-1, keepdims=True)
        shares = ops.where(chain.mask[..., None], ops.exp(joint - norms) * weights[:, None], 0)
        futures = returns + x - tops - norms
        moved = pair_sums(alphas, futures, weights, chain.pairs, transitions, products)
        first = ops.sum(shares[0], axis=0)
        final = ops.sum(ops.where(chain.last[..., None], shares, 0), axis=(0, 1))
        return from_chain(shares, chain), ops.zeros_like(mask), moved, first, final

    return ops.where(chain.lengths > 0, total, 0), gradient


_log_partition = keras.ops.custom_gradient(_with_gradient)


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
    scores, transitions, start, end = _floats(scores, transitions, start, end)
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
    scores, transitions, start, end = _floats(scores, transitions, start, end)
    chain = compact(mask)
    x, _ = levelled(to_chain(scores, chain))
    products = products_are_exact(x, transitions, start, end)
    messages, _ = sweep(x, chain.mask, transitions, start, products)
    returns, _ = sweep(x, chain.mask, ops.transpose(transitions), end, products, reverse=True)
    joint, _ = levelled(messages + x + returns)
    shares = ops.exp(joint - log_sum_exp(joint, axis=-1, keepdims=True))
    return from_chain(ops.where(chain.mask[..., None], shares, 0), chain)


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
    scores, transitions, start, end = _floats(scores, transitions, start, end)
    chain = compact(mask)
    x = to_chain(scores, chain)
    into = ops.transpose(transitions)  # (to, from)

    def forward(message: Tensor, x_t: Tensor) -> tuple[Tensor, Tensor]:
        best, _ = levelled(message + x_t)  # (batch, tags)
        return ops.amax(best[:, :, None] + transitions, axis=1), best

    _, bests = scan(forward, ops.zeros_like(x[0]) + start, x)
    final = _argmax(last_values(bests, chain) + end)  # (batch,)

    def backward(after: Tensor, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        # The back-pointer of one tag alone: all of them would cost an argmax over (batch, tags, tags).
        best, last = inputs
        label = ops.where(last, final, _argmax(best + ops.take(into, after, axis=0)))
        return label, label

    _, path = scan(backward, final, (bests, chain.last), reverse=True)
    labels = from_chain(ops.where(chain.mask, path, IGNORE)[..., None], chain)[..., 0]
    return labels, path_score(scores, labels, mask, transitions, start, end)


def _floats(*tensors: Tensor) -> list[Tensor]:
    """Casts to float32, or to float64 where the first is."""
    first = ops.convert_to_tensor(tensors[0])
    dtype = "float64" if keras.backend.standardize_dtype(first.dtype) == "float64" else "float32"
    return [ops.cast(tensor, dtype) for tensor in (first, *tensors[1:])]


def _argmax(x: Tensor) -> Tensor:
    return ops.cast(ops.argmax(x, axis=-1), "int32")
