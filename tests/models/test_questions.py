"""What heads are asked, layer by layer: under a half-precision policy too, scores stay what they are."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from seqlab.layers.heads.crf import CRFHead
from seqlab.models.questions import Decode, Likelihood, Posterior
from tests.layers.heads.common import FEATURES, LABELS, MASK, array, learnt
from tests.oracles.crf import forward_backward

NAMES = ("O", "B-X", "I-X")


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_a_question_gives_what_the_head_gives(policy: str) -> None:
    head = learnt(CRFHead(3, temperature=1.5))
    scores = array(head(FEATURES, mask=MASK))
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        found = Decode(head, probabilities=True, n_best=2)(scores, MASK)
        bare = Decode(head)(scores, MASK)
        spans = np.array([[0, 1, 2, 0], [1, 0, 1, 0]], "int32")
        posteriors = Posterior(head, NAMES, 4)(scores, MASK, np.array([1.5], "float32"), spans)
    finally:
        keras.config.set_dtype_policy(before)
    assert bare.keys() == {"labels"}
    assert_array_equal(found["labels"], head.decode(scores, MASK))
    assert_allclose(found["probabilities"], head.probabilities(scores, MASK), rtol=1e-6)
    paths, chances = head.n_best(scores, MASK, 2)
    assert_array_equal(found["paths"], paths)
    assert_allclose(found["chances"], chances, rtol=1e-6)
    kinds = np.array([[False, True, True]] * 2)
    joints = np.array([[False] * 3, [False, False, True], [False, False, True]])
    assert_allclose(posteriors, head.span_probabilities(scores, MASK, spans[:, :3], kinds, joints, 4), rtol=1e-6)


def test_shapes_are_those_that_keras_is_told() -> None:
    head = learnt(CRFHead(3))
    scores, mask = keras.Input((None, 3)), keras.Input((None,), dtype="bool")
    spans, labels, heat = keras.Input((4,), dtype="int32"), keras.Input((None,), dtype="int32"), keras.Input(())
    told = [
        Decode(head, probabilities=True, n_best=2)(scores, mask),
        Posterior(head, NAMES, 4)(scores, mask, heat, spans),
        Likelihood(head)(scores, mask, heat, labels),
    ]
    model = keras.Model([scores, mask, spans, labels, heat], told)
    values = array(head(FEATURES, mask=MASK))
    arrays = [values, MASK, np.array([[0, 1, 2, 0]], "int32"), LABELS.astype("int32"), np.ones(1, "float32")]
    for spec, found in zip(keras.tree.flatten(told), keras.tree.flatten(model(arrays)), strict=True):
        assert len(spec.shape) == len(found.shape) and spec.dtype == keras.backend.standardize_dtype(found.dtype)
        assert all(size in (None, real) for size, real in zip(spec.shape, found.shape, strict=True))


def test_likelihood_sums_logarithms_of_marginals_at_the_given_temperature() -> None:
    head = learnt(CRFHead(3, temperature=5.0))
    scores = array(head(FEATURES, mask=MASK))
    labels = np.where(MASK, LABELS, -1).astype("int32")
    labels[0, 2] = -1  # a label that the tagger does not know
    found = array(Likelihood(head)(scores, MASK, np.array([2.0], "float32"), labels))
    weights = [array(part) / 2 for part in head.moves()]
    for row, count in enumerate(MASK.sum(1)):
        wanted = 0.0
        if count:
            _, shares = forward_backward(scores[row, :count] / 2, *weights)
            wanted = sum(np.log(shares[t, k]) for t, k in enumerate(labels[row, :count]) if k >= 0)
        assert found[row] == pytest.approx(wanted, rel=1e-4, abs=1e-6)


def test_a_label_that_is_impossible_costs_a_finite_amount() -> None:
    head = learnt(CRFHead(3))
    scores = np.array([[[0.0, -900.0, 0.0]]], "float32")
    found = array(Likelihood(head)(scores, np.array([[True]]), np.array([0.01], "float32"), np.array([[1]], "int32")))
    assert found[0] == pytest.approx(np.log(1e-37), rel=1e-3)
