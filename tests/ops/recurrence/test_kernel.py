"""The helpers of kernels."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from seqlab.ops.recurrence.activations import activation
from seqlab.ops.recurrence.kernel import as_is, as_tensors, join, outer, recur, recur_back, split, summed, together
from tests.ops.recurrence.common import array

RANDOM = np.random.default_rng(0)
STATE = RANDOM.normal(size=(2, 3)).astype("float32")
MATRIX = RANDOM.normal(size=(3, 5)).astype("float32")
DROPPED = np.array([[0, 2, 2], [2, 0, 2]], "float32")
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


def test_split_and_join():
    parts = split(ops.convert_to_tensor(MATRIX), 5)
    assert [tuple(part.shape) for part in parts] == [(3, 1)] * 5
    np.testing.assert_array_equal(array(join(parts)), MATRIX)
    assert split(MATRIX, 1)[0] is MATRIX
    assert join([MATRIX]) is MATRIX


def test_recur_and_its_gradient():
    deltas = RANDOM.normal(size=(2, 5)).astype("float32")
    state, matrix, dropped, sent = (ops.convert_to_tensor(x) for x in (STATE, MATRIX, DROPPED, deltas))
    np.testing.assert_allclose(array(recur(state, matrix, None)), STATE @ MATRIX, **CLOSE)
    np.testing.assert_allclose(array(recur(state, matrix, dropped)), (STATE * DROPPED) @ MATRIX, **CLOSE)
    np.testing.assert_allclose(array(recur_back(sent, matrix, None)), deltas @ MATRIX.T, **CLOSE)
    np.testing.assert_allclose(array(recur_back(sent, matrix, dropped)), deltas @ MATRIX.T * DROPPED, **CLOSE)


def test_outer_and_summed():
    states = RANDOM.normal(size=(4, 2, 3)).astype("float32")
    deltas = RANDOM.normal(size=(4, 2, 5)).astype("float32")
    one, other = ops.convert_to_tensor(states), ops.convert_to_tensor(deltas)
    np.testing.assert_allclose(array(outer(one, other)), np.einsum("tbi,tbj->ij", states, deltas), **CLOSE)
    wanted = np.einsum("tbi,bi,tbj->ij", states, DROPPED, deltas)
    np.testing.assert_allclose(array(outer(one, other, ops.convert_to_tensor(DROPPED))), wanted, **CLOSE)
    np.testing.assert_allclose(array(summed(other)), deltas.sum((0, 1)), **CLOSE)


def test_absent_weights_stay_absent():
    found = as_tensors((MATRIX, None))
    assert found[1] is None
    np.testing.assert_array_equal(array(found[0]), MATRIX)


def test_as_is():
    assert as_is("z", MATRIX) is MATRIX


def test_a_function_of_whole_vectors_is_not_joined():
    parts = [ops.convert_to_tensor([[1.0, 2.0]]), ops.convert_to_tensor([[3.0, 5.0]])]
    for name, function in [("softmax", ops.softmax), ("sigmoid", ops.sigmoid)]:
        found = together(activation(keras.activations.get(name)), parts)
        for one, part in zip(found, parts, strict=True):
            np.testing.assert_allclose(array(one), array(function(part)), **CLOSE)
