"""The CRF by enumeration of all paths, in float64: slow, plain, and independent of seqlab."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np


class Row(NamedTuple):
    """What enumeration says of one sentence."""

    log_z: float
    best: np.ndarray  # (time,), -1 at masked positions
    best_score: float
    marginals: np.ndarray  # (time, tags), 0 at masked positions
    moves: np.ndarray  # (tags, tags), expected number of each transition
    first: np.ndarray  # (tags,)
    final: np.ndarray  # (tags,)


def path(scores, labels, mask, transitions, start, end) -> float:
    """Scores one path of one sentence; masked tokens are left out as if they were not there."""
    kept = [(scores[t], labels[t]) for t in range(len(scores)) if mask[t]]
    if not kept:
        return 0.0
    total = float(start[kept[0][1]]) + float(end[kept[-1][1]])
    total += sum(float(row[label]) for row, label in kept)
    return total + sum(float(transitions[a, b]) for (_, a), (_, b) in itertools.pairwise(kept))


def enumerate_row(scores, mask, transitions, start, end) -> Row:
    """Goes through all tags ** tokens paths of one sentence."""
    time, tags = scores.shape
    where = [t for t in range(time) if mask[t]]
    labels = np.full((tags ** len(where), time), -1)
    for row, choice in enumerate(itertools.product(range(tags), repeat=len(where))):
        labels[row, where] = choice
    shares, moves = np.zeros((time, tags)), np.zeros((tags, tags))
    first, final = np.zeros(tags), np.zeros(tags)
    if not where:
        return Row(0.0, labels[0], 0.0, shares, moves, first, final)
    totals = np.array([path(scores, y, mask, transitions, start, end) for y in labels])
    top = totals.max()
    log_z = top + np.log(np.exp(totals - top).sum())
    for y, p in zip(labels, np.exp(totals - log_z), strict=True):
        shares[where, y[where]] += p
        for a, b in itertools.pairwise(y[where]):
            moves[a, b] += p
        first[y[where[0]]] += p
        final[y[where[-1]]] += p
    return Row(log_z, labels[totals.argmax()], top, shares, moves, first, final)


def enumerate_batch(scores, mask, transitions, start, end) -> list[Row]:
    """Enumerates each sentence of a batch in float64."""
    arrays = [np.asarray(a, "float64") for a in (transitions, start, end)]
    return [enumerate_row(np.asarray(s, "float64"), m, *arrays) for s, m in zip(scores, mask, strict=True)]


class Paths(NamedTuple):
    """Every path of one sentence, with its probability."""

    labels: np.ndarray  # (paths, time), -1 at masked positions
    scores: np.ndarray  # (paths,)
    shares: np.ndarray  # (paths,), probabilities


def all_paths(scores, mask, transitions, start, end) -> Paths:
    """Lists the tags ** tokens paths of one sentence in float64."""
    scores, transitions, start, end = (np.asarray(a, "float64") for a in (scores, transitions, start, end))
    where = np.flatnonzero(mask)
    choices = list(itertools.product(range(scores.shape[1]), repeat=len(where)))
    labels = np.full((len(choices), len(scores)), -1)
    labels[:, where] = choices
    totals = np.array([path(scores, y, mask, transitions, start, end) for y in labels])
    shares = np.exp(totals - totals.max())
    return Paths(labels, totals, shares / shares.sum())


def keeps(labels, mask, transitions, start, end) -> bool:
    """Whether a path uses allowed moves alone; the rules are booleans."""
    kept = [y for y, m in zip(labels, mask, strict=True) if m]
    if not kept:
        return True
    return bool(start[kept[0]] and end[kept[-1]] and all(transitions[a, b] for a, b in itertools.pairwise(kept)))


def forward_backward(scores, transitions, start, end) -> tuple[float, np.ndarray]:
    """Log Z and marginals (time, tags) of one sentence without holes, by logarithms in float64."""
    scores, transitions, start, end = (np.asarray(a, "float64") for a in (scores, transitions, start, end))
    time = len(scores)
    alphas, betas = np.zeros_like(scores), np.zeros_like(scores)
    alphas[0], betas[-1] = start + scores[0], end
    for t in range(1, time):
        alphas[t] = np.logaddexp.reduce(alphas[t - 1][:, None] + transitions, axis=0) + scores[t]
    for t in range(time - 2, -1, -1):
        betas[t] = np.logaddexp.reduce(transitions + scores[t + 1] + betas[t + 1], axis=1)
    log_z = np.logaddexp.reduce(alphas[-1] + end)
    return float(log_z), np.exp(alphas + betas - log_z)
