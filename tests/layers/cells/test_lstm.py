"""The nine LSTMs and their options against NumPy, Keras and torch."""

from __future__ import annotations

from functools import partial

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.errors import SettingsError
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.layers.cells.parts import Projection
from seqlab.layers.recurrent import Recurrent
from seqlab.ops.recurrence.variants import VARIANTS
from tests.layers.common import (
    INPUTS,
    MASKS,
    PADDING,
    UNITS,
    array,
    check_oracle,
    close,
    copy_of,
    differ,
    keras_columns,
    learnt,
    lstm_weights,
    run,
    sentences,
    states_of,
    tensor,
)
from tests.oracles import recurrent as oracles

VARIANT_ORACLES = {code: getattr(oracles, f"lstm_{code.lower()}") for code in VARIANTS}
OPTIONS = {
    "projection": (
        {"projection": lambda: Projection(2)},
        partial(oracles.projected_lstm, cell_clip=None, projection_clip=None),
    ),
    "cell_clip": ({"cell_clip": 0.3}, None),
    "both clips": (
        {"cell_clip": 0.3, "projection": lambda: Projection(2, clip=0.2)},
        partial(oracles.projected_lstm, cell_clip=0.3, projection_clip=0.2),
    ),
    "normalized": ({"normalized": True}, oracles.normalized_lstm),
    "gate_slope": ({"gate_slope": True}, oracles.sloped_lstm),
}


def made(options):
    """A cell; its parts are made anew for each."""
    return LSTMCell(UNITS, **{name: value() if callable(value) else value for name, value in options.items()})


def bound(oracle):
    """From a cell to the oracle with its weights."""
    return lambda cell: lambda steps, *states: oracle(steps, lstm_weights(cell), *states)


def clipped(steps, w, y0, c0):
    """The oracle with a projection, which here changes nothing."""
    return oracles.projected_lstm(steps, {**w, "P": np.eye(UNITS)}, y0, c0, 0.3, None)


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("code", VARIANTS)
def test_variant_equals_the_oracle(code, mask):
    check_oracle(LSTMCell(UNITS, code), bound(VARIANT_ORACLES[code]), mask)


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("name", OPTIONS)
def test_option_equals_the_oracle(name, mask):
    options, oracle = OPTIONS[name]
    check_oracle(made(options), bound(oracle or clipped), mask)


def with_activations(steps, w, y0, c0):
    """An LSTM without peepholes: g = elu, h = relu, s = hard sigmoid."""
    y, c, ys, cs = y0, c0, [], []
    for x in steps:
        bar = {name: x @ w[f"W_{name}"] + y @ w[f"R_{name}"] + w[f"b_{name}"] for name in "zifo"}
        i, f, o = (np.clip(bar[name] / 6 + 0.5, 0, 1) for name in "ifo")
        c = np.where(bar["z"] > 0, bar["z"], np.expm1(bar["z"])) * i + c * f
        y = np.maximum(c, 0) * o
        ys.append(y)
        cs.append(c)
    return np.array(ys).reshape(-1, UNITS), np.array(cs).reshape(-1, UNITS)


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_free_activations(mask):
    cell = LSTMCell(UNITS, "NP", activation="elu", output_activation="relu", recurrent_activation="hard_sigmoid")
    assert not cell.fusable()  # elu's slope cannot be told from its value without more ado
    check_oracle(cell, bound(with_activations), mask)


@pytest.mark.parametrize(
    "options",
    [
        {"activation": "relu"},
        {"output_activation": "softsign"},
        {"recurrent_activation": "hard_sigmoid"},
        {"cell_clip": 0.1},
        {"normalized": True},
    ],
    ids=str,
)
def test_option_changes_the_computation(options):
    plain = learnt(Recurrent(LSTMCell(UNITS), return_sequences=True))
    other = learnt(Recurrent(LSTMCell(UNITS, **options), return_sequences=True))
    for weight, source in zip(other.cell.trainable_weights, plain.cell.trainable_weights, strict=False):
        weight.assign(source)
    assert differ(plain(INPUTS), other(INPUTS))


def test_gate_slopes_are_trained_and_one_at_first():
    layer = Recurrent(LSTMCell(UNITS, gate_slope=True))
    layer.build(INPUTS.shape)
    assert array(layer.cell.slopes).tolist() == [1.0] * 3
    before = array(layer(INPUTS))
    layer.cell.slopes.assign([0.5, 2.0, 3.0])
    assert differ(layer(INPUTS), before)
    assert any(weight is layer.cell.slopes for weight in layer.trainable_weights)


@pytest.mark.parametrize("code", VARIANTS)
def test_a_variant_drops_its_weights(code):
    cell = LSTMCell(UNITS, code.lower())
    cell.build((None, 4))
    columns = UNITS * {"NIG": 3, "NFG": 3, "NOG": 3, "CIFG": 3}.get(code, 4)
    shapes = {weight.name: tuple(weight.shape) for weight in cell.weights}
    expected = {"kernel": (4, columns), "recurrent": (UNITS, columns), "bias": (columns,)}
    if code != "NP":
        expected["peepholes"] = (columns - UNITS,)
    if code == "FGR":
        expected["gates"] = (9, 9)
    assert shapes == expected
    assert cell.variant == code
    assert len(cell.state_size) == (5 if code == "FGR" else 2)


def test_initial_values_and_their_columns():
    cell = LSTMCell(
        1, "V", kernel_initializer="ones", peephole_initializer="ones", bias_initializer=keras.initializers.Constant(7)
    )
    cell.build((None, 1))
    assert array(cell.bias).tolist() == [7, 7, 1, 7]  # z, i, f, o
    assert array(cell.kernel_weight).tolist() == [[1] * 4]
    assert array(cell.peepholes).tolist() == [1] * 3
    other = LSTMCell(1, "NIG", forget_bias_initializer=keras.initializers.Constant(3))
    other.build((None, 1))
    assert array(other.bias).tolist() == [0, 3, 0]  # z, f, o


