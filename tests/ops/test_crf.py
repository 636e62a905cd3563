from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.ops import crf
from tests.ops.gradients import gradients
from tests.oracles.crf import enumerate_batch, forward_backward, path

# Name: (batch, time, tags), factor of the scores, factor of the transitions, score of forbidden moves.
CASES = {
    "plain": ((5, 5, 3), 1, 1, None),
    "one_step": ((3, 1, 4), 1, 1, None),
    "one_tag": ((3, 4, 1), 1, 1, None),
    "one_step_one_tag": ((2, 1, 1), 1, 1, None),
    "great_scores": ((4, 5, 3), 1e4, 1, None),
    "great_transitions": ((4, 5, 3), 1, 1e4, None),
    "forbidden": ((5, 5, 3), 1, 1, -1e4),
    "forbidden_and_great": ((5, 5, 3), 1e4, 1, -1e4),
    "edge_of_safe_range": ((5, 5, 3), 12, 5, None),
}


def case(name, seed=0):
    (batch, time, tags), size, steep, forbidden = CASES[name]
    rng = np.random.default_rng(seed)
    scores = (rng.normal(size=(batch, time, tags)) * size).astype("float32")
    mask = rng.random((batch, time)) < 0.7  # holes
    mask[0], mask[-1] = True, False  # one row whole, one without any token
    transitions = (rng.normal(size=(tags, tags)) * steep).astype("float32")
    start, end = (rng.normal(size=(2, tags)) * steep).astype("float32")
    if forbidden is not None:
        transitions[0, 1] = transitions[2] = start[1] = forbidden  # a whole row: a tag with no allowed follower
    labels = np.where(mask, rng.integers(0, tags, mask.shape), -1)
    return scores, labels, mask, transitions, start, end


def expected(name, seed=0):
    scores, labels, mask, *weights = case(name, seed)
    rows = enumerate_batch(scores, mask, *weights)
    gold = [path(*row, *[w.astype("float64") for w in weights]) for row in zip(scores, labels, mask, strict=True)]
    return rows, np.array(gold)


def array(tensor):
    return ops.convert_to_numpy(tensor)


def tolerances(name):
    # float32 keeps 7 digits: of sums near 1e4 about 2e-3 is left.
    great = CASES[name][1] * CASES[name][2] >= 1e3
    return {"rtol": 1e-6 if great else 1e-5, "atol": 2e-2 if great else 2e-5}


@pytest.mark.parametrize("name", CASES)
def test_values_equal_enumeration(name):
    scores, labels, mask, *weights = case(name)
    rows, gold = expected(name)
    log_z = np.array([row.log_z for row in rows])
    np.testing.assert_allclose(array(crf.log_partition(scores, mask, *weights)), log_z, **tolerances(name))
    np.testing.assert_allclose(array(crf.path_score(scores, labels, mask, *weights)), gold, **tolerances(name))
    np.testing.assert_allclose(
        array(crf.log_likelihood(scores, labels, mask, *weights)), gold - log_z, **tolerances(name)
    )


@pytest.mark.parametrize("name", CASES)
def test_marginals_equal_enumeration(name):
    scores, _, mask, *weights = case(name)
    found = array(crf.marginals(scores, mask, *weights))
    np.testing.assert_allclose(found, [row.marginals for row in expected(name)[0]], rtol=2e-3, atol=1e-5)
    np.testing.assert_allclose(found.sum(-1), mask, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_viterbi_equals_enumeration(name):
    scores, _, mask, *weights = case(name)
    labels, best = crf.viterbi(scores, mask, *weights)
    rows, _ = expected(name)
    assert keras.backend.standardize_dtype(labels.dtype) == "int32"
    np.testing.assert_array_equal(array(labels), [row.best for row in rows])
    np.testing.assert_allclose(array(best), [row.best_score for row in rows], **tolerances(name))


@pytest.mark.parametrize("jit", [False, True], ids=["graph", "jit"])
@pytest.mark.parametrize("name", CASES)
def test_gradients_equal_enumeration(name, jit):
    scores, _, mask, *weights = case(name)
    rows, _ = expected(name)
    factors = np.linspace(-1, 2, len(scores)).astype("float32")  # rows weigh differently, one below zero

    def function(scores, *weights):
        return ops.sum(crf.log_partition(scores, mask, *weights) * ops.convert_to_tensor(factors))

    _, found = gradients(function, [scores, *weights], jit=jit)
    wanted = [
        np.array([f * row.marginals for f, row in zip(factors, rows, strict=True)]),
        sum(f * row.moves for f, row in zip(factors, rows, strict=True)),
        sum(f * row.first for f, row in zip(factors, rows, strict=True)),
        sum(f * row.final for f, row in zip(factors, rows, strict=True)),
    ]
    for one, other in zip(found, wanted, strict=True):
        # Transitions of 1e4 keep three decimals in float32, and so do their exponentials.
        np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-3 if name == "great_transitions" else 2e-5)
    assert not found[0][~mask].any()  # exactly


