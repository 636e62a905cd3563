"""P-values against all exchanges in exact fractions, and against SciPy."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from seqlab.errors import DataError, SettingsError
from seqlab.evaluation import permutation as room
from seqlab.evaluation.permutation import permutation_test
from tests.evaluation.counted import counts, pair, rows
from tests.oracles import significance


@given(st.integers(1, 7), st.integers(0, 500))
def test_few_sentences_are_exact(sentences, seed):
    one, other = pair(sentences, seed)
    found = permutation_test(one, other)
    assert found.exact
    assert found.p_value == pytest.approx(float(significance.p_value(rows(one), rows(other))))
    assert found.difference == pytest.approx(other.value - one.value)


def test_drawn_exchanges_come_near():
    one, other = pair(11, 3)
    exact = float(significance.p_value(rows(one), rows(other)))
    assert 0.02 < exact < 0.98
    found = permutation_test(one, other, samples=1000)
    assert not found.exact
    assert found.exchanges == 1000
    assert found.p_value == pytest.approx(exact, abs=0.05)
    assert found.p_value * 1001 == pytest.approx(round(found.p_value * 1001))  # (1 + hits) / (1 + samples)


def test_p_value_of_token_accuracy_is_scipys():
    random = np.random.default_rng(2)
    tokens = random.integers(1, 9, 12)
    one, other = (counts(random.binomial(tokens, chance), tokens, tokens) for chance in (0.6, 0.75))
    peer = stats.permutation_test(
        (one.correct, other.correct),
        lambda x, y, axis: (y - x).sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    )
    assert permutation_test(one, other).p_value == pytest.approx(peer.pvalue)


def test_sure_and_no_difference():
    one, other = pair(400, skill=(0.3, 0.8))
    assert permutation_test(one, other, samples=500).p_value == pytest.approx(1 / 501)
    found = permutation_test(one, one)
    assert (found.difference, found.p_value, found.exchanges) == (0, 1, 1)
    assert permutation_test(one, other).difference == -permutation_test(other, one).difference


def test_options_count():
    one, other = pair(60, skill=(0.5, 0.5))
    first = permutation_test(one, other, samples=400)
    assert first == permutation_test(one, other, samples=400)
    assert first != permutation_test(one, other, samples=400, seed=1)
    with mock.patch.object(room, "CHUNK", 120):
        parts = permutation_test(one, other, samples=401)
    assert parts.p_value == pytest.approx(first.p_value, abs=0.1)
    few = pair(5)
    whole = permutation_test(*few)
    with mock.patch.object(room, "CHUNK", 10):
        assert permutation_test(*few) == whole


def test_bad_input():
    with pytest.raises(DataError, match="the same sentences twice"):
        permutation_test(*(pair(n)[0] for n in (3, 4)))
    with pytest.raises(SettingsError, match="`samples` must be"):
        permutation_test(*pair(3), samples=0)
