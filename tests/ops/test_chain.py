from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.errors import DataError
from seqlab.ops import entropy, log_partition, marginals, viterbi
from seqlab.ops.chain import (
    argmax,
    compact,
    floats,
    from_chain,
    last_values,
    levelled,
    levelled_whole,
    log_sum_exp,
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


def test_levelled():
    x = RNG.normal(size=(3, 4)).astype("float32")
    level, tops = levelled(ops.convert_to_tensor(x))
    np.testing.assert_allclose(array(level + tops), x, rtol=1e-6)
    assert not array(level).max(-1).any()
    level, top = levelled_whole(ops.convert_to_tensor(x))
    assert array(level).max() == 0 and float(top) == x.max()


def test_floats_and_argmax():
    one, other = floats(np.zeros(2, "float16"), [1, 2])
    assert {keras.backend.standardize_dtype(part.dtype) for part in (one, other)} == {"float32"}
    found = argmax(ops.convert_to_tensor([[1.0, 3.0], [2.0, 0.0]]))
    assert keras.backend.standardize_dtype(found.dtype) == "int32" and array(found).tolist() == [1, 0]


ZEROS = [np.zeros((3, 3)), np.zeros(3), np.zeros(3)]


@pytest.mark.parametrize(
    ("scores", "mask", "weights", "message"),
    [
        ((0, 4, 3), (0, 4), ZEROS, r"scores of shape \(0, 4, 3\), without any step"),
        ((2, 0, 3), (2, 0), ZEROS, "without any step: leave an empty batch out"),
        ((2, 4, 3), (2, 3), ZEROS, r"a mask of shape \(2, 3\) for scores of shape \(2, 4, 3\)"),
        ((2, 4, 3), (1, 4), ZEROS, r"a mask of shape \(1, 4\) for scores"),
        ((2, 4, 5), (2, 4), ZEROS, r"shapes \(2, 4, 5\), \(3, 3\), \(3,\) and \(3,\); expected \(batch, time, tags\)"),
        ((4, 3), (2, 4), ZEROS, r"expected \(batch, time, tags\), \(tags, tags\)"),
    ],
    ids=str,
)
@pytest.mark.parametrize("operation", [log_partition, marginals, viterbi, entropy])
def test_what_does_not_fit_together(operation, scores, mask, weights, message):
    with pytest.raises(DataError, match=message):
        operation(np.zeros(scores, "float32"), np.ones(mask, bool), *weights)
