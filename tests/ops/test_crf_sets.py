from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.constants import FORBIDDEN
from seqlab.ops import crf
from seqlab.ops.crf_sets import Rules, constrained, set_log_probability, window_log_probability
from tests.ops.gradients import compiled, gradients
from tests.oracles.crf import all_paths, enumerate_batch, keeps

BATCH, TIME, TAGS = 5, 5, 4
# IOB2 with two types would need five tags; O, B, I and a tag that only B may precede and that ends no sentence.
RULES = Rules(
    transitions=np.array([[1, 1, 0, 0], [1, 1, 1, 1], [1, 1, 1, 0], [1, 0, 0, 1]], bool),
    start=np.array([1, 1, 0, 0], bool),
    end=np.array([1, 1, 1, 0], bool),
)

LOG_Z, MARGINALS, VITERBI = (compiled(f) for f in (crf.log_partition, crf.marginals, crf.viterbi))
SETS, WINDOWS = compiled(set_log_probability), compiled(window_log_probability)


def array(tensor):
    return ops.convert_to_numpy(tensor)


def case(seed=0, size=1.0):
    rng = np.random.default_rng(seed)
    scores = (rng.normal(size=(BATCH, TIME, TAGS)) * size).astype("float32")
    mask = rng.random((BATCH, TIME)) < 0.7  # holes
    mask[0], mask[-1] = True, False
    weights = [rng.normal(size=shape).astype("float32") for shape in ((TAGS, TAGS), TAGS, TAGS)]
    return scores, mask, weights


def under_rules(scores, mask, weights):
    """Log Z, marginals and best path over allowed paths alone, by enumeration."""
    results = []
    for s, m in zip(scores, mask, strict=True):
        paths = all_paths(s, m, *weights)
        kept = np.array([keeps(y, m, *RULES) for y in paths.labels])
        labels, totals = paths.labels[kept], paths.scores[kept]
        log_z = np.logaddexp.reduce(totals)
        hits = labels[..., None] == np.arange(TAGS)
        shares = (hits * np.exp(totals - log_z)[:, None, None]).sum(0)
        results.append((log_z if m.any() else 0.0, shares, labels[totals.argmax()]))
    return [np.array(part) for part in zip(*results, strict=True)]


