"""Slopes against differences of the activation itself, and of Keras' functions of the same names."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.ops.recurrence.activations import ACTIVATIONS, activation
from tests.ops.recurrence.common import array, double

POINTS = np.array([-4.0, -2.2, -0.7, -0.01, 0.02, 0.9, 2.9, 3.5])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_value_and_slope(name):
    row = ACTIVATIONS[name]
    with double():
        value = row.value(ops.convert_to_tensor(POINTS))
        slope = array(row.slope(value))
        ends = [array(row.value(ops.convert_to_tensor(POINTS + step))) for step in (1e-6, -1e-6)]
    usual = array(keras.activations.get(name)(ops.convert_to_tensor(POINTS.astype("float32"))))
    np.testing.assert_allclose(array(value), usual, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(slope, (ends[0] - ends[1]) / 2e-6, rtol=1e-6, atol=1e-9)


def test_tanh_of_large_values_in_float64():
    with double():
        values = array(activation("tanh").value(ops.convert_to_tensor([-800.0, 800.0], dtype="float64")))
    assert values.tolist() == [-1.0, 1.0]


def test_others_have_no_slope():
    assert activation("gelu").slope is None
    assert activation(lambda x: x * 2).slope is None
    assert activation(keras.activations.tanh) is ACTIVATIONS["tanh"]


def test_unknown_name():
    with pytest.raises(ValueError, match="tahn"):
        activation("tahn")
