"""Welch's tests, what differences they can detect, and which trials they compare."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from seqlab.analysis.comparison import best, boxes, compare, detectable, values_of, welch
from seqlab.errors import DataError, SettingsError
from tests.analysis.common import trials
from tests.analysis.test_trials import LOST, few
from tests.oracles import fanova as oracle


@pytest.mark.parametrize(("n", "m", "shift", "spread"), [(2, 2, 1, 1), (3, 7, 0, 4), (20, 20, 0.8, 1), (6, 30, 2, 0.3)])
def test_welch_equals_the_oracle(n, m, shift, spread):
    random = np.random.default_rng(0)
    one, other = random.normal(size=n), random.normal(shift, spread, size=m)
    found = welch(one, other)
    t, freedom, p = oracle.welch(one.tolist(), other.tolist())
    assert found.difference == pytest.approx(one.mean() - other.mean())
    assert (found.t, found.freedom) == pytest.approx((t, freedom))
    assert found.p == pytest.approx(p, abs=1e-8)


@pytest.mark.parametrize(("n", "alpha", "power"), [(3, 0.05, 0.8), (20, 0.05 / 8, 0.8), (20, 0.05, 0.5)])
def test_detectable_differences_are_found_as_often_as_told(n, alpha, power):
    """Of samples whose t has the degrees of freedom of the two given ones, as many as the power are significant."""
    random = np.random.default_rng(1)
    one, other = random.normal(size=n), random.normal(0, 2, size=n)
    least = detectable(one, other, alpha, power)
    found = welch(one, other)
    error = found.difference / found.t
    noise = random.normal(size=200_000) + least / abs(error)
    t = np.abs(noise / np.sqrt(random.chisquare(found.freedom, 200_000) / found.freedom))
    # The edge is where the p of Welch's test is alpha: by halving, with the oracle's integral.
    low, high = 0.0, 1e3
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle, found.freedom) > alpha else (low, middle)
    assert (t > high).mean() == pytest.approx(power, abs=0.005)


def tail(t, freedom):
    """P(|T| > t) with so many degrees of freedom: the density integrated over a, where x = sqrt(freedom) tan(a)."""
    a = np.linspace(np.arctan(t / freedom**0.5), np.pi / 2, 801)
    y = np.cos(a) ** (freedom - 1)
    whole = np.linspace(0, np.pi / 2, 801)
    return np.trapezoid(y, a) / np.trapezoid(np.cos(whole) ** (freedom - 1), whole)


def test_more_trials_detect_less_and_more_power_needs_more():
    one, other = np.arange(10.0), np.arange(10.0) * 2
    base = detectable(one, other, 0.05, 0.8)
    assert detectable(np.tile(one, 4), np.tile(other, 4), 0.05, 0.8) < base / 1.9
    assert detectable(one, other, 0.05, 0.9) > base and detectable(one, other, 0.01, 0.8) > base
    for power in (0.05, 1.0):
        with pytest.raises(SettingsError, match="power must lie between"):
            detectable(one, other, 0.05, power)


def test_samples_that_cannot_be_tested():
    with pytest.raises(DataError, match="at least 2 values on each side, received 1 and 3"):
        welch(np.ones(1), np.arange(3.0))
    with pytest.raises(DataError, match="no spread"):
        welch(np.ones(3), np.zeros(3))


def test_the_best_are_those_of_the_best_validation_scores():
    small = trials()
    chosen = best(small, 0.1)
    scores = np.sort(small.numbers["score"])[: len(chosen)]
    assert len(chosen) == 9 and sorted(chosen.numbers["score"]) == scores.tolist()
    assert np.isfinite(scores).all()
    greatest = best(trials(direction="max"), 0.1).numbers["score"]
    every = trials(direction="max").numbers["score"]
    assert sorted(greatest) == sorted(every[~np.isnan(every)])[-9:]
    assert len(best(small, 0.101)) == 10  # rounded up


def test_diverged_trials_count_in_the_fraction_and_rank_last():
    found = few(*LOST)  # 4 count, 1 of them diverged
    assert sorted(best(found, 0.5).numbers["score"]) == [1, 3]
    assert sorted(best(found, 0.75).numbers["score"]) == [1, 3, 4]
    with pytest.raises(DataError, match="few: the best 4 of 4 trials cannot be taken, 1 of them diverged"):
        best(found, 1.0)
    with pytest.raises(SettingsError, match="fraction of best trials"):
        best(found, 0.0)


def test_values_must_be_there():
    with pytest.raises(DataError, match=r"1 of the 2 best trials have no test value"):
        values_of(few(LOST[0], ("completed", 2.0, None, 1.0)))


def test_groups_against_the_baseline():
    groups = trials(per_group=60).groups("variant")
    found = compare(groups, "V", fraction=0.2)
    assert [one.name for one in found] == ["NFG", "NP"] and [one.verdict for one in found] == ["worse", "not different"]
    for one in found:
        values, reference = (best(groups[name], 0.2).numbers["test"] for name in (one.name, "V"))
        assert len(values) == 12 and one.values.tolist() == values.tolist()
        assert one.welch == welch(values, reference)
        assert one.corrected == min(1, 2 * one.welch.p)
        assert one.detectable == detectable(values, reference, 0.05 / 2, 0.8)
    (_, again) = compare(groups, "V", 0.2, column="score", power=0.95)
    assert again.detectable > found[1].detectable and again.values.tolist() != found[1].values.tolist()
    assert {one.verdict for one in compare(groups, "V", 0.2, alpha=1e-40)} == {"not different"}
    turned = compare(trials(per_group=60, direction="max").groups("variant"), "NFG", 0.2)
    assert [one.verdict for one in turned] == ["better", "better"]


def test_errors_of_comparisons():
    groups = trials().groups("variant")
    with pytest.raises(SettingsError, match=r"no group 'NF'; .* Did you mean 'NFG'"):
        compare(groups, "NF")
    for name in ("alpha", "power"):
        with pytest.raises(SettingsError, match=f"`{name}` must lie between 0 and 1"):
            compare(groups, "V", **{name: 1.0})
    with pytest.raises(DataError, match=r"trials.csv: V: a test needs at least 2 values"):
        compare(groups, "V", 1 / 30)


def test_boxes():
    groups = {"few": few(*LOST), "other": few(*LOST[:1])}
    every = boxes(groups)
    assert every[0].values.tolist() == [1.5, 3.5, 3] and every[0].diverged == 1 and np.isnan(every[0].weights)
    (few_best, _) = boxes(groups, "score", 0.5)
    assert few_best.values.tolist() == [1, 3] and few_best.diverged == 0
    small = trials()
    assert boxes({"a": small})[0].weights == pytest.approx(np.mean(small.numbers["weights"]))


def test_without_scipy_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match=r"pip install 'seqlab\[analysis\]'"):
        welch(np.arange(3.0), np.arange(4.0))
