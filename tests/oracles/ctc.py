"""CTC by enumeration of all alignments, in float64, independent of seqlab. The blank is the last class."""

from __future__ import annotations

import itertools

import numpy as np


def collapse(path, blank):
    """Takes repeats together, then blanks away."""
    merged = [label for label, _ in itertools.groupby(path)]
    return tuple(label for label in merged if label != blank)


def alignments(scores):
    """All (labels, path, log probability) of one row (time, classes) without masked steps."""
    scores = np.asarray(scores, "float64")
    time, classes = scores.shape
    logs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    for path in itertools.product(range(classes), repeat=time):
        yield collapse(path, classes - 1), path, sum(logs[t, c] for t, c in enumerate(path))


def sequences(scores):
    """The probability of every label sequence."""
    found = {}
    for labels, _, log in alignments(scores):
        found[labels] = found.get(labels, 0.0) + np.exp(log)
    return found


def likelihood(scores, labels):
    """Log likelihood of labels, and its gradient for the scores; minus infinity and `None` without an alignment."""
    scores = np.asarray(scores, "float64")
    total, counts = 0.0, np.zeros(scores.shape)
    for found, path, log in alignments(scores):
        if found == tuple(labels):
            total += np.exp(log)
            for t, c in enumerate(path):
                counts[t, c] += np.exp(log)
    if total == 0:
        return -np.inf, None
    shares = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    return np.log(total), counts / total - shares


def best_path(scores):
    """The labels of the likeliest alignment."""
    return max(alignments(scores), key=lambda row: row[2])[0]
