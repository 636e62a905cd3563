"""Both ways to the gradients of log Z give what enumeration gives; which way was taken is known."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from seqlab.ops.partition import levelled_chain, recursions, slopes
from tests.oracles.crf import enumerate_batch

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