@pytest.mark.parametrize("forbidden", [None, -1e4])
def test_gradients_equal_finite_differences_in_float64(forbidden):
    if keras.backend.backend() == "jax":
        pytest.skip("float64 on JAX is a switch of the whole process; enumeration covers the gradients there")
    scores, labels, mask, *weights = case("plain", seed=3)
    if forbidden is not None:
        weights[0][0, 1] = forbidden
    arrays = [a.astype("float64") for a in (scores, *weights)]
    rng = np.random.default_rng(0)

    def function(s, *w):
        return ops.sum(crf.log_likelihood(s, labels, mask, *w))

    _, found = gradients(function, arrays)
    for _ in range(5):
        way = [rng.normal(size=a.shape) for a in arrays]
        up, down = (
            float(
                function(
                    *[ops.convert_to_tensor(a + sign * 1e-5 * w, "float64") for a, w in zip(arrays, way, strict=True)]
                )
            )
            for sign in (1, -1)
        )
        slope = sum((g * w).sum() for g, w in zip(found, way, strict=True))
        np.testing.assert_allclose((up - down) / 2e-5, slope, rtol=1e-6, atol=1e-7)


def test_gradient_of_the_likelihood_equals_autodiff_through_enumeration():
    scores, labels, mask, *weights = case("plain", seed=5)
    rows, _ = expected("plain", seed=5)

    def function(s, *w):
        return ops.sum(crf.log_likelihood(s, labels, mask, *w))

    _, found = gradients(function, [scores, *weights])
    gold = (labels[..., None] == np.arange(3)) - np.array([row.marginals for row in rows])
    np.testing.assert_allclose(found[0], gold, atol=2e-6)
    moves = -sum(row.moves for row in rows)
    for y, m in zip(labels, mask, strict=True):
        np.add.at(moves, (y[m][:-1], y[m][1:]), 1)
    np.testing.assert_allclose(found[1], moves, atol=1e-5)


def test_marginals_are_differentiable():
    scores, _, mask, *weights = case("plain", seed=2)
    pick = np.random.default_rng(1).normal(size=scores.shape).astype("float32")

    def function(s, *w):
        return ops.sum(crf.marginals(s, mask, *w) * ops.convert_to_tensor(pick))

    _, (found, *_) = gradients(function, [scores, *weights])
    shift = np.random.default_rng(2).normal(size=scores.shape)
    rows = [enumerate_batch(scores + sign * 1e-4 * shift, mask, *weights) for sign in (1, -1)]
    up, down = ((np.array([row.marginals for row in part]) * pick).sum() for part in rows)
    np.testing.assert_allclose((found * shift).sum(), (up - down) / 2e-4, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("size", [4, 8, 30])
def test_gradients_of_marginals_are_finite_whichever_way_they_are_computed(size):
    # Both ways are in the graph: what is thrown away must not spoil the gradient of what is kept.
    rng = np.random.default_rng(3)
    scores, transitions = rng.normal(size=(2, 60, 20)) * size, rng.normal(size=(20, 20)) * size
    arrays = [a.astype("float32") for a in (scores, transitions, *rng.normal(size=(2, 20)))]
    mask = np.ones((2, 60), bool)
    _, found = gradients(lambda s, *w: ops.sum(crf.marginals(s, mask, *w)[..., 0]), arrays, jit="jax")
    assert all(np.isfinite(part).all() for part in found)


@pytest.mark.parametrize("name", ["plain", "forbidden"])
def test_nothing_at_masked_positions_matters(name):
    scores, labels, mask, *weights = case(name)
    spoilt = np.where(mask[..., None], scores, np.float32("nan"))

    def function(s, *w):
        return ops.sum(crf.log_likelihood(s, labels, mask, *w))

    value, found = gradients(function, [scores, *weights])
    same, again = gradients(function, [spoilt, *weights])
    np.testing.assert_array_equal(value, same)
    for one, other in zip(found, again, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(
        array(crf.viterbi(scores, mask, *weights)[0]), array(crf.viterbi(spoilt, mask, *weights)[0])
    )


def test_rows_without_tokens_give_exactly_nothing():
    scores, labels, mask, *weights = case("plain")
    mask, labels = np.zeros_like(mask), np.full_like(labels, -1)
    value, found = gradients(
        lambda s, *w: ops.sum(crf.log_likelihood(s, labels, mask, *w)), [scores + np.float32("inf"), *weights]
    )
    assert value == 0
    assert not any(g.any() for g in found)
    assert not array(crf.marginals(scores, mask, *weights)).any()
    assert (array(crf.viterbi(scores, mask, *weights)[0]) == -1).all()


def test_long_chains_of_great_scores_keep_their_precision():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(2, 3000, 5)) * 3 + rng.normal(size=(2, 3000, 1)) * 1e4
    weights = [np.zeros((5, 5)), np.zeros(5), np.zeros(5)]
    mask = np.ones((2, 3000), bool)
    labels = np.argmax(scores, -1)
    wanted = (scores - np.log(np.exp(scores - scores.max(-1, keepdims=True)).sum(-1, keepdims=True))).max(-1)
    wanted = (wanted - scores.max(-1)).sum(-1)  # without transitions the chain falls into single tokens
    inputs = [a.astype("float32") for a in (scores, *weights)]
    found = array(crf.log_likelihood(inputs[0], labels, mask, *inputs[1:]))
    np.testing.assert_allclose(found, wanted, rtol=1e-3)  # float32 scores near 1e4 themselves keep only 1e-3
    shares = array(crf.marginals(inputs[0], mask, *inputs[1:]))
    exact = np.exp(inputs[0] - inputs[0].max(-1, keepdims=True))
    np.testing.assert_allclose(shares, exact / exact.sum(-1, keepdims=True), rtol=1e-4, atol=1e-6)


def test_half_precision_scores_are_computed_in_float32():
    scores, labels, mask, *weights = case("plain")
    half = ops.cast(scores, "bfloat16")
    found = crf.log_likelihood(half, labels, mask, *weights)
    wanted = crf.log_likelihood(ops.cast(half, "float32"), labels, mask, *weights)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    np.testing.assert_array_equal(array(found), array(wanted))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="unknown time is TensorFlow's alone")
