"""Iterated dilated convolutions against loops in NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seqlab.errors import SettingsError
from seqlab.layers.dilated_cnn import DilatedCNN
from tests.layers.common import INPUTS, MASK, MASKS, array, close, copy_of, differ, learnt, tensor
from tests.oracles import encoders as oracles


def expected(layer, mask):
    mask = np.ones(INPUTS.shape[:2], bool) if mask is None else mask
    kernels, biases = ([array(weight) for weight in part] for part in (layer.kernels, layer.biases))
    pairs = zip(INPUTS, mask, strict=True)
    return [oracles.dilated_cnn(x, kernels, biases, layer.dilations, layer.layers, real) for x, real in pairs]


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize(("layers", "dilations"), [(1, (1, 2, 4, 1)), (2, (2, 1))])
def test_equals_the_oracle(layers, dilations, mask):
    layer = learnt(DilatedCNN(3, layers, dilations=dilations))
    close(layer(INPUTS, mask=tensor(mask)), np.array(expected(layer, mask)))


def test_iterations_share_their_weights():
    assert len(learnt(DilatedCNN(3, layers=3)).weights) == len(learnt(DilatedCNN(3)).weights) == 2 * 5


def test_what_a_token_sees():
    layer = DilatedCNN(3, activation="linear")
    one = np.zeros((1, 31, 4), "float32")
    one[0, 15] = 1
    reached = np.flatnonzero(np.abs(array(layer(one)) - array(layer(0 * one))).sum(-1)[0] > 1e-6)
    assert (reached.min(), reached.max()) == (15 - 9, 15 + 9)  # 1 of the first convolution, 8 of the block


def test_each_option_takes_part():
    layer = learnt(DilatedCNN(3, layers=2, dilations=(1, 2)))
    outputs = layer(INPUTS)
    for options in ({"layers": 1}, {"dilations": (2, 1)}, {"activation": "tanh"}):
        assert differ(copy_of(layer, **options)(INPUTS), outputs), options
    assert [weight.shape for weight in learnt(DilatedCNN(3, width=5)).kernels] == [(5, 4, 3), *[(5, 3, 3)] * 4]


def test_one_dropout_mask_for_a_whole_sequence():
    layer = learnt(DilatedCNN(8, dropout=0.5, activation="linear"))
    dropped = array(layer(INPUTS, training=True)) == 0
    assert dropped.any() and not dropped.all()
    np.testing.assert_array_equal(dropped, np.broadcast_to(dropped[:, :1], dropped.shape))
    close(layer(INPUTS), copy_of(layer, dropout=0.0)(INPUTS, training=True))
    layer.drops[1].rate = 0.0
    assert differ(layer(INPUTS, training=True), layer(INPUTS))  # what it reads is dropped too


def test_all_layers_end_with_the_last():
    layer = learnt(DilatedCNN(3, layers=2, all_layers=True))
    found = layer(INPUTS, mask=tensor(MASK))
    for count, outputs in enumerate(found, start=1):
        close(outputs, copy_of(layer, layers=count, all_layers=False)(INPUTS, mask=tensor(MASK)))
    assert layer.compute_output_shape(INPUTS.shape) == [tuple(one.shape) for one in found]
    assert layer.compute_mask(None, 1) == [1, 1]


def test_policy_reaches_what_is_inside():
    layer = learnt(DilatedCNN(4, layers=2, dtype="mixed_bfloat16"))
    found = layer(INPUTS, mask=tensor(MASK))
    assert keras.backend.standardize_dtype(found.dtype) == "bfloat16"
    close(found, copy_of(layer, dtype="float32")(INPUTS, mask=tensor(MASK)), rtol=0.2, atol=0.2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filters": 0}, "`filters` must be a whole number of at least 1"),
        ({"layers": 0}, "`layers` must be"),
        ({"width": 2.5}, "`width` must be"),
        ({"dilations": (1, 0)}, "`dilations` must be a whole number of at least 1. Received: dilations=0"),
        ({"dilations": ()}, "`dilations` must name at least one"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(SettingsError, match=message):
        DilatedCNN(**options)
