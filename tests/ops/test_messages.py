from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from seqlab.constants import FORBIDDEN
from seqlab.ops.chain import compact, log_sum_exp
from seqlab.ops.messages import LOST, Outlook, both_sweeps, outlook, pair_sums, sweep
from tests.oracles.crf import forward_backward


def array(tensor):
    return ops.convert_to_numpy(tensor)


def always(answer):
    flag = ops.convert_to_tensor(answer)
    return Outlook(flag, flag)


def weights(factor):
    """A chain of three rows, and scores whose greatest values are 0."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(6, 3, 4)) * factor
    chain = compact(np.arange(6) < np.array([6, 4, 5])[:, None])
    x = np.where(array(chain.mask)[..., None], x - x.max(-1, keepdims=True), 0)
    transitions, first = rng.normal(size=(4, 4)) * factor, rng.normal(size=4)
    tensors = (x, transitions - transitions.max(), first - first.max(), rng.normal(size=3))
    return chain, [ops.convert_to_tensor(a.astype("float32")) for a in tensors]


@pytest.mark.parametrize("factor", [1, 3])
@pytest.mark.parametrize("reverse", [False, True])
def test_products_and_logarithms_agree_where_products_are_exact(factor, reverse):
    chain, (x, transitions, first, rows) = weights(factor)
    assert bool(outlook(x, transitions, first).certain)
    results = []
    for answer in (True, False):
        messages, shifts = sweep(x, chain.mask, transitions, first, always(answer), reverse)
        alphas = messages + x - shifts
        futures = x - log_sum_exp(x + messages, axis=-1, keepdims=True)
        sums = pair_sums(alphas, futures, rows, chain.pairs, transitions)
        held = array(chain.mask)[..., None]
        results.append([np.where(held, messages, 0), np.where(held, shifts, 0), array(sums)])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=3e-5, atol=3e-5)


@pytest.mark.parametrize("part", range(3))
def test_outlook_tells_what_is_unlikely_from_what_is_forbidden(part):
    _, tensors = weights(1)
    tensors = tensors[:3]
    plain = array(tensors[part])
    for value, certain, promising in [(0, True, True), (-58, False, True), (-300, False, False)]:
        spoilt = plain.copy()
        spoilt.flat[0] = value
        found = outlook(*tensors[:part], ops.convert_to_tensor(spoilt), *tensors[part + 1 :])
        assert (bool(found.certain), bool(found.promising)) == (certain, promising)
    spoilt.flat[0] = FORBIDDEN
    found = outlook(*tensors[:part], ops.convert_to_tensor(spoilt), *tensors[part + 1 :])
    assert (bool(found.certain), bool(found.promising)) == (False, True)
    tensors[part] = tensors[part] * float("nan")
    found = outlook(*tensors)
    assert (bool(found.certain), bool(found.promising)) == (False, False)


def chain_of(time, steady=0.0):
    """Two tags that never change, only the first of which starts; the other would win `steady` at each token."""
    x = np.zeros((time, 1, 2), "float32")
    x[..., 0] = -steady
    rules = np.where(np.eye(2), 0, FORBIDDEN).astype("float32")
    first = np.array([0, FORBIDDEN], "float32")
    return [ops.convert_to_tensor(a) for a in (x, rules, first)], compact(np.ones((1, time), bool))


@pytest.mark.parametrize(("steady", "exact"), [(10.0, True), (100.0, False)])
def test_products_are_refused_once_a_forbidden_path_may_win_back_its_cost(steady, exact):
    (x, transitions, first), chain = chain_of(100, steady)
    prospect = Outlook(ops.convert_to_tensor(False), ops.convert_to_tensor(True))
    messages, shifts = sweep(x, chain.mask, transitions, first, prospect)
    # With 100 at each of 100 tokens, starting where it is forbidden costs no more than it brings.
    log_z, _ = forward_backward(array(x)[:, 0], array(transitions), array(first), np.zeros(2))
    total = float(np.sum(array(shifts))) + float(log_sum_exp((messages + x - shifts)[-1, 0], axis=-1))
    np.testing.assert_allclose(total, log_z, rtol=1e-5)
    assert (array(messages)[0, 0, 1] == LOST) == exact


@pytest.mark.parametrize("drop", [50, 75, 95])
def test_unlikely_tags_that_win_later_are_not_lost(drop):
    # The first tag loses `drop` at the first token and gains it twice later: products may underflow in between.
    scores = np.zeros((1, 4, 2), "float32")
    scores[0, 0, 0] = -drop
    scores[0, 3, 0] = 2 * drop
    rules = np.where(np.eye(2), 0, FORBIDDEN).astype("float32")
    found = both_sweeps(
        *[ops.convert_to_tensor(a) for a in (scores, np.ones((1, 4), bool), rules, *np.zeros((2, 2), "float32"))]
    )
    joint = array(found.messages + found.x + found.returns)[:, 0].astype("float64")
    shares = np.exp(joint - np.logaddexp.reduce(joint, axis=-1, keepdims=True))
    _, wanted = forward_backward(scores[0], rules, np.zeros(2), np.zeros(2))
    np.testing.assert_allclose(shares, wanted, rtol=1e-4, atol=1e-12)