@pytest.mark.parametrize("size", [1, 30, 1e3], ids=["plain", "steep", "great"])
def test_constraints_equal_enumeration_of_allowed_paths(size):
    scores, mask, weights = case(size=size)
    log_z, shares, best = under_rules(scores, mask, weights)
    limited = constrained(*weights, RULES)
    np.testing.assert_allclose(array(LOG_Z(scores, mask, *limited)), log_z, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(array(VITERBI(scores, mask, *limited)[0]), best)
    found = array(MARGINALS(scores, mask, *limited))
    np.testing.assert_allclose(found, shares, rtol=2e-3, atol=1e-6)
    assert (found[shares == 0] < 1e-7).all()
    # The row without holes, whose tags 2 and 3 cannot start and whose tag 3 cannot end.
    assert not found[0, 0, 2:].any() and not found[0, -1, 3].any()


def test_forbidden_scores_get_no_gradient_and_allowed_ones_the_right_one():
    scores, mask, weights = case(seed=1)

    def function(s, *w):
        return ops.sum(crf.log_partition(s, mask, *constrained(*w, RULES)))

    _, found = gradients(function, [scores, *weights], jit="jax")
    rows = enumerate_batch(scores, mask, *[array(w) for w in constrained(*weights, RULES)])
    np.testing.assert_allclose(found[1], sum(row.moves for row in rows), atol=1e-5)
    np.testing.assert_allclose(found[2], sum(row.first for row in rows), atol=1e-5)
    np.testing.assert_allclose(found[3], sum(row.final for row in rows), atol=1e-5)
    for part, rule in zip(found[1:], RULES, strict=True):
        assert not part[~rule].any()


def test_a_sentence_that_no_path_fits_is_finite_and_breaks_fewest_rules():
    scores, _, weights = case(seed=2)
    mask = np.zeros((BATCH, TIME), bool)
    mask[0, :2] = mask[1, 2] = True  # the rules below leave no path of two tokens
    never = Rules(np.zeros((TAGS, TAGS), bool), RULES.start, RULES.end)
    limited = [array(part) for part in constrained(*weights, never)]
    rows = enumerate_batch(scores, mask, *limited)
    log_z = array(LOG_Z(scores, mask, *limited))
    np.testing.assert_allclose(log_z, [row.log_z for row in rows], rtol=1e-6, atol=1e-5)
    assert FORBIDDEN - 20 < log_z[0] < FORBIDDEN + 20 and log_z[1] > -20
    found = array(MARGINALS(scores, mask, *limited))
    np.testing.assert_allclose(found, [row.marginals for row in rows], rtol=5e-3, atol=1e-5)


def sets(seed=3):
    allowed = np.random.default_rng(seed).random((BATCH, TIME, TAGS)) < 0.5
    allowed[..., 1] |= ~allowed.any(-1)
    return allowed


def share_of(allowed, scores, mask, weights):
    found = []
    for s, m, a in zip(scores, mask, allowed, strict=True):
        paths = all_paths(s, m, *weights)
        where = np.flatnonzero(m)
        fits = np.array([a[where, y[where]].all() for y in paths.labels])
        found.append(np.log(paths.shares[fits].sum()))
    return np.array(found)


@pytest.mark.parametrize("rules", [False, True])
def test_sets_equal_enumeration(rules):
    scores, mask, weights = case(seed=4)
    allowed = sets()
    allowed[:, :, 0] = True  # O everywhere: always a path that the rules allow
    if rules:
        weights = [array(part) for part in constrained(*weights, RULES)]
    found = array(SETS(scores, allowed, mask, *weights))
    np.testing.assert_allclose(found, share_of(allowed, scores, mask, weights), rtol=1e-5, atol=1e-5)
    assert found[-1] == 0  # no token


def test_all_tags_one_tag_and_none():
    scores, mask, weights = case(seed=5)
    labels = np.random.default_rng(0).integers(0, TAGS, mask.shape)
    every, one = np.ones((BATCH, TIME, TAGS), bool), labels[..., None] == np.arange(TAGS)
    assert not array(SETS(scores, every, mask, *weights)).any()
    wanted = array(crf.log_likelihood(scores, labels, mask, *weights))
    np.testing.assert_allclose(array(SETS(scores, one, mask, *weights)), wanted, atol=1e-5)


def test_gradient_of_sets_is_the_difference_of_marginals():
    scores, mask, weights = case(seed=6)
    allowed = sets(7)
    allowed[0, 2] = False  # an empty set lets all tags pass, so it says nothing of this token

    def function(s, *w):
        return ops.sum(set_log_probability(s, allowed, mask, *w))

    _, (found, *_) = gradients(function, [scores, *weights], jit="jax")
    allowed[0, 2] = True
    held = array(MARGINALS(scores + np.where(allowed, 0, FORBIDDEN).astype("float32"), mask, *weights))
    wanted = held - array(MARGINALS(scores, mask, *weights))
    np.testing.assert_allclose(found[1:], wanted[1:], atol=1e-5)
    np.testing.assert_allclose(found[0], wanted[0], atol=2e-3)  # numbers of 1e4 keep three decimals


def test_an_empty_set_costs_what_is_forbidden():
    scores, mask, weights = case(seed=5)
    hollow = np.ones((BATCH, TIME, TAGS), bool)
    hollow[0, 2] = False
    found = array(SETS(scores, hollow, mask, *weights))
    np.testing.assert_allclose(found, [FORBIDDEN, 0, 0, 0, 0], rtol=1e-6)


@pytest.mark.parametrize("rules", [False, True])
def test_windows_equal_sets_of_the_whole_sentence(rules):
    scores, mask, weights = case(seed=8)
    if rules:
        weights = [array(part) for part in constrained(*weights, RULES)]
    places = np.argwhere(mask)
    allowed = np.random.default_rng(9).random((len(places), 3, TAGS)) < 0.6
    allowed[..., 0] = True
    allowed[0, 1] = False  # no path keeps an empty set
    found = array(WINDOWS(scores, mask, *weights, places[:, 0], places[:, 1], allowed))
    whole = np.ones((len(places), TIME, TAGS), bool)
    for sets_, (row, begin), window in zip(whole, places, allowed, strict=True):
        tokens = [t for t in np.flatnonzero(mask[row]) if t >= begin][:3]
        sets_[tokens] = window[: len(tokens)]
    wanted = array(SETS(scores[places[:, 0]], whole, mask[places[:, 0]], *weights))
    np.testing.assert_allclose(found, np.maximum(wanted, FORBIDDEN), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found[0], FORBIDDEN, rtol=1e-3)


def test_windows_of_one_token_are_marginals_and_have_a_gradient():
    scores, mask, weights = case(seed=10)
    one = np.eye(TAGS, dtype=bool)[:, None]  # four windows at the first token of row 0

    def function(s):
        return ops.sum(ops.exp(window_log_probability(s, mask, *weights, [0] * TAGS, [0] * TAGS, one)[:2]))

    value, (slope,) = gradients(function, [scores], jit="jax")
    np.testing.assert_allclose(value, array(MARGINALS(scores, mask, *weights))[0, 0, :2].sum(), rtol=1e-5)
    shift = np.random.default_rng(0).normal(size=scores.shape)
    rows = [enumerate_batch(scores + sign * 1e-4 * shift, mask, *weights)[0] for sign in (1, -1)]
    up, down = (row.marginals[0, :2].sum() for row in rows)
    np.testing.assert_allclose((slope * shift).sum(), (up - down) / 2e-4, rtol=1e-3)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="unknown time is TensorFlow's alone")
def test_unknown_sizes():
    import tensorflow as tf

    scores, mask, weights = case(seed=4)

    @tf.function(input_signature=[tf.TensorSpec([None, None, TAGS]), tf.TensorSpec([None, None], tf.bool)])
    def run(scores, mask):
        allowed = tf.broadcast_to(tf.constant([True, True, False, True]), tf.shape(scores))
        begins = tf.zeros_like(mask[:, 0], tf.int32)
        window = window_log_probability(scores, mask, *weights, tf.range(tf.shape(scores)[0]), begins, allowed)
        return set_log_probability(scores, allowed, mask, *weights), window

    one, other = run(scores, mask)
    np.testing.assert_allclose(one[0], other[0], atol=1e-5)  # row 0 has no hole
    assert run(scores[:, :1], mask[:, :1])[0].shape == (BATCH,)


def test_what_all_tags_of_a_token_gain_changes_nothing():
    scores, mask, weights = case(seed=8)
    scores = np.round(scores * 64) / 64  # which float32 can hold beside 1e5
    allowed = sets(9)
    plain = array(SETS(scores.astype("float32"), allowed, mask, *weights))
    np.testing.assert_allclose(
        array(SETS((scores + 1e5).astype("float32"), allowed, mask, *weights)), plain, rtol=1e-5, atol=1e-5
    )