@pytest.mark.parametrize(
    ("g", "s", "backwards"), [("tanh", "sigmoid", False), ("relu", "hard_sigmoid", True)], ids=["usual", "others"]
)
def test_equals_keras(g, s, backwards):
    flags = {"return_sequences": True, "return_state": True, "go_backwards": backwards}
    cell = LSTMCell(UNITS, "NP", activation=g, output_activation=g, recurrent_activation=s)
    ours = learnt(Recurrent(cell, **flags))
    theirs = keras.layers.LSTM(UNITS, activation=g, recurrent_activation=s, use_cudnn=False, **flags)
    theirs.build(INPUTS.shape)
    theirs.set_weights([keras_columns(weight) for weight in ours.get_weights()])
    states = states_of(cell)
    outputs, (by_inputs, by_y, by_c, *by_weights) = run(ours, states)
    close((outputs, [by_inputs, by_y, by_c, *map(keras_columns, by_weights)]), run(theirs, states))


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
def test_equals_keras_with_padding(backwards):
    mask = PADDING
    cell = LSTMCell(UNITS, "NP")
    ours = learnt(Recurrent(cell, return_sequences=True, return_state=True, go_backwards=backwards))
    theirs = keras.layers.RNN(
        keras.layers.LSTMCell(UNITS), return_sequences=True, return_state=True, go_backwards=backwards
    )
    theirs.build(INPUTS.shape)
    theirs.set_weights([keras_columns(weight) for weight in ours.get_weights()])
    found, expected = ours(INPUTS, mask=tensor(mask)), theirs(INPUTS, mask=tensor(mask))
    close(found[1:], expected[1:])
    real = mask[:, ::-1] if backwards else mask
    close(array(found[0])[real], array(expected[0])[real])


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("projected", [0, 2])
def test_equals_torch(projected):
    torch = pytest.importorskip("torch")
    theirs = torch.nn.LSTM(4, UNITS, batch_first=True, proj_size=projected)
    cell = LSTMCell(UNITS, "NP", projection=Projection(projected) if projected else None)
    ours = learnt(Recurrent(cell, return_sequences=True, return_state=True))
    z, i, f, o = range(4)
    with torch.no_grad():
        for name, weight in (
            ("weight_ih_l0", cell.kernel_weight),
            ("weight_hh_l0", cell.recurrent),
            ("bias_ih_l0", cell.bias),
        ):
            parts = np.split(array(weight), 4, axis=-1)
            getattr(theirs, name).copy_(torch.tensor(np.concatenate([parts[k].T for k in (i, f, z, o)])))
        theirs.bias_hh_l0.zero_()
        if projected:
            theirs.weight_hr_l0.copy_(torch.tensor(array(cell.projection.kernel).T))
        y, c = (torch.tensor(state)[None] for state in states_of(cell))
        outputs, (last_y, last_c) = theirs(torch.tensor(INPUTS), (y, c))
    expected = [x.numpy() for x in (outputs, last_y[0], last_c[0])]
    close(ours(INPUTS, initial_state=states_of(cell)), expected)


def test_config_names_every_argument():
    cell = LSTMCell(UNITS, "cifg", "relu", "softsign", "hard_sigmoid", True, True, 2.0, Projection(2, clip=0.5))
    again = LSTMCell.from_config(cell.get_config())
    assert again.get_config() == cell.get_config()
    assert isinstance(again.projection, Projection) and again.projection is not cell.projection
    layer = learnt(Recurrent(cell, return_sequences=True))
    close(copy_of(layer)(INPUTS), layer(INPUTS))


def test_peepholes_see_the_old_cell_and_the_output_gates_the_new_one():
    """Against the oracle with only one peephole each."""
    cell = LSTMCell(UNITS)
    layer = learnt(Recurrent(cell, return_sequences=True))
    for gate in range(3):
        cell.peepholes.assign(np.repeat(np.arange(3) == gate, UNITS) * 5.0)
        states = [np.zeros((4, UNITS))] * 2
        expected, _ = sentences(bound(oracles.lstm_v)(cell), INPUTS, None, states)
        close(layer(INPUTS), expected)


def test_unknown_variant():
    with pytest.raises(
        SettingsError, match=r"Unknown LSTM variant 'NGI'; expected one of V \(vanilla\).*[Dd]id you mean"
    ):
        LSTMCell(UNITS, "NGI")


@pytest.mark.parametrize(
    "options", [{"units": 0}, {"units": 2, "cell_clip": 0.0}, {"units": 2, "cell_clip": -1.0}], ids=str
)
def test_bad_numbers(options):
    with pytest.raises(ValueError, match="must be a (whole number of at least 1|number above 0, or None)"):
        LSTMCell(**options)


def test_own_function_as_activation():
    """A function of the user's own is used, whatever its name."""

    def tanh(x):
        return ops.tanh(x) / 2

    usual = learnt(Recurrent(LSTMCell(UNITS), return_sequences=True))
    own = learnt(Recurrent(LSTMCell(UNITS, activation=tanh), return_sequences=True))
    assert differ(usual(INPUTS), own(INPUTS))


def test_slopes_act_after_the_norm():
    cell = LSTMCell(UNITS, gate_slope=True, normalized=True)
    layer = Recurrent(cell)
    before = array(layer(INPUTS))
    cell.slopes.assign([3.0, 3.0, 3.0])
    assert np.abs(array(layer(INPUTS)) - before).max() > 0.05
