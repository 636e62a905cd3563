"""Calibration figures token by token in plain Python, from the definitions of Guo et al. (2017) and Brier (1950)."""

from __future__ import annotations

import math


def width_bins(confidences, right, bins):
    """The (count, mean confidence, share right) of each bin ((b - 1) / B, b / B], confidence 0 in the first."""
    found = []
    for b in range(1, bins + 1):
        inside = [
            (c, r)
            for c, r in zip(confidences, right, strict=True)
            if (b - 1) / bins < c <= b / bins or (b == 1 and c == 0)
        ]
        count = len(inside)
        found.append((count, *(sum(column) / count for column in zip(*inside, strict=True))) if count else (0, 0, 0))
    return found


def expected_error(bins):
    total = sum(count for count, _, _ in bins)
    return sum(count / total * abs(share - mean) for count, mean, share in bins)


def maximum_error(bins):
    return max(abs(share - mean) for count, mean, share in bins if count)


def brier(probabilities, labels):
    rows = [
        sum((p - (tag == label)) ** 2 for tag, p in enumerate(row))
        for row, label in zip(probabilities, labels, strict=True)
    ]
    return sum(rows) / len(rows)


def negative_log_likelihood(probabilities, labels):
    return -sum(math.log(row[label]) for row, label in zip(probabilities, labels, strict=True)) / len(labels)
