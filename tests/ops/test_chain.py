from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from seqlab.ops.chain import (
    compact,
    from_chain,
    last_values,
    log_sum_exp,
    pair_sums,
    products_are_exact,
    sweep,
    to_chain,
)

RNG = np.random.default_rng(0)
MASK = np.array([[1, 0, 1, 1], [0, 0, 0, 0], [0, 1, 0, 0], [1, 1, 1, 1]], bool)


def array(tensor):
    return ops.convert_to_numpy(tensor)


def test_compact_drops_holes_and_comes_back():
    scores = RNG.normal(size=(4, 4, 2)).astype("float32")
    chain = compact(MASK)
    packed = array(to_chain(scores, chain))
    assert array(chain.lengths).tolist() == [3, 0, 1, 4]
    for row, mask in enumerate(MASK):
        np.testing.assert_array_equal(packed[: mask.sum(), row], scores[row, mask])
        assert not packed[mask.sum() :, row].any()
    np.testing.assert_array_equal(array(from_chain(packed, chain)), np.where(MASK[..., None], scores, 0))
    np.testing.assert_array_equal(array(last_values(packed, chain))[[0, 2, 3]], scores[[0, 2, 3], [3, 1, 3]])
    assert array(chain.last).sum(0).tolist() == [1, 0, 1, 1]
    assert array(chain.pairs).sum(0).tolist() == [2, 0, 0, 3]


@pytest.mark.parametrize("shift", [0, 1e4, -1e4])
def test_log_sum_exp(shift):
    x = RNG.normal(size=(3, 4))
    wanted = np.log(np.exp(x).sum(0)) + shift
    found = log_sum_exp(ops.convert_to_tensor((x + shift).astype("float32")), axis=0)
    np.testing.assert_allclose(array(found), wanted, rtol=1e-6, atol=2e-3 if shift else 1e-6)


def weights(factor):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(6, 3, 4)) * factor
    chain = compact(np.arange(6) < np.array([6, 4, 5])[:, None])
    tensors = (x, rng.normal(size=(4, 4)) * factor, rng.normal(size=4), rng.normal(size=3))
    return chain, [ops.convert_to_tensor(a.astype("float32")) for a in tensors]


@pytest.mark.parametrize("factor", [1, 3])
@pytest.mark.parametrize("reverse", [False, True])
def test_products_and_logarithms_agree_where_products_are_exact(factor, reverse):
    chain, (x, transitions, first, rows) = weights(factor)
    assert bool(products_are_exact(x, transitions, first))
    results = []
    for products in (True, False):
        flag = ops.convert_to_tensor(products)
        messages, shifts = sweep(x, chain.mask, transitions, first, flag, reverse)
        alphas = messages + x - shifts
        futures = x - log_sum_exp(x + messages, axis=-1, keepdims=True)
        sums = pair_sums(alphas, futures, rows, chain.pairs, transitions, flag)
        results.append([array(part) for part in (messages, shifts, sums)])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=3e-5, atol=3e-5)


@pytest.mark.parametrize("part", range(3))
def test_products_are_refused_where_they_would_lose_something(part):
    _, tensors = weights(1)
    tensors = tensors[:3]
    assert bool(products_are_exact(*tensors))
    spoilt = array(tensors[part]).copy()
    spoilt.flat[0] = -100
    tensors[part] = ops.convert_to_tensor(spoilt)
    assert not bool(products_are_exact(*tensors))
    tensors[part] = tensors[part] * float("nan")
    assert not bool(products_are_exact(*tensors))
