"""The fast recursions against float64 sums over all paths' parts, and what they say of their own exactness."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from seqlab.constants import FORBIDDEN
from seqlab.ops.chain import compact
from seqlab.ops.lattice import TURN, passed
from tests.oracles.crf import enumerate_batch

LENGTHS = np.array([6, 0, 3, 5, 1])


def array(tensor):
    return ops.convert_to_numpy(tensor)


def given(steep=1.0, size=1.0, seed=0):
    """Scores (batch, time, tags), mask and weights, each with a greatest value of 0."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(5, 6, 3)) * size
    weights = [rng.normal(size=shape) * steep for shape in ((3, 3), 3, 3)]
    mask = np.arange(6) < LENGTHS[:, None]
    parts = [scores - scores.max(-1, keepdims=True), *[part - part.max() for part in weights]]
    scores, *weights = [part.astype("float32") for part in parts]
    return np.where(mask[..., None], scores, 0), mask, weights


def found(scores, mask, weights):
    chain = compact(mask, multiple=TURN)
    x = np.zeros((array(chain.mask).shape[0], *scores.shape[::2]), "float32")
    x[: scores.shape[1]] = np.swapaxes(scores, 0, 1)
    return passed(ops.convert_to_tensor(x), chain, *[ops.convert_to_tensor(w) for w in weights]), array(chain.mask)


def moves(result, row):
    """Expected numbers of moves of one row, those to `after` included."""
    left, right = (array(part)[:, row] for part in (result.alphas, result.futures))
    return array(result.factors) * (left[:-1].T @ right[1:])


@pytest.mark.parametrize(
    ("steep", "size", "forbidden"), [(1, 1, None), (3, 1, None), (1, 6, None), (1, 1, "move"), (3, 1, "token")]
)
def test_equal_to_enumeration(steep, size, forbidden):
    scores, mask, weights = given(steep, size)
    if forbidden == "move":
        weights[0][0, 1] = weights[0][2] = weights[1][1] = FORBIDDEN
    if forbidden == "token":
        scores[0, 2, :2] = FORBIDDEN
    result, steps = found(scores, mask, weights)
    assert bool(result.exact)
    rows = enumerate_batch(scores, mask, *weights)
    np.testing.assert_allclose(array(result.total), [row.log_z for row in rows], rtol=2e-6, atol=2e-6)
    assert steps.shape[0] % TURN == 0 and not steps[-1].any()
    for number, row in enumerate(rows):
        shares = array(result.shares)[:, number]
        np.testing.assert_allclose(shares[:6], row.marginals, rtol=1e-4, atol=1e-7)
        assert not shares[6:].any()
        pairs = moves(result, number)
        np.testing.assert_allclose(pairs[:3, :3], row.moves, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(pairs[:3, 3], row.final, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(array(result.alphas).max(-1), 1, rtol=1e-6)


def spoilt(part, value):
    """Inputs with one number changed."""
    scores, mask, weights = given()
    changed = {"x": scores[0, 2], "transitions": weights[0][1], "start": weights[1], "end": weights[2]}[part]
    changed[1] = value
    return scores, mask, weights


@pytest.mark.parametrize("part", ["x", "transitions", "start", "end"])
@pytest.mark.parametrize("value", [-81.0, -300.0, float("nan")])
def test_what_a_product_would_lose_is_told(part, value):
    assert not bool(found(*spoilt(part, value))[0].exact)


@pytest.mark.parametrize("part", ["x", "transitions", "start", "end"])
@pytest.mark.parametrize("value", [-25.0, FORBIDDEN])
def test_what_is_unlikely_or_forbidden_is_no_loss(part, value):
    scores, mask, weights = spoilt(part, value)
    result, _ = found(scores, mask, weights)
    assert bool(result.exact)
    wanted = [row.log_z for row in enumerate_batch(scores, mask, *weights)]
    np.testing.assert_allclose(array(result.total), wanted, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("part", ["x", "transitions", "start", "end"])
def test_rows_that_no_allowed_path_fits_are_told(part):
    scores, mask, weights = given()
    {"x": scores[0, 2], "transitions": weights[0], "start": weights[1], "end": weights[2]}[part][:] = FORBIDDEN
    assert not bool(found(scores, mask, weights)[0].exact)


@pytest.mark.parametrize(("time", "steady", "exact"), [(100, 10, True), (700, 10, True), (900, 10, False)])
def test_products_are_refused_once_a_forbidden_path_may_win_back_its_cost(time, steady, exact):
    """Two tags that never change; the first alone may start and end, and the other would win `steady` at each token."""
    scores = np.zeros((1, time, 2), "float32")
    scores[..., 0] = -steady
    rules = np.where(np.eye(2), 0, FORBIDDEN).astype("float32")
    edge = np.array([0, FORBIDDEN], "float32")
    result, _ = found(scores, np.ones((1, time), bool), [rules, edge, edge])
    assert bool(result.exact) == exact
    if exact:
        np.testing.assert_allclose(array(result.total), [-steady * time], rtol=1e-6)


@pytest.mark.parametrize(("drop", "exact"), [(8, True), (10, True), (15, False), (25, False)])
def test_what_falls_too_far_between_two_corrections_is_told(drop, exact):
    """Tags that must change at each token, while the scores favour staying with the first."""
    scores = np.zeros((1, 12, 2), "float32")
    weights = [np.array([[-drop, -drop], [0, -drop]], "float32"), np.zeros(2, "float32"), np.zeros(2, "float32")]
    scores[..., 1] = -drop
    result, _ = found(scores, np.ones((1, 12), bool), weights)
    assert bool(result.exact) == exact
    if exact:
        (row,) = enumerate_batch(scores, np.ones((1, 12), bool), *weights)
        np.testing.assert_allclose(array(result.total), [row.log_z], rtol=1e-5)
        np.testing.assert_allclose(array(result.shares)[:12, 0], row.marginals, rtol=1e-3, atol=1e-7)
