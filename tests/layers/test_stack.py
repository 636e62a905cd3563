"""The encoder against an LSTM in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from seqlab.layers.stack import BiLSTM
from tests.oracles import lstm

INPUTS = np.random.default_rng(0).normal(size=(3, 5, 4)).astype("float32")
MASK = np.arange(5) < np.array([5, 3, 1])[:, None]
HOLES = np.array([[1, 0, 1, 1, 0], [0, 1, 1, 0, 1], [0, 0, 0, 0, 0]], bool)


def numpy(tensor):
    return np.array(ops.convert_to_numpy(tensor))


def learnt(**options):
    """A stack whose weights are all away from their initial values."""
    layer = BiLSTM(**{"units": 3, **options})
    layer.build(INPUTS.shape)
    random = np.random.default_rng(1)
    layer.set_weights([random.normal(size=weight.shape).astype("float32") for weight in layer.weights])
    return layer


def expected(layer, mask=None):
    weights = []
    for one in layer.recurrent:
        arrays = [numpy(weight) for weight in one.weights]
        weights.append((arrays[:3], arrays[3:]))
    return lstm.stack(INPUTS, np.ones((3, 5), bool) if mask is None else mask, weights)


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("mask", [None, MASK, HOLES], ids=["all", "padding", "holes"])
def test_equals_the_oracle(layers, mask):
    layer = learnt(layers=layers)
    outputs = numpy(layer(INPUTS, mask=None if mask is None else ops.convert_to_tensor(mask)))
    np.testing.assert_allclose(outputs, expected(layer, mask), rtol=1e-4, atol=1e-5)


def test_sizes_take_part():
    layer = BiLSTM(units=3, layers=2)
    assert layer.compute_output_shape((2, None, 4)) == (2, None, 6)
    layer.build((None, None, 4))
    shapes = [weight.shape for weight in layer.weights]
    assert shapes == [(4, 12), (3, 12), (12,)] * 2 + [(6, 12), (3, 12), (12,)] * 2
    forget = [numpy(weight)[3:6].tolist() for weight in layer.weights if weight.ndim == 1]
    assert forget == [[1.0] * 3] * 4


def test_dropout_in_training_alone():
    layer = learnt(layers=2, dropout=0.5)
    still = numpy(layer(INPUTS, training=False))
    np.testing.assert_allclose(still, expected(layer), rtol=1e-4, atol=1e-5)
    assert (numpy(layer(INPUTS, training=True)) != still).any()


def test_one_dropout_mask_for_a_whole_sequence():
    dropped = numpy(learnt(layers=2, dropout=0.5)(INPUTS, training=True)) == 0
    assert dropped.any()
    np.testing.assert_array_equal(dropped, np.broadcast_to(dropped[:, :1], dropped.shape))


def test_dropout_stands_before_the_first_layer_too():
    layer = learnt(dropout=0.5)
    layer.drops[1].rate = 0.0
    assert (numpy(layer(INPUTS, training=True)) != expected(layer).astype("float32")).any()


@pytest.mark.parametrize("options", [{"units": 0}, {"layers": 0}])
def test_bad_sizes(options):
    with pytest.raises(ValueError, match="needs units >= 1 and layers >= 1, received"):
        BiLSTM(**options)
