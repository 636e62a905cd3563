"""The GRUs and the simple recurrent network against NumPy and Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seqlab.layers.cells.gru import GRUCell, SRNCell
from seqlab.layers.recurrent import Recurrent
from tests.layers.common import (
    INPUTS,
    MASKS,
    PADDING,
    UNITS,
    array,
    blocks,
    check_oracle,
    close,
    copy_of,
    differ,
    learnt,
    run,
    states_of,
    tensor,
)
from tests.oracles import recurrent as oracles


def gru_oracle(cell):
    w = {
        **blocks(cell.kernel_weight, "ruc", "W"),
        **blocks(cell.recurrent, "ruc", "R"),
        **blocks(cell.bias, "ruc", "b"),
    }
    if cell.reset_after:
        w["d_c"] = array(cell.reset_bias)
    oracle = oracles.gru_after if cell.reset_after else oracles.gru_before
    return lambda steps, y: (oracle(steps, w, y),)


def srn_oracle(cell):
    w = {"W": array(cell.kernel_weight), "R": array(cell.recurrent), "b": array(cell.bias)}
    return lambda steps, y: (oracles.srn(steps, w, y),)


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("after", [False, True], ids=["reset-before", "reset-after"])
def test_gru_equals_the_oracle(after, mask):
    check_oracle(GRUCell(UNITS, reset_after=after), gru_oracle, mask)


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_srn_equals_the_oracle(mask):
    check_oracle(SRNCell(UNITS), srn_oracle, mask)


def keras_gru(cell, **flags):
    """Keras' GRU with the weights of ours: columns r, u, n become u (called z there), r, n."""
    layer = keras.layers.GRU(
        UNITS,
        activation=cell.activation,
        recurrent_activation=cell.recurrent_activation,
        reset_after=cell.reset_after,
        use_cudnn=False,
        **flags,
    )
    layer.build(INPUTS.shape)
    layer.set_weights(keras_weights(cell.get_weights(), cell.reset_after))
    return layer


def keras_weights(weights, after):
    kernel, recurrent, bias, *reset_bias = [np.split(array(weight), 3, axis=-1) for weight in weights[:3]] + list(
        weights[3:]
    )
    kernel, recurrent, bias = (np.concatenate([u, r, n], axis=-1) for r, u, n in (kernel, recurrent, bias))
    if after:  # Keras has two biases for each gate; those of r and u add up
        second = np.concatenate([np.zeros(2 * UNITS, "float32"), array(reset_bias[0])])
        bias = np.stack([bias, second])
    return [kernel, recurrent, bias]


@pytest.mark.parametrize(
    ("g", "s", "backwards"), [("tanh", "sigmoid", False), ("elu", "hard_sigmoid", True)], ids=["usual", "others"]
)
@pytest.mark.parametrize("after", [False, True], ids=["reset-before", "reset-after"])
def test_gru_equals_keras(after, g, s, backwards):
    flags = {"return_sequences": True, "return_state": True, "go_backwards": backwards}
    cell = GRUCell(UNITS, reset_after=after, activation=g, recurrent_activation=s)
    ours = learnt(Recurrent(cell, **flags))
    theirs = keras_gru(cell, **flags)
    states = states_of(cell)
    outputs, (by_inputs, by_state, *by_weights) = run(ours, states)
    found = [by_inputs, by_state, *keras_weights(by_weights, after)]
    if after:
        found[-1][1, : 2 * UNITS] = found[-1][0, : 2 * UNITS]
    close((outputs, found), run(theirs, states))


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_srn_equals_keras(activation):
    flags = {"return_sequences": True, "return_state": True}
    ours = learnt(Recurrent(SRNCell(UNITS, activation=activation), **flags))
    theirs = keras.layers.SimpleRNN(UNITS, activation=activation, **flags)
    theirs.build(INPUTS.shape)
    theirs.set_weights(ours.get_weights())
    states = states_of(ours.cell)
    close(run(ours, states), run(theirs, states))


def test_gru_equals_keras_with_padding():
    mask = PADDING
    ours = learnt(Recurrent(GRUCell(UNITS, reset_after=True), return_sequences=True, return_state=True))
    theirs = keras_gru(ours.cell, return_sequences=True, return_state=True)
    (found, state), (expected, last) = (layer(INPUTS, mask=tensor(mask)) for layer in (ours, theirs))
    close(state, last)
    close(array(found)[mask], array(expected)[mask])


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (GRUCell, {"reset_after": True}),
        (GRUCell, {"activation": "softsign"}),
        (GRUCell, {"recurrent_activation": "hard_sigmoid"}),
        (SRNCell, {"activation": "relu"}),
    ],
    ids=str,
)
def test_option_changes_the_computation(kind, options):
    plain, other = (learnt(Recurrent(kind(UNITS, **given), return_sequences=True)) for given in ({}, options))
    assert differ(plain(INPUTS), other(INPUTS))


@pytest.mark.parametrize("kind", [GRUCell, SRNCell])
def test_initialisers_and_config(kind):
    cell = kind(
        2, kernel_initializer="ones", recurrent_initializer="zeros", bias_initializer=keras.initializers.Constant(3)
    )
    again = kind.from_config(cell.get_config())
    assert again.get_config() == cell.get_config()
    again.build((None, 1))
    kernel, recurrent, bias = (array(weight) for weight in again.weights)
    assert (kernel == 1).all() and (recurrent == 0).all() and (bias == 3).all()
    layer = learnt(Recurrent(kind(UNITS), return_sequences=True))
    close(copy_of(layer)(INPUTS), layer(INPUTS))


@pytest.mark.parametrize("kind", [GRUCell, SRNCell])
def test_bad_units(kind):
    with pytest.raises(ValueError, match="`units` must be a whole number of at least 1. Received: units=0"):
        kind(0)
