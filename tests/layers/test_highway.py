"""Highway layers against NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seqlab.errors import SettingsError
from seqlab.layers.highway import Highway
from tests.layers.common import INPUTS, array, close, copy_of, differ, learnt
from tests.oracles import encoders as oracles


def weights(layer):
    found = [array(weight) for weight in layer.weights]
    return [found[k : k + 4] for k in range(0, len(found), 4)]


@pytest.mark.parametrize(("activation", "g"), [("tanh", np.tanh), ("relu", lambda x: np.maximum(x, 0))])
@pytest.mark.parametrize("layers", [1, 3])
def test_equals_the_oracle(layers, activation, g):
    layer = learnt(Highway(layers, activation))
    close(layer(INPUTS), oracles.highway(INPUTS, weights(layer), g))


def test_each_option_takes_part():
    layer = learnt(Highway(2, "tanh"))
    assert differ(copy_of(layer, activation="relu")(INPUTS), layer(INPUTS))
    assert len(layer.weights) == 2 * len(learnt(Highway()).weights) == 8


def test_starts_nearly_closed():
    layer = Highway(2)
    layer.build(INPUTS.shape)
    assert [array(one[3]).tolist() for one in weights(layer)] == [[-2.0] * 4] * 2
    far, near = (Highway(transform_bias=bias)(INPUTS) for bias in (-30.0, 30.0))
    close(far, INPUTS)
    assert differ(near, INPUTS)


def test_layers_start_with_weights_of_their_own():
    layer = Highway(2, kernel_initializer=keras.initializers.RandomNormal())
    layer.build(INPUTS.shape)
    kernels = [array(weight) for one in weights(layer) for weight in (one[0], one[2])]
    assert len({kernel.tobytes() for kernel in kernels}) == 4


def test_bad_arguments():
    with pytest.raises(SettingsError, match="`layers` must be a whole number of at least 1. Received: layers=0"):
        Highway(0)
    with pytest.raises(ValueError, match=r"known width, received the shape \(2, None\)"):
        Highway().build((2, None))
