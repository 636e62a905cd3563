"""Key-value attention against NumPy, and how much memory it takes."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seqlab.errors import SettingsError
from seqlab.layers.attention.key_value import KeyValueAttention
from tests.layers.attention.common import check_contract, check_oracle, learnt, weights_of
from tests.layers.common import INPUTS, MASK, MASKS, copy_of, differ, tensor
from tests.oracles import attention as oracles

WINDOWS = (None, 1, 2, 9)


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("window", WINDOWS)
def test_equals_the_oracle(window, mask):
    layer = learnt(KeyValueAttention(window, units=3))
    check_oracle(layer, lambda h: oracles.key_value(h, *weights_of(layer), window), mask)


@pytest.mark.parametrize("window", [None, 2])
def test_contract(window):
    check_contract(learnt(KeyValueAttention(window, units=3)))


def test_window_takes_part():
    layer = learnt(KeyValueAttention(1, units=3))
    wider = copy_of(layer, window=3)
    assert differ(layer(INPUTS), wider(INPUTS))
    assert not differ(layer(INPUTS)[:, :2], wider(INPUTS)[:, :2])  # there is no more to see


def test_no_token_sees_later_ones():
    layer, changed = learnt(KeyValueAttention(units=3)), INPUTS.copy()
    changed[:, 3:] += 1
    assert not differ(layer(INPUTS)[:, :3], layer(changed)[:, :3])
    assert differ(layer(INPUTS)[:, 3:, 4:], layer(changed)[:, 3:, 4:])


def largest(layer, time):
    """The most numbers in a tensor of the layer's graph."""
    inputs, mask = np.zeros((1, time, 4), "float32"), np.ones((1, time), bool)
    if keras.backend.backend() == "jax":
        import jax

        equations = jax.make_jaxpr(lambda x, m: layer(x, mask=m))(inputs, mask).eqns
        return max(np.prod(out.aval.shape) for equation in equations for out in equation.outvars)
    import tensorflow as tf

    graph = tf.function(lambda x, m: layer(x, mask=m)).get_concrete_function(inputs, tf.constant(mask)).graph
    shapes = [out.shape for operation in graph.get_operations() for out in operation.outputs]
    return max(np.prod(shape) for shape in shapes if shape.rank is not None and None not in shape)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="torch shows no graph")
def test_a_window_takes_memory_that_grows_with_time():
    assert largest(learnt(KeyValueAttention(2, units=3)), 64) < 64 * 2 * 8
    assert largest(learnt(KeyValueAttention(units=3)), 64) >= 64 * 64


def test_a_window_reaches_over_masked_steps():
    layer = learnt(KeyValueAttention(1, units=3))
    _, weights = layer(INPUTS, mask=tensor(MASK), return_attention=True)
    found = np.argwhere(np.array(keras.ops.convert_to_numpy(weights))[2] == 1).tolist()
    assert found == [[2, 1], [4, 2]]  # the row's tokens are 1, 2 and 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window": 0}, "`window` must be a whole number of at least 1"),
        ({"units": 0}, "`units` must be a whole number of at least 1"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(SettingsError, match=message):
        KeyValueAttention(**options)


def test_odd_width():
    with pytest.raises(SettingsError, match="received states of width 5: give them an even one"):
        KeyValueAttention(units=3).build((None, None, 5))
