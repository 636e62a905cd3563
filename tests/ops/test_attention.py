"""Attention's functions: their gradients, and what masked places may hold. The layers' oracles test the rest."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.ops.attention import (
    additive_scores,
    coverage_weights,
    hop_penalty,
    masked_softmax,
    previous,
    weighted_sum,
)
from tests.layers.common import array, close, tensor
from tests.ops.gradients import gradients
from tests.oracles import attention as oracles

RANDOM = np.random.default_rng(0)
SCORES = RANDOM.normal(size=(3, 4)).astype("float32")
MASK = np.array([[1, 1, 1, 1], [0, 1, 0, 1], [0, 0, 0, 0]], bool)


@pytest.mark.parametrize("filler", [0.0, 1e30, np.nan, np.inf])
def test_masked_softmax(filler):
    weights = array(masked_softmax(np.where(MASK, SCORES, np.float32(filler)), MASK))
    expected = np.zeros_like(weights)
    for row, real in enumerate(MASK[:2]):
        expected[row, real] = oracles.softmax(SCORES[row, real])
    close(weights, expected)
    assert not weights[~MASK].any()
    close(masked_softmax(SCORES), np.array([oracles.softmax(row) for row in SCORES]))


def test_masked_softmax_of_extreme_scores():
    scores = np.array([[1e30, 0, -1e30], [-1e30, -1e30, 5]], "float32")
    mask = np.array([[1, 1, 1], [1, 1, 0]], bool)
    close(masked_softmax(scores, mask), np.array([[1, 0, 0], [0.5, 0.5, 0]]))


def test_gradient_of_masked_softmax():
    factors = RANDOM.normal(size=SCORES.shape).astype("float32")

    def value(scores):
        return ops.sum(masked_softmax(scores, MASK) * factors)

    _, (found,) = gradients(value, [SCORES])
    expected = np.zeros_like(found)
    for row, real in enumerate(MASK[:2]):
        weights = oracles.softmax(SCORES[row, real])
        expected[row, real] = weights * (factors[row, real] - weights @ factors[row, real])
    close(found, expected)
    dirty = np.where(MASK, SCORES, np.float32("nan"))
    np.testing.assert_array_equal(gradients(value, [dirty])[1][0], found)


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_halves_are_computed_in_float32(kind):
    scores = ops.cast(SCORES, kind)
    weights = masked_softmax(scores, MASK)
    assert keras.backend.standardize_dtype(weights.dtype) == "float32"
    close(weights, masked_softmax(ops.cast(scores, "float32"), MASK), rtol=0, atol=0)
    values = ops.cast(RANDOM.normal(size=(4, 2)), kind)
    assert keras.backend.standardize_dtype(weighted_sum(weights, values).dtype) == kind


def test_scores_and_sums():
    queries, keys, vector = (RANDOM.normal(size=size).astype("float32") for size in ((2, 3), (4, 3), (3, 1)))
    found = array(additive_scores(queries[:, None], keys, vector))
    expected = [[vector[:, 0] @ np.tanh(query + key) for key in keys] for query in queries]
    close(found, np.array(expected))
    close(weighted_sum(found, keys), found @ keys)


def test_coverage_under_a_mask_with_holes():
    queries, keys = RANDOM.normal(size=(2, 2, 5, 3)).astype("float32")
    coverage, vector = RANDOM.normal(size=(1, 3)).astype("float32"), RANDOM.normal(size=(3, 1)).astype("float32")
    mask = np.array([[0, 1, 1, 0, 1], [0, 0, 0, 0, 0]], bool)
    weights = array(coverage_weights(*map(tensor, (queries, keys, coverage, vector, mask))))
    real = mask[0]
    identity = np.eye(3)  # queries and keys are projected already
    h = np.concatenate([queries[0, real], keys[0, real]], axis=1).astype("float64")
    above, below = np.vstack([identity, 0 * identity]), np.vstack([0 * identity, identity])
    expected = np.zeros_like(weights)
    expected[0][np.ix_(real, real)] = oracles.coverage(h, above, below, vector[:, 0], coverage[0])[1]
    close(weights, expected)


@pytest.mark.parametrize("window", [1, 3, 7])
def test_previous(window):
    values = RANDOM.normal(size=(2, 5, 3)).astype("float32")
    expected = np.zeros((2, 5, window, 3), "float32")
    for step in range(5):
        for back in range(min(step, window)):
            expected[:, step, back] = values[:, step - 1 - back]
    np.testing.assert_array_equal(array(previous(tensor(values), window)), expected)


def test_hop_penalty():
    weights = RANDOM.dirichlet(np.ones(5), size=(3, 2))
    close(hop_penalty(weights.astype("float32")), np.array([oracles.hop_penalty(one) for one in weights]))
