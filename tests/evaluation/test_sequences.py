"""Scores of frames, transcripts and next steps against plain definitions."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from seqlab.errors import DataError
from seqlab.evaluation.sequences import edit_distance, frame_error, label_error_rate, next_step_nll

RANDOM = np.random.default_rng(0)


def distance(one, other):
    """The definition, by recursion over the last items."""

    @cache
    def least(i, j):
        if not i or not j:
            return i + j
        kept = least(i - 1, j - 1) + (one[i - 1] != other[j - 1])
        return min(kept, least(i - 1, j) + 1, least(i, j - 1) + 1)

    return least(len(one), len(other))


def test_edit_distance_is_that_of_its_definition():
    for _ in range(60):
        one, other = (RANDOM.integers(0, 3, RANDOM.integers(0, 9)) for _ in range(2))
        assert edit_distance(one, other) == distance(one.tolist(), other.tolist())
    assert edit_distance(np.array(list("kitten")), np.array(list("sitting"))) == 3


def test_rates_are_over_all_sequences_together():
    gold = [np.array([0, 1, 2, -1]), np.array([1])]
    assert frame_error(gold, [np.array([0, 1, 1, 2]), np.array([0])]) == 0.5
    assert label_error_rate([np.array([0, 1, 2]), np.array([1])], [np.array([0, 2]), np.array([1, 0, 0])]) == 3 / 4
    assert label_error_rate([np.array([1])], [np.zeros(0, int)]) == 1


def test_nll_is_the_total_over_steps():
    gold = [np.array([[1, 0], [0, 0]]), np.array([[1, -1]])]
    scores = [np.array([[2.0, -1.0], [0.0, 3.0]]), np.array([[-1.0, 50.0]])]

    def cost(y, x):
        p = 1 / (1 + math.exp(-x))
        return -math.log(p if y else 1 - p)

    total = cost(1, 2) + cost(0, -1) + cost(0, 0) + cost(0, 3) + cost(1, -1)
    assert next_step_nll(gold, scores) == pytest.approx(total / 3)
    assert next_step_nll([np.array([[0]])], [np.array([[800.0]])]) == pytest.approx(800)


def test_nothing_to_score():
    with pytest.raises(DataError, match="No frame has a label"):
        frame_error([np.array([-1])], [np.array([0])])
    with pytest.raises(DataError, match="have no labels"):
        label_error_rate([np.zeros(0)], [np.zeros(0)])
    with pytest.raises(DataError, match="have no steps"):
        next_step_nll([np.zeros((0, 2))], [np.zeros((0, 2))])


def test_answers_that_do_not_fit():
    with pytest.raises(DataError, match=r"sequences of \[2\] steps and answers of \[1\]"):
        frame_error([np.array([0, 1])], [np.array([0])])
    with pytest.raises(DataError, match="2 sequences and 1 answers"):
        label_error_rate([np.array([0])] * 2, [np.array([0])])
    with pytest.raises(DataError, match="give one each"):
        next_step_nll([np.zeros((1, 2))], [np.zeros((2, 2))])
