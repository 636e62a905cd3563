"""Functional analysis of variance by brute force over a full grid, and Welch's test by numerical integration."""

from __future__ import annotations

import itertools
import math

import numpy as np


def decompose(table, masses):
    """Variance, those of single axes and of pairs alone, all as a dict by tuple of axes; marginals under `means`.

    table: values on the full product grid, one dimension for each axis. masses: of each axis' cells, summing to 1.
    """
    names = range(table.ndim)
    weights = np.ones(())
    for mass in masses:
        weights = np.multiply.outer(weights, mass)

    def mean_over(kept):
        found = np.zeros([table.shape[k] for k in kept])
        for cell in np.ndindex(*found.shape):
            total = share = 0.0
            for place in np.ndindex(*table.shape):
                if all(place[k] == cell[n] for n, k in enumerate(kept)):
                    total += weights[place] * table[place]
                    share += weights[place]
            found[cell] = total / share
        return found

    overall = float((weights * table).sum())
    variances = {(): float((weights * (table - overall) ** 2).sum())}
    means = {(): overall}
    for i in names:
        means[i,] = mean_over([i])
        variances[i,] = float((masses[i] * (means[i,] - overall) ** 2).sum())
    for i, j in itertools.combinations(names, 2):
        means[i, j] = mean_over([i, j])
        pure = means[i, j] - means[i,][:, None] - means[j,][None] + overall
        variances[i, j] = float((np.multiply.outer(masses[i], masses[j]) * pure**2).sum())
    return variances, means


def welch(one, other):
    """t, degrees of freedom and the two-sided p of Welch's test."""
    n, m = len(one), len(other)
    v = sum((x - sum(one) / n) ** 2 for x in one) / (n - 1) / n
    w = sum((x - sum(other) / m) ** 2 for x in other) / (m - 1) / m
    t = (sum(one) / n - sum(other) / m) / math.sqrt(v + w)
    df = (v + w) ** 2 / (v * v / (n - 1) + w * w / (m - 1))
    # The density of t, integrated from 0 to |t| by Simpson's rule.
    scale = math.exp(math.lgamma((df + 1) / 2) - math.lgamma(df / 2)) / math.sqrt(df * math.pi)
    x = np.linspace(0, abs(t), 4001)
    y = scale * (1 + x * x / df) ** (-(df + 1) / 2)
    inside = (x[1] - x[0]) / 3 * (y[0] + y[-1] + 4 * y[1:-1:2].sum() + 2 * y[2:-1:2].sum())
    return t, df, 1 - 2 * inside
