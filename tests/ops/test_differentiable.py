"""One contract for hand-written gradients on every backend."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.ops import differentiable as module
from seqlab.ops.differentiable import differentiable
from tests.ops.gradients import gradients

X = np.array([1.0, 2.0, 3.0], "float32")


def test_the_gradient_is_the_one_given():
    tripled = differentiable(lambda x: ((x * x,), x), lambda x, upstream: (3 * x * upstream[0],))
    value, found = gradients(lambda x: ops.sum(tripled(x)[0]), [X])
    assert float(value) == 14
    np.testing.assert_allclose(found[0], 3 * X)


def test_several_outputs_and_inputs_without_gradient():
    def forward(x, places, y):
        return (ops.take(x, places), x * y), (x, y)

    def backward(kept, upstream):
        x, y = kept
        return ops.flip(upstream[0], axis=0) + upstream[1] * y, None, upstream[1] * x

    both = differentiable(forward, backward)
    places = np.array([2, 1, 0])

    def loss(x, y):
        one, other = both(x, ops.convert_to_tensor(places), y)
        return ops.sum(one * ops.convert_to_tensor(X)) + 2 * ops.sum(other)

    _, (by_x, by_y) = gradients(loss, [X, X + 1])
    np.testing.assert_allclose(by_x, X[::-1] + 2 * (X + 1))
    np.testing.assert_allclose(by_y, 2 * X)


def test_unknown_backend(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "openvino")
    with pytest.raises(ValueError, match="knows the backends tensorflow, jax, torch"):
        module.differentiable(lambda x: ((x,), None), lambda kept, upstream: upstream)
