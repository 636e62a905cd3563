"""Length buckets: few distinct shapes and little padding, chosen for the corpus at hand."""

from __future__ import annotations

import numpy as np

MAX_BUCKETS = 24
CANDIDATES = 192


def bucket_bounds(lengths: np.ndarray, padding: float = 0.08) -> list[int]:
    """Returns the fewest upper bounds of length buckets that keep the share of padding below a budget.

    Every sentence is padded to the bound of its bucket. For each number of buckets the best bounds are found
    exactly, by dynamic programming over the distinct lengths (thinned to at most 192 quantiles):
    `cost(k, j) = min_i cost(k - 1, i) + bound_j * count(i, j]`. Compilers that specialise on shapes (XLA, JAX)
    then compile a handful of times.

    Args:
        lengths: `(sentences,)` number of tokens of each sentence.
        padding: Largest share of padded positions in all positions computed, between 0 and 1.

    Returns:
        Increasing bounds; the last is the greatest length. At most 24, even where the budget would need more.

    >>> bucket_bounds(np.array([3, 3, 4, 9, 10]), padding=0.1)
    [4, 10]
    """
    if not 0 < padding < 1:
        raise ValueError(f"padding must lie between 0 and 1, received {padding}.")
    if len(lengths) == 0:
        return []
    ordered = np.sort(np.maximum(lengths, 1))
    marks = np.unique(ordered)
    if len(marks) > CANDIDATES:
        spread = ordered[np.linspace(0, len(ordered) - 1, CANDIDATES).astype(int)]
        marks = np.unique(np.concatenate([spread, np.geomspace(marks[0], marks[-1], 32).astype(int), marks[-1:]]))
    counts = np.searchsorted(ordered, marks, side="right")
    before = np.concatenate([[0], counts])  # sentences no longer than the mark before
    limit = ordered.sum() / (1 - padding)
    # step[i, j]: positions computed when all sentences in (mark i-1, mark j] are padded to mark j
    step = np.where(
        before[:-1, None] <= counts[None, :], (counts[None, :] - before[:-1, None]) * marks[None, :], np.inf
    ).astype(float)
    step[np.tril_indices(len(marks), -1)] = np.inf
    cost = step[0]
    chosen: list[np.ndarray] = []
    while cost[-1] > limit and len(chosen) < min(MAX_BUCKETS, len(marks)) - 1:
        paths = cost[:-1, None] + step[1:, :]
        chosen.append(np.argmin(paths, axis=0))
        cost = np.min(paths, axis=0)
    end, bounds = len(marks) - 1, []
    for back in reversed(chosen):
        bounds.append(int(marks[end]))
        end = back[end]
    return [int(marks[end]), *reversed(bounds)]