@pytest.mark.parametrize("jit", [False, True], ids=["graph", "jit"])
def test_unknown_batch_and_time(jit):
    import tensorflow as tf

    def signature(tags):
        spec = tf.TensorSpec
        return [spec([None, None, tags]), spec([None, None], tf.int64), spec([None, None], tf.bool)]

    @tf.function(input_signature=signature(3), jit_compile=jit)
    def run(scores, labels, mask):
        with tf.GradientTape() as tape:
            tape.watch(scores)
            value = crf.log_likelihood(scores, labels, mask, *weights)
        return value, tape.gradient(value, scores), crf.viterbi(scores, mask, *weights)[0]

    scores, labels, mask, *weights = case("plain")
    rows, gold = expected("plain")
    value, slope, best = run(scores, labels, mask)
    np.testing.assert_allclose(value, gold - [row.log_z for row in rows], atol=1e-5)
    np.testing.assert_array_equal(best, [row.best for row in rows])
    assert slope.shape == scores.shape
    assert run(scores[:, :1], labels[:, :1], mask[:, :1])[0].shape == (5,)


# Name: (time, tags), greatest absolute score, relative error of log Z, error of a marginal.
BOUNDS = {
    "hundred": ((60, 9), 100, 1e-5, 2e-3),
    "many_tags": ((12, 200), 10, 1e-5, 2e-3),
    "ten_thousand": ((60, 9), 1e4, 1e-5, 2e-2),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_errors_stay_within_bounds_against_float64(name):
    (time, tags), size, relative, absolute = BOUNDS[name]
    check_bounds(time, tags, size, relative, absolute)


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 100])
def test_errors_stay_within_bounds_on_long_sentences(size):
    check_bounds(5000, 9, size, 1e-5, 2e-3)


def check_bounds(time, tags, size, relative, absolute):
    rng = np.random.default_rng(0)
    arrays = [rng.uniform(-size, size, shape) for shape in ((time, tags), (tags, tags), tags, tags)]
    scores, *weights = [a.astype("float32") for a in arrays]
    log_z, shares = forward_backward(scores, *weights)
    mask = np.ones((1, time), bool)

    def function(s, *w):
        return ops.sum(crf.log_partition(s, mask, *w))

    value, found = gradients(function, [scores[None], *weights], jit="jax")
    np.testing.assert_allclose(value, log_z, rtol=relative)
    np.testing.assert_allclose(found[0][0], shares, atol=absolute)
    np.testing.assert_allclose(found[1].sum(), time - 1, rtol=1e-3)
    np.testing.assert_allclose(found[2:], [shares[0], shares[-1]], atol=absolute)


@pytest.mark.parametrize("size", [1, 15])
def test_steep_rules_of_a_scheme_are_exact_and_take_the_products(size):
    """Rules as in IOB2: tags 2, 4, ... follow themselves and the tag before them alone."""
    rng = np.random.default_rng(1)
    tags, time = 7, 40
    scores, transitions = rng.uniform(-size, size, (time, tags)), rng.uniform(-3, 3, (tags, tags))
    start, end = np.zeros((2, tags))
    for inside in range(2, tags, 2):
        start[inside] = -1e4
        transitions[[i for i in range(tags) if i not in (inside - 1, inside)], inside] = -1e4
    arrays = [a.astype("float32") for a in (scores, transitions, start, end)]
    log_z, shares = forward_backward(*arrays)
    mask = np.ones((1, time), bool)
    value, found = gradients(
        lambda s, *w: ops.sum(crf.log_partition(s, mask, *w)), [arrays[0][None], *arrays[1:]], jit="jax"
    )
    np.testing.assert_allclose(value, log_z, rtol=1e-5)
    np.testing.assert_allclose(found[0][0], shares, atol=1e-5)
    assert not found[1][transitions == -1e4].any() and not found[2][start == -1e4].any()  # exactly
    kept = crf._partition_forward(*[ops.convert_to_tensor(a) for a in (arrays[0][None], mask, *arrays[1:])])[1]
    assert bool(kept.exact)
