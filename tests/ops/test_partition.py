"""Both ways to the gradients of log Z give what enumeration gives; which way was taken is known."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from seqlab.constants import FORBIDDEN
from seqlab.ops.crf import log_partition, marginals
from seqlab.ops.partition import levelled_chain, recursions, slopes
from tests.oracles.crf import enumerate_batch, forward_backward

MASK = np.array([[1, 1, 1, 1, 1], [0, 1, 0, 1, 1], [0, 0, 0, 0, 0]], bool)


def array(tensor):
    return ops.convert_to_numpy(tensor)


@pytest.mark.parametrize(("steep", "exact"), [(1, True), (60, False), (300, False)])
def test_either_way_is_exact(steep, exact):
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(3, 5, 3)).astype("float32")
    weights = [(rng.normal(size=shape) * steep).astype("float32") for shape in ((3, 3), 3, 3)]
    chain, x, peaks, parts = levelled_chain(ops.convert_to_tensor(scores), ops.convert_to_tensor(MASK), *weights)
    kept = recursions(chain, x, *[part for part, _ in parts])
    assert bool(kept.exact) == exact
    rows = enumerate_batch(scores, MASK, *weights)
    move, first, final = (float(top) for _, top in parts)
    lost = array(peaks).sum(0) + (MASK.sum(1) - 1) * move + first + final
    total = np.where(MASK.any(1), array(kept.found.total) + lost, 0)
    np.testing.assert_allclose(total, [row.log_z for row in rows], rtol=1e-5)
    factors = np.array([1.0, -2.0, 3.0], "float32")
    inputs, *found = slopes(kept, ops.convert_to_tensor(factors))
    np.testing.assert_allclose(
        array(inputs), [f * row.marginals for f, row in zip(factors, rows, strict=True)], rtol=1e-3, atol=1e-5
    )
    assert not array(inputs)[~MASK].any()
    for one, name in zip(found, ("moves", "first", "final"), strict=True):
        wanted = sum(f * getattr(row, name) for f, row in zip(factors, rows, strict=True))
        np.testing.assert_allclose(array(one), wanted, rtol=1e-3, atol=1e-4)


def apart(fall):
    """Two tags that never change into each other; one wins the first half, the other the second, by `fall` each."""
    x = np.zeros((16, 2))
    x[:8, 1] = x[8:, 0] = -fall / 8
    return x, np.where(np.eye(2) > 0, 0, FORBIDDEN), np.zeros(2), np.zeros(2)


def late(last):
    """Three tags that never change: the third is far behind when the first two lose everything at the last token."""
    x = np.array([[0, 0, -44], [-24, 0, -47], [last, last, 0]])
    return x, np.where(np.eye(3) > 0, 0, FORBIDDEN), np.array([0, FORBIDDEN, 0]), np.zeros(3)


CASES = [*[("apart", fall) for fall in (60, 66, 68, 69, 70, 72, 75, 79, 85)], ("late", -67), ("late", -70)]


@pytest.mark.parametrize(("kind", "size"), CASES)
def test_what_both_directions_keep_alone_is_not_lost_where_they_meet(kind, size):
    x, *weights = {"apart": apart, "late": late}[kind](size)
    log_z, shares = forward_backward(x, *weights)
    given = [array.astype("float32") for array in (x[None], *weights)]
    mask = np.ones((1, len(x)), bool)
    np.testing.assert_allclose(ops.convert_to_numpy(marginals(given[0], mask, *given[1:]))[0], shares, atol=2e-4)
    np.testing.assert_allclose(ops.convert_to_numpy(log_partition(given[0], mask, *given[1:])), log_z, rtol=1e-5)
