"""The spread of scores against NumPy."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from seqlab.errors import DataError, SettingsError
from seqlab.evaluation.seeds import seed_difference, spread


@pytest.mark.parametrize("values", [[0.5, 0.25, 1.0], [0.9, 0.1, 0.3, 0.4]])
def test_figures(values):
    found = spread(values)
    expected = [np.median(values), min(values), max(values), np.mean(values), np.std(values, ddof=1)]
    np.testing.assert_allclose([found.median, found.minimum, found.maximum, found.mean, found.stdev], expected)
    assert found.values == tuple(values)
    assert json.loads(json.dumps(found.to_dict()))["values"] == values


def test_one_run_has_no_deviation():
    assert spread([0.5]).stdev is None
    assert str(spread([0.5])) == "50.00 (one run)"


@pytest.mark.parametrize("values", [[], [0.5, 94.0], [float("nan")], [-0.1]])
def test_bad_scores(values):
    with pytest.raises(DataError, match="Expected .*scores"):
        spread(values)


@pytest.mark.parametrize("level", [0.95, 0.5])
def test_a_difference_over_seeds_is_that_of_the_paired_t_test(level):
    one, other = {1: 0.91, 2: 0.93, 3: 0.92, 9: 0.1}, {3: 0.9, 2: 0.92, 1: 0.905, 7: 0.2}
    found = seed_difference(one, other, level)
    ends = stats.ttest_rel([0.91, 0.93, 0.92], [0.905, 0.92, 0.9]).confidence_interval(level)
    np.testing.assert_allclose([found.interval.low, found.interval.high], ends, rtol=1e-6)
    assert found.seeds == (1, 2, 3) and found.mean == pytest.approx(0.035 / 3) and found.interval.level == level


def test_too_few_seeds_say_so():
    found = seed_difference({1: 0.5, 2: 0.6}, {1: 0.4, 3: 0.6})
    assert found.interval is None and str(found) == "+10.00 (1 seed: no interval)"
    assert seed_difference({1: 0.5}, {2: 0.5}) is None
    for level in (0, 1, float("nan")):
        with pytest.raises(SettingsError, match="level lies between 0 and 1"):
            seed_difference({1: 0.5}, {1: 0.5}, level)
