"""The n best paths of a CRF. Shapes and masks as in `seqlab.ops.crf`."""

from __future__ import annotations

from typing import Any

from keras import ops

from seqlab.constants import FORBIDDEN, IGNORE
from seqlab.errors import check_count
from seqlab.ops.chain import Chain, compact, floats, from_chain, last_values, to_chain
from seqlab.ops.scan import scan

Tensor = Any

NO_PATH = -1e30
"""Score of a place in the list that no path fills."""


def n_best(
    scores: Tensor, mask: Tensor, transitions: Tensor, start: Tensor, end: Tensor, n: int
) -> tuple[Tensor, Tensor]:
    """Finds the n best paths of each row, all different, by a Viterbi recursion that keeps n paths into each tag.

    Args:
        scores: Float tensor (batch, time, tags).
        mask: Boolean tensor (batch, time).
        transitions: Float tensor (tags, tags), from row to column.
        start: Float tensor (tags,).
        end: Float tensor (tags,).
        n: How many, at least 1.

    Returns:
        Labels (batch, n, time), int32, best first, `IGNORE` at masked positions; and the paths' scores (batch, n).
        Of equal paths any comes first. Where a row has fewer than n paths, the rest are all `IGNORE` with the score
        `NO_PATH`; a path with a forbidden move (a transition, start or end of `FORBIDDEN` or less) counts as none,
        except in the first place, which is Viterbi's. A row without tokens has one path, of score 0.

    Raises:
        SettingsError: For `n` below 1.

    >>> zeros = ops.zeros((2,))
    >>> labels, best = n_best([[[1.0, 0.0], [0.0, 2.0]]], [[True, True]], ops.zeros((2, 2)), zeros, zeros, n=2)
    >>> ops.convert_to_numpy(labels).tolist(), ops.convert_to_numpy(best).tolist()
    ([[[0, 1], [1, 1]]], [[3.0, 2.0]])
    """
    check_count("n", n)
    scores, transitions, start, end = floats(scores, transitions, start, end)
    chain = compact(mask)
    x = to_chain(scores, chain)  # (time, batch, tags)
    path, final, totals = _search(x, chain, transitions, start, end, n)
    moves = ops.roll(path, 1, axis=0) * x.shape[-1] + path

    def moved(transitions: Tensor, start: Tensor, end: Tensor) -> Tensor:
        steps = ops.where(chain.pairs[..., None], ops.take(ops.reshape(transitions, (-1,)), moves), 0)
        return ops.take(start, path[0]) + ops.sum(steps, axis=0) + ops.take(end, final)  # (batch, n)

    emitted = ops.sum(ops.where(chain.mask[..., None], ops.take_along_axis(x, path, axis=2), 0), axis=0)
    broken = moved(*[ops.cast(part <= FORBIDDEN, x.dtype) for part in (transitions, start, end)]) > 0
    first = ops.arange(n) == 0
    there = ops.logical_or(first, ops.logical_not(ops.logical_or(broken, totals <= 0.5 * NO_PATH)))
    some = chain.lengths[:, None] > 0
    found = ops.where(some, emitted + moved(transitions, start, end), 0)
    there = ops.logical_and(there, ops.logical_or(first, some))
    path = ops.where(ops.logical_and(chain.mask[..., None], there), path, IGNORE)
    return ops.transpose(from_chain(path, chain), (0, 2, 1)), ops.where(there, found, NO_PATH)


def _search(
    x: Tensor, chain: Chain, transitions: Tensor, start: Tensor, end: Tensor, n: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Finds the n best places to end in, and the tags (time, batch, n) that lead there.

    Returns:
        Those tags, the last of each (batch, n), and scores (batch, n) up to a constant, `NO_PATH` for no path.
    """
    tags = x.shape[-1]
    into = ops.transpose(transitions)[:, :, None]  # (to, from, 1)

    def flat(values: Tensor) -> Tensor:
        return ops.reshape(values, (-1, tags * n))

    def forward(message: Tensor, x_t: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        best = message + x_t[:, :, None]  # (batch, tags, n)
        best = best - ops.amax(best, axis=(1, 2), keepdims=True)
        moved = ops.reshape(best[:, None] + into, (-1, tags, tags * n))  # (batch, to, from * n)
        after, pointers = ops.top_k(moved, n)
        return after, (flat(best), ops.cast(flat(pointers), "int32"))

    # One path into each tag at first; the other places are empty.
    empty = ops.where(ops.arange(n) == 0, ops.zeros((), x.dtype), NO_PATH)
    init = ops.zeros_like(x[0])[:, :, None] + start[:, None] + empty  # (batch, tags, n)
    _, (bests, pointers) = scan(forward, init, x)
    totals = last_values(bests, chain) + ops.repeat(end, n)  # (batch, tags * n)
    totals, final = ops.top_k(totals, n)
    final = ops.cast(final, "int32")  # (batch, n)

    def backward(after: Tensor, inputs: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        pointers_t, last = inputs
        place = ops.where(last[:, None], final, ops.take_along_axis(pointers_t, after, axis=1))
        return place, place

    _, places = scan(backward, final, (pointers, chain.last), reverse=True)
    return places // n, final // n, totals
