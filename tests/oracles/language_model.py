"""A bidirectional language model's losses in NumPy, float64, class by class."""

from __future__ import annotations

import math

import numpy as np


def share(rank: int, classes: int) -> float:
    """Probability of one draw, of the class with that rank by frequency (from 0)."""
    return math.log((rank + 2) / (rank + 1)) / math.log(classes + 1)


def full_loss(state: np.ndarray, kernel: np.ndarray, bias: np.ndarray, label: int) -> float:
    """-log softmax(kernel state + bias)[label]."""
    scores = [float(row @ state) + float(b) for row, b in zip(kernel.astype(float), bias.astype(float), strict=True)]
    top = max(scores)
    return top + math.log(sum(math.exp(score - top) for score in scores)) - scores[label]


def sampled_loss(
    state: np.ndarray, kernel: np.ndarray, bias: np.ndarray, label: int, sample: list[int], counts: np.ndarray
) -> float:
    """The same over the label and the sample, each score less the logarithm of its expected count."""

    def corrected(k: int) -> float:
        return float(kernel[k].astype(float) @ state) + float(bias[k]) - math.log(counts[k])

    candidates = {label, *sample}
    return math.log(sum(math.exp(corrected(k)) for k in candidates)) - corrected(label)


def neighbours(words: list[list[int]]) -> list[tuple[list[int], list[int]]]:
    """For each sentence of rows, edges among them, what follows and what precedes each; None where nothing does."""
    found = []
    for rows in words:
        following = [*rows[1:], None]
        preceding = [None, *rows[:-1]]
        found.append((following, preceding))
    return found
