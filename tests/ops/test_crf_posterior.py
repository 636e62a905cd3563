from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.constants import FORBIDDEN
from seqlab.errors import SettingsError
from seqlab.ops import crf
from seqlab.ops.crf_posterior import entropy, pair_marginals, posterior_decode, sample
from seqlab.ops.crf_sets import Rules
from tests.ops.gradients import compiled, gradients
from tests.oracles.crf import all_paths, keeps

BATCH, TIME, TAGS = 4, 4, 3
MARGINALS, PAIRS, ENTROPY = (compiled(f) for f in (crf.marginals, pair_marginals, entropy))
DECODE = compiled(posterior_decode)
SAMPLE = compiled(sample, "count", "seed")


def array(tensor):
    return ops.convert_to_numpy(tensor)


def case(size=1.0, forbidden=False, seed=0):
    rng = np.random.default_rng(seed)
    mask = rng.random((BATCH, TIME)) < 0.7
    mask[0], mask[1], mask[-1] = True, [True, False, True, True], False
    scores = (rng.normal(size=(BATCH, TIME, TAGS)) * size).astype("float32")
    weights = [rng.normal(size=shape).astype("float32") for shape in ((TAGS, TAGS), TAGS, TAGS)]
    if forbidden:
        weights[0][0, 1] = weights[1][2] = weights[2][1] = FORBIDDEN
    return scores, mask, weights


CASES = {"plain": {}, "forbidden": {"forbidden": True}, "steep": {"size": 100.0}}


@pytest.mark.parametrize("name", CASES)
def test_pair_marginals_equal_enumeration(name):
    scores, mask, weights = case(**CASES[name])
    found = array(PAIRS(scores, mask, *weights))
    wanted = np.zeros((BATCH, TIME, TAGS, TAGS))
    for row in range(BATCH):
        paths = all_paths(scores[row], mask[row], *weights)
        where = np.flatnonzero(mask[row])
        for before, t in zip(where[:-1], where[1:], strict=True):
            np.add.at(wanted[row, t], (paths.labels[:, before], paths.labels[:, t]), paths.shares)
    np.testing.assert_allclose(found, wanted, rtol=2e-3, atol=1e-6)
    shares = array(MARGINALS(scores, mask, *weights))
    np.testing.assert_allclose(found[0, 1:].sum(-1), shares[0, :-1], atol=1e-5)
    np.testing.assert_allclose(found[0, 1:].sum(-2), shares[0, 1:], atol=1e-5)


def entropies(scores, mask, weights):
    shares = [all_paths(s, m, *weights).shares for s, m in zip(scores, mask, strict=True)]
    return np.array([-np.sum(p * np.log(np.where(p > 0, p, 1))) for p in shares])


@pytest.mark.parametrize("name", CASES)
def test_entropy_equals_enumeration(name):
    scores, mask, weights = case(**CASES[name])
    found = array(ENTROPY(scores, mask, *weights))
    np.testing.assert_allclose(found, entropies(scores, mask, weights), rtol=1e-4, atol=1e-6)
    assert found[-1] == 0 and (found >= 0).all()


def test_entropy_is_differentiable():
    scores, mask, weights = case(seed=1)
    _, found = gradients(lambda *a: ops.sum(entropy(a[0], mask, *a[1:])), [scores, *weights], jit="jax")
    rng = np.random.default_rng(2)
    way = [rng.normal(size=a.shape) for a in (scores, *weights)]
    moved = [[a + sign * 1e-4 * w for a, w in zip((scores, *weights), way, strict=True)] for sign in (1, -1)]
    up, down = (entropies(arrays[0], mask, arrays[1:]).sum() for arrays in moved)
    slope = sum((g * w).sum() for g, w in zip(found, way, strict=True))
    np.testing.assert_allclose(slope, (up - down) / 2e-4, rtol=1e-4)


def test_samples_follow_the_distribution():
    scores, mask, weights = case(forbidden=True)
    count = 4000
    drawn = array(SAMPLE(scores, mask, *weights, count=count, seed=1))
    assert drawn.shape == (BATCH, count, TIME) and drawn.dtype == np.int32
    for row in range(BATCH):
        paths = all_paths(scores[row], mask[row], *weights)
        places = {tuple(y): i for i, y in enumerate(paths.labels)}
        counts = np.bincount([places[tuple(y)] for y in drawn[row]], minlength=len(places))
        assert not counts[paths.shares < 1e-12].any()  # what is forbidden
        likely = paths.shares * count >= 5
        groups = [(counts[i], paths.shares[i] * count) for i in np.flatnonzero(likely)]
        rest = (counts[~likely].sum(), paths.shares[~likely].sum() * count)
        groups += [rest] if rest[1] >= 5 else []
        chi = sum((seen - wanted) ** 2 / wanted for seen, wanted in groups)
        freedom = len(groups) - 1
        assert chi <= freedom + 4 * np.sqrt(2 * freedom) + 1e-6


def test_seeds_of_samples():
    scores, mask, weights = case()

    def draw(seed):
        return array(sample(scores, mask, *weights, count=20, seed=seed))

    np.testing.assert_array_equal(draw(3), draw(3))
    generator = keras.random.SeedGenerator(3)
    assert (draw(generator) != draw(generator)).any()
    with pytest.raises(SettingsError, match="whole number of at least 1"):
        sample(scores, mask, *weights, count=0)


def test_posterior_decoding_takes_the_greatest_marginals():
    scores, mask, weights = case()
    labels, right = DECODE(scores, mask, *weights)
    shares = array(MARGINALS(scores, mask, *weights))
    np.testing.assert_array_equal(array(labels), np.where(mask, shares.argmax(-1), -1))
    np.testing.assert_allclose(array(right), shares.max(-1).sum(-1), rtol=1e-6)


def test_posterior_decoding_under_rules_equals_enumeration():
    scores, mask, weights = case(seed=5)
    rules = Rules(~np.eye(TAGS, dtype=bool), np.array([True, False, True]), np.array([True, True, False]))
    labels, right = (array(part) for part in DECODE(scores, mask, *weights, rules=rules))
    for row in range(BATCH):
        paths = all_paths(scores[row], mask[row], *weights)
        shares = np.array([[(paths.labels[:, t] == tag) @ paths.shares for tag in range(TAGS)] for t in range(TIME)])
        where = np.flatnonzero(mask[row])
        sums = [shares[where, y[where]].sum() if keeps(y, mask[row], *rules) else -np.inf for y in paths.labels]
        np.testing.assert_array_equal(labels[row], paths.labels[np.argmax(sums)])
        np.testing.assert_allclose(right[row], max(sums), rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="unknown time is TensorFlow's alone")
def test_unknown_batch_and_time_compiled():
    import tensorflow as tf

    scores, mask, weights = case()

    def all_of_them(scores, mask):
        inputs = (scores, mask, *weights)
        return entropy(*inputs), pair_marginals(*inputs), sample(*inputs, 1, seed=1)

    spec = [tf.TensorSpec([None, None, TAGS]), tf.TensorSpec([None, None], tf.bool)]
    run = tf.function(all_of_them, input_signature=spec, jit_compile=True)
    found, pairs, drawn = run(scores, mask)
    np.testing.assert_allclose(found, entropies(scores, mask, weights), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(pairs, pair_marginals(scores, mask, *weights), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(drawn[:, 0] == -1, ~mask)  # other numbers than uncompiled
    assert run(scores[:, :1], mask[:, :1])[0].shape == (BATCH,)
