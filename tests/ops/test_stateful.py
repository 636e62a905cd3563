"""A step with variables under one contract: what branches assign, what gradients are, what a state is."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.ops import stateful as module
from seqlab.ops.stateful import gradients, switched, with_state
from tests.layers.common import array


def variables(*values):
    return [keras.Variable(np.array(value, "float32")) for value in values]


def in_a_step(function, state):
    """Runs a function as Keras runs a training step, compiled."""
    if keras.backend.backend() == "jax":
        import jax

        found, (after,) = jax.jit(lambda values: with_state(function, [state], [values]))([v.value for v in state])
        for variable, value in zip(state, after, strict=True):
            variable.assign(value)
        return found
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function)()
    return function()


@pytest.mark.parametrize(("index", "expected"), [(0, [11.0, 2.0]), (1, [1.0, 22.0])])
def test_one_branch_runs_and_assigns(index, expected):
    state = variables(1.0, 2.0)

    def branch(k):
        def run():
            state[k].assign(state[k] + 10.0 * (k + 1))
            return ops.cast(k, "float32") + 0.5

        return run

    found = in_a_step(lambda: switched(ops.convert_to_tensor(index), [branch(0), branch(1)], state), state)
    assert float(found) == index + 0.5
    assert [float(array(v)) for v in state] == expected


def test_gradients_of_some_variables_and_what_the_function_assigns():
    x, y, count = variables([1.0, 2.0], [3.0, 4.0], 0.0)

    def value():
        count.assign(count + 1.0)
        return ops.sum(x * x * y), ops.sum(x)

    more, (found,) = in_a_step(lambda: gradients(value, [x], [count]), [x, y, count])
    np.testing.assert_allclose(array(found), [6.0, 16.0])
    assert float(more) == 3
    assert float(array(count)) == 1


def test_a_state_goes_in_and_comes_out():
    if keras.backend.backend() == "tensorflow":
        pytest.skip("variables keep their values there")
    x, y = variables(1.0, 2.0)

    def swap():
        x.assign(y + 0.0)
        return x + y

    found, ((new_x,), (new_y,)) = with_state(swap, [[x], [y]], [[ops.ones(())], [5 * ops.ones(())]])
    assert (float(found), float(new_x), float(new_y)) == (10, 5, 5)
    assert float(array(x)) == 1


def test_an_unknown_backend_is_named(monkeypatch):
    monkeypatch.setattr(module.keras.backend, "backend", lambda: "theano")
    with pytest.raises(ValueError, match="theano"):
        gradients(lambda: (ops.ones(()), None), [], [])
