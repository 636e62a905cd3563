"""A comparison joins what its parts find."""

from __future__ import annotations

import json

import pytest

from seqlab.evaluation.comparison import compare
from seqlab.evaluation.permutation import permutation_test
from seqlab.evaluation.resampling import bootstrap, bootstrap_difference
from tests.evaluation.counted import pair

OPTIONS = {"samples": 300, "level": 0.9, "seed": 2}


@pytest.mark.parametrize("sentences", [6, 40])
def test_parts(sentences):
    one, other = pair(sentences)
    found = compare(one, other, **OPTIONS)
    assert found.scores == (one.value, other.value)
    assert found.intervals == (bootstrap(one, **OPTIONS), bootstrap(other, **OPTIONS))
    assert found.interval == bootstrap_difference(one, other, **OPTIONS)
    assert found.test == permutation_test(one, other, samples=300, seed=2)
    stored = json.loads(json.dumps(found.to_dict()))
    assert stored["test"]["p_value"] == found.test.p_value
    assert stored["interval"] == {"low": found.interval.low, "high": found.interval.high, "level": 0.9}
    assert [part["low"] for part in stored["intervals"]] == [part.low for part in found.intervals]
    assert stored["sentences"] == sentences


def test_table():
    found = compare(*pair(40), **OPTIONS)
    head, first, second, difference, test = found.table(("a", "longer name")).splitlines()
    assert head.split() == ["F1", "90", "%", "interval"]
    assert first.split() == ["a", f"{100 * found.scores[0]:.2f}", *str(found.intervals[0]).split()]
    assert second.startswith("longer name ")
    assert f"{100 * found.test.difference:+.2f}" in difference and str(found.interval) in difference
    assert test == f"p-value {found.test.p_value:.4g} (paired permutation test, random 300 exchanges)"
    assert "all 32 exchanges" in compare(*pair(6, 1), **OPTIONS).table(("a", "b"), "accuracy")
