"""Percentile intervals against all draws, and against SciPy."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
from scipy import stats

from seqlab.errors import DataError, SettingsError
from seqlab.evaluation import resampling as room
from seqlab.evaluation.resampling import bootstrap, bootstrap_difference
from tests.evaluation.counted import counts, pair, rows
from tests.oracles import significance

ONE = counts([1, 2, 0, 3, 1], [2, 2, 1, 4, 1], [1, 3, 2, 3, 4])
OTHER = counts([1, 1, 2, 3, 2], [1, 1, 2, 5, 3], [1, 3, 2, 3, 4])


def quantiles(values, level):
    return np.quantile(np.array(values, float), [(1 - level) / 2, (1 + level) / 2])


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
def test_interval_is_that_of_all_draws(level):
    exact = quantiles(significance.resampled(rows(ONE)), level)
    found = bootstrap(ONE, 40_000, level)
    np.testing.assert_allclose([found.low, found.high], exact, atol=0.012)
    exact = quantiles(significance.resampled_differences(rows(ONE), rows(OTHER)), level)
    found = bootstrap_difference(ONE, OTHER, 40_000, level)
    np.testing.assert_allclose([found.low, found.high], exact, atol=0.012)
    assert found.level == level


def test_interval_is_scipys():
    one, other = pair(200)

    def difference(*columns, axis):
        c1, f1, g1, c2, f2, g2 = (column.sum(axis=axis) for column in columns)
        return 2 * c2 / (f2 + g2) - 2 * c1 / (f1 + g1)

    columns = [*one.rows.T, *other.rows.T]
    peer = stats.bootstrap(
        columns, difference, paired=True, vectorized=True, n_resamples=4000, method="percentile", rng=1
    ).confidence_interval
    found = bootstrap_difference(one, other, 4000)
    np.testing.assert_allclose([found.low, found.high], [peer.low, peer.high], atol=0.004)


def test_pairs_are_drawn_together():
    one, _ = pair(50)
    found = bootstrap_difference(one, one, 200)
    assert (found.low, found.high) == (0, 0)


def test_options_count():
    one, other = pair(30)
    first = bootstrap(one, 200)
    assert first == bootstrap(one, 200)
    assert first != bootstrap(one, 200, seed=1)
    assert first != bootstrap(one, 300)
    wide = bootstrap(one, 200, level=0.99)
    assert wide.low < first.low < one.value < first.high < wide.high
    with mock.patch.object(room, "CHUNK", 70):  # two samples at a time
        assert bootstrap(one, 200) == first
    assert bootstrap_difference(one, other, 200) != bootstrap_difference(one, other, 200, seed=1)


@pytest.mark.parametrize("options", [{"level": 0}, {"level": 1}, {"level": 95}, {"samples": 0}, {"samples": 1.5}])
def test_bad_options(options):
    one, other = pair(3)
    for found in (lambda: bootstrap(one, **options), lambda: bootstrap_difference(one, other, **options)):
        with pytest.raises(SettingsError, match=r"level must lie between 0 and 1|`samples` must be"):
            found()


def test_other_sentences():
    with pytest.raises(DataError, match="the same sentences twice"):
        bootstrap_difference(*(pair(n)[0] for n in (3, 4)))
