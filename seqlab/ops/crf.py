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
from seqlab.ops.chain import Chain, argmax, compact, floats, from_chain, last_values, levelled, to_chain
from seqlab.ops.differentiable import differentiable
from seqlab.ops.lattice import TURN
from seqlab.ops.partition import Kept, levelled_chain, recursions, slopes
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
    labels = ops.take(ops.reshape(labels, (-1,)), chain.rows)  # (time, batch)
    return _score(to_chain(scores, chain), _gold(labels, chain, transitions.shape[-1]), chain, transitions, start, end)


class _Gold(NamedTuple):
    """A path for each row."""

    labels: Tensor  # (steps, batch), 0 after the last token
    moves: Tensor  # (steps, batch), the place in the flat transitions; anything where there is none
    final: Tensor  # (batch,), the last token's label


def _gold(labels: Tensor, chain: Chain, tags: int) -> _Gold:
    labels = ops.cast(ops.where(chain.mask, labels, 0), "int32")
    return _Gold(labels, ops.roll(labels, 1, axis=0) * tags + labels, last_values(labels[..., None], chain)[:, 0])


def _score(x: Tensor, gold: _Gold, chain: Chain, transitions: Tensor, start: Tensor, end: Tensor) -> Tensor:
    # Comparing with every tag, and not a gather, so that the gradient is dense.
    hits = ops.equal(gold.labels[..., None], ops.arange(x.shape[-1], dtype="int32"))  # (steps, batch, tags)
    emitted = ops.sum(ops.where(hits, x, 0), axis=(0, 2))
    moved = ops.take(ops.reshape(transitions, (-1,)), gold.moves)  # (steps, batch)
    moved = ops.sum(ops.where(chain.pairs, moved, 0), axis=0)
    total = ops.take(start, gold.labels[0]) + emitted + moved + ops.take(end, gold.final)
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


def _partition_forward(
    scores: Tensor, mask: Tensor, transitions: Tensor, start: Tensor, end: Tensor
) -> tuple[tuple[Tensor], Kept]:
    chain, x, peaks, parts = levelled_chain(scores, mask, transitions, start, end)
    (transitions, move), (start, first), (end, final) = parts
    kept = recursions(chain, x, transitions, start, end)
    total = kept.found.total + ops.sum(peaks, axis=0) + first + final + move * ops.cast(chain.lengths - 1, x.dtype)
    return (ops.where(chain.lengths > 0, total, 0),), kept


def _partition_backward(kept: Kept, upstream: tuple[Tensor, ...]) -> tuple[Tensor | None, ...]:
    inputs, *weights = slopes(kept, upstream[0])
    return inputs, None, *weights


_log_partition = differentiable(_partition_forward, _partition_backward)


def _likelihood_forward(
    scores: Tensor, labels: Tensor, mask: Tensor, transitions: Tensor, start: Tensor, end: Tensor
) -> tuple[tuple[Tensor], Any]:
    # Each token's greatest score is in neither term: else great scores would swallow a small loss.
    chain, x, _, parts = levelled_chain(scores, mask, transitions, start, end)
    (transitions, _), (start, _), (end, _) = parts
    kept = recursions(chain, x, transitions, start, end)
    gold = _gold(ops.take(ops.reshape(labels, (-1,)), chain.rows), chain, transitions.shape[-1])
    steps, batch, tags = ops.shape(x)
    at = ops.reshape(ops.arange(steps * batch, dtype="int32") * tags, (steps, batch)) + gold.labels
    emitted = ops.where(chain.mask, ops.take(ops.reshape(x, (-1,)), at), 0)
    moved = ops.where(chain.pairs, ops.take(ops.reshape(transitions, (-1,)), gold.moves), 0)
    total = ops.sum(emitted + moved, axis=0) + ops.take(start, gold.labels[0]) + ops.take(end, gold.final)
    return (ops.where(chain.lengths > 0, total - kept.found.total, 0),), (kept, gold, labels, mask)


def _likelihood_backward(kept: Any, upstream: tuple[Tensor, ...]) -> tuple[Tensor | None, ...]:
    (kept, gold, labels, mask), weights = kept, upstream[0]
    chain, tags = kept.chain, kept.transitions.shape[-1]
    scores, *others = slopes(kept, -weights)
    hits = ops.equal(ops.where(mask, labels, IGNORE)[..., None], ops.arange(tags, dtype="int32"))  # (batch, time, tags)
    scores = scores + ops.where(hits, weights[:, None, None], 0)
    there = ops.where(chain.lengths > 0, weights, 0)
    counted = [
        (ops.where(chain.pairs, weights, 0), gold.moves, tags * tags),
        (there, gold.labels[0], tags),
        (there, gold.final, tags),
    ]
    sums = [ops.segment_sum(ops.reshape(w, (-1,)), ops.reshape(at, (-1,)), size) for w, at, size in counted]
    moved, first, final = (slope + ops.reshape(s, slope.shape) for slope, s in zip(others, sums, strict=True))
    return scores, None, None, moved, first, final


_log_likelihood = differentiable(_likelihood_forward, _likelihood_backward)


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
    labels = ops.cast(labels, "int32")
    return _log_likelihood(scores, labels, ops.cast(mask, "bool"), transitions, start, end)[0]


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
    chain, x, _, parts = levelled_chain(scores, mask, transitions, start, end)
    kept = recursions(chain, x, *[part for part, _ in parts])
    return from_chain(kept.found.shares, chain)


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
    chain = compact(mask, multiple=TURN)
    x = to_chain(scores, chain)
    into = ops.transpose(transitions)  # (to, from)

    def forward(message: Tensor, x_t: Tensor) -> tuple[Tensor, Tensor]:
        best, _ = levelled(message + x_t)  # (batch, tags)
        return ops.amax(best[:, :, None] + transitions, axis=1), best

    _, bests = scan(forward, ops.zeros_like(x[0]) + start, x, unroll=TURN)
    final = argmax(last_values(bests, chain) + end)  # (batch,)

    def backward(after: Tensor, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        # The back-pointer of one tag alone: all of them would cost an argmax over (batch, tags, tags).
        best, last = inputs
        label = ops.where(last, final, argmax(best + ops.take(into, after, axis=0)))
        return label, label

    _, path = scan(backward, final, (bests, chain.last), reverse=True, unroll=TURN)
    labels = from_chain(ops.where(chain.mask, path, IGNORE)[..., None], chain)[..., 0]
    return labels, _score(x, _gold(path, chain, transitions.shape[-1]), chain, transitions, start, end)
