from __future__ import annotations

import keras
import numpy as np
import pytest

from seqlab.layers.cells.parts import Projection, gate_bias, serialized
from tests.layers.common import INPUTS, array, close


def test_projection_is_a_product_and_a_clip():
    free, bounded = Projection(2), Projection(2, clip=0.5)
    free.build(INPUTS.shape)
    bounded.build(INPUTS.shape)
    bounded.set_weights(free.get_weights())
    product = INPUTS @ array(free.kernel)
    assert np.abs(product).max() > 0.5
    close(free(INPUTS), product)
    close(bounded(INPUTS), np.clip(product, -0.5, 0.5))
    assert free.compute_output_shape((None, 7, 4)) == (None, 7, 2)


def test_projection_initialiser():
    part = Projection(2, kernel_initializer="ones")
    part.build((None, 3))
    assert array(part.kernel).tolist() == [[1, 1]] * 3


@pytest.mark.parametrize("options", [{"units": 0}, {"units": 1, "clip": 0.0}, {"units": 1, "clip": "3"}], ids=str)
def test_bad_projection(options):
    with pytest.raises(ValueError, match="must be a (whole number of at least 1|number above 0, or None)"):
        Projection(**options)


@pytest.mark.parametrize(("blocks", "expected"), [("zifo", [0, 0, 0, 0, 1, 1, 0, 0]), ("zio", [0] * 6)])
def test_gate_bias(blocks, expected):
    initializer = gate_bias(blocks, "f", 2, keras.initializers.Zeros(), keras.initializers.Ones())
    assert array(initializer((len(expected),), dtype="float32")).tolist() == expected


def test_serialized_leaves_out_shapes_of_built_layers():
    dense = keras.layers.Dense(2)
    dense.build((None, 3))

    class Holder:
        one = dense
        other = None

    found = serialized(Holder(), "one", "other")
    assert found["other"] is None
    assert "build_config" not in found["one"]
    again = keras.saving.deserialize_keras_object(found["one"])
    assert again.units == 2 and not again.built
