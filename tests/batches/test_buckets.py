"""Bucket bounds against all choices of bounds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.batches.buckets import MAX_BUCKETS, bucket_bounds

LENGTHS = st.lists(st.integers(0, 30), min_size=1, max_size=12)
BUDGETS = st.sampled_from([0.001, 0.05, 0.08, 0.2, 0.5, 0.9])


def computed(lengths, bounds):
    """Positions computed when every sentence is padded to the least bound that holds it."""
    return sum(min(bound for bound in bounds if bound >= max(n, 1)) for n in lengths)


def best_costs(lengths):
    """Number of buckets -> fewest positions, over all choices of that many bounds among the lengths that occur."""
    *others, top = sorted({max(n, 1) for n in lengths})
    return {
        k + 1: min(computed(lengths, (*chosen, top)) for chosen in itertools.combinations(others, k))
        for k in range(len(others) + 1)
    }


@given(LENGTHS, BUDGETS)
def test_bounds_are_the_best_of_their_number_and_the_fewest_in_budget(lengths, padding):
    bounds = bucket_bounds(np.array(lengths), padding)
    best = best_costs(lengths)
    assert bounds == sorted(set(bounds))
    assert bounds[-1] == max(*lengths, 1)
    assert computed(lengths, bounds) == best[len(bounds)]
    real = sum(max(n, 1) for n in lengths)
    assert len(bounds) == min(k for k, cost in best.items() if cost <= real / (1 - padding))


@pytest.mark.parametrize("padding", [0.08, 0.15, 0.3])
def test_many_lengths_stay_in_budget(padding):
    lengths = np.random.default_rng(0).lognormal(3, 0.8, 20_000).astype(int) + 1
    assert len(np.unique(lengths)) > 192
    bounds = bucket_bounds(lengths, padding)
    assert bounds[-1] == lengths.max()
    positions = np.array(bounds)[np.searchsorted(bounds, lengths)].sum()
    assert 1 - lengths.sum() / positions <= padding
    assert len(bounds) < MAX_BUCKETS


def test_most_buckets():
    lengths = np.arange(1, 150)
    bounds = bucket_bounds(lengths, 1e-6)
    assert len(bounds) == MAX_BUCKETS
    assert bounds[-1] == 149


@pytest.mark.parametrize(("lengths", "bounds"), [([], []), ([7] * 9, [7]), ([0, 0], [1]), ([1, 5000], [1, 5000])])
def test_few_lengths(lengths, bounds):
    assert bucket_bounds(np.array(lengths, int)) == bounds


def test_one_long_sentence_does_not_stretch_the_others():
    assert bucket_bounds(np.array([10] * 500 + [11] * 500 + [5000])) == [11, 5000]


@pytest.mark.parametrize("padding", [0, 1, -0.1, 2])
def test_bad_budget(padding):
    with pytest.raises(ValueError, match=f"between 0 and 1, received {padding}"):
        bucket_bounds(np.array([1]), padding)
