"""The benchmark's function has the shares that it says, and a row is made."""

from __future__ import annotations

import bench_fanova as bench
import numpy as np
import pytest


def test_the_true_shares_are_those_of_the_function() -> None:
    """By correlation ratios of many draws: the variance of the means within bins."""
    places, scores = bench.draw(200_000)
    variance = scores.var() - bench.NOISE**2
    for number, axis in enumerate(bench.space()):
        bins = np.unique(np.floor(places[:, number] * (1 if axis.levels else 50)), return_inverse=True)[1]
        bins = np.unique(places[:, number], return_inverse=True)[1] if axis.levels else bins
        means = np.bincount(bins, scores) / np.bincount(bins)
        share = np.average((means - scores.mean()) ** 2, weights=np.bincount(bins)) / variance
        assert share == pytest.approx(bench.truth().get(axis.name, 0.0), abs=0.01)
    assert sum(bench.truth().values()) == pytest.approx(1)


def test_a_row() -> None:
    cells = bench.row(trials=60, leaf=3, trees=2, jobs=1).split()
    assert cells[:3] == ["60", "3", "2"] and float(cells[-1]) < 0.6
    assert float(cells[6]) == pytest.approx(float(cells[4]) + float(cells[5]), abs=0.11)
