"""The encoder against LSTMs in NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seqlab.errors import SettingsError
from seqlab.layers.cells.gru import GRUCell
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.layers.cells.table import CELLS, cell_with
from seqlab.layers.cells.wrappers import RecurrentDropoutCell
from seqlab.layers.cells.zoneout import ZoneoutCell
from seqlab.layers.connections import ADDED, CONNECTIONS
from seqlab.layers.stack import RecurrentStack
from tests.layers import common
from tests.layers.common import (
    INPUTS,
    MASK,
    MASKS,
    UNITS,
    array,
    close,
    copy_of,
    differ,
    lstm_weights,
    sentences,
    tensor,
)
from tests.oracles import encoders
from tests.oracles import recurrent as oracles


def learnt(**options):
    """A stack whose weights are all away from their initial values."""
    return common.learnt(RecurrentStack(**{"units": UNITS, **options}))


def directions(layer, mask=None, code="np"):
    """For each layer its LSTM forwards and its LSTM backwards: functions of arrays (batch, time, width)."""

    def function(cell, backwards):
        def oracle(steps, *states):
            return getattr(oracles, f"lstm_{code}")(steps, lstm_weights(cell), *states)

        zeros = [np.zeros((len(INPUTS), size)) for size in cell.state_size]
        return lambda x: sentences(oracle, x, mask, zeros, backwards)[0]

    return [[function(one.cell, backwards) for backwards, one in enumerate(both.both)] for both in layer.recurrent]


def joint(forward, backward):
    return lambda x: np.concatenate([forward(x), backward(x)], axis=-1)


def expected(layer, mask=None, code="np"):
    """The outputs of LSTMs, layer upon layer and each direction by itself."""
    return encoders.plain(INPUTS, [joint(*both) for both in directions(layer, mask, code)])


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize(("layers", "code"), [(1, "np"), (3, "np"), (2, "cifg")])
def test_equals_the_oracle(layers, code, mask):
    layer = learnt(layers=layers, cell=code)
    close(layer(INPUTS, mask=tensor(mask)), expected(layer, mask, code))


def test_sizes_take_part():
    layer = RecurrentStack(units=3, layers=2)
    assert layer.compute_output_shape((2, None, 4)) == (2, None, 6)
    layer.build((None, None, 4))
    shapes = [weight.shape for weight in layer.weights]
    assert shapes == [(4, 12), (3, 12), (12,)] * 2 + [(6, 12), (3, 12), (12,)] * 2
    biases = [array(weight).tolist() for weight in layer.weights if weight.ndim == 1]
    assert biases == [[0.0] * 6 + [1.0] * 3 + [0.0] * 3] * 4  # z, i, f, o: memory lasts from the start


@pytest.mark.parametrize("name", CELLS)
def test_every_cell(name):
    layer = learnt(cell=name, layers=2)
    cell = layer.recurrent[1].backward_layer.cell
    assert type(cell) is type(CELLS[name](2))
    assert getattr(cell, "variant", "").lower() in (name, "")
    assert np.isfinite(array(layer(INPUTS, mask=tensor(MASK)))).all()
    close(copy_of(layer)(INPUTS), layer(INPUTS))


def test_unknown_cell():
    with pytest.raises(SettingsError, match="Unknown cell 'lstmm'; expected one of v, nig, "):
        RecurrentStack(cell="lstmm")


def test_usual_cell_is_an_lstm_without_peepholes():
    cell = learnt().recurrent[0].layer.cell
    assert isinstance(cell, LSTMCell) and cell.variant == "NP" and cell.peepholes is None


def test_recurrent_dropout_in_training_alone():
    layer = learnt(layers=2, recurrent_dropout=0.5)
    close(layer(INPUTS, training=False), without(layer))
    assert differ(layer(INPUTS, training=True), without(layer))
    still = layer(INPUTS[:, :1], training=True)
    close(still, layer(INPUTS[:, :1], training=False))  # the first step has no state to drop


def without(layer):
    plain = copy_of(layer, recurrent_dropout=0.0)
    return plain(INPUTS)


def test_policy_reaches_the_layers_inside():
    layer = learnt(layers=2, dtype="mixed_bfloat16", recurrent_dropout=0.1)
    found = layer(INPUTS, mask=tensor(MASK))
    assert keras.backend.standardize_dtype(found.dtype) == "bfloat16"
    assert {one.layer.cell.compute_dtype for one in layer.recurrent} == {"bfloat16"}
    close(found, in_float32(layer), rtol=0.1, atol=0.1)


def in_float32(layer):
    return copy_of(layer, dtype="float32")(INPUTS, mask=tensor(MASK))


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_bad_recurrent_dropout(rate):
    with pytest.raises(ValueError, match=f"at least 0 and below 1, received {rate}"):
        RecurrentStack(recurrent_dropout=rate)


def test_dropout_in_training_alone():
    layer = learnt(layers=2, dropout=0.5)
    still = array(layer(INPUTS, training=False))
    close(still, expected(layer))
    assert (array(layer(INPUTS, training=True)) != still).any()


def test_one_dropout_mask_for_a_whole_sequence():
    dropped = array(learnt(layers=2, dropout=0.5)(INPUTS, training=True)) == 0
    assert dropped.any()
    np.testing.assert_array_equal(dropped, np.broadcast_to(dropped[:, :1], dropped.shape))


def test_dropout_stands_before_the_first_layer_too():
    layer = learnt(dropout=0.5)
    layer.drops[1].rate = 0.0
    assert (array(layer(INPUTS, training=True)) != expected(layer).astype("float32")).any()


@pytest.mark.parametrize(
    ("rates", "first", "last"),
    [
        ((0.5, 0, 0), "others", "others"),
        ((0, 0.5, 0), "dropped", "others"),
        ((0, 0, 0.5), "same", "dropped"),
    ],
)
def test_rates_before_between_and_after_the_layers(rates, first, last):
    layer = learnt(layers=2, dropout=rates, all_layers=True)
    still, found = (list(map(array, layer(INPUTS, training=training))) for training in (False, True))
    assert [change(*pair) for pair in zip(found, still, strict=True)] == [first, last]
    assert RecurrentStack.from_config(layer.get_config()).dropout == rates == copy_of(layer).dropout


def change(found, still):
    """Whether outputs are the same, some of them dropped and the rest doubled, or others."""
    if np.allclose(found, still, rtol=1e-5):
        return "same"
    dropped = found == 0
    kept = np.isclose(found, 2 * still, rtol=1e-4, atol=1e-6)
    return "dropped" if dropped.any() and (dropped | kept).all() else "others"


@pytest.mark.parametrize("options", [{"units": 0}, {"layers": 0}])
def test_bad_sizes(options):
    with pytest.raises(ValueError, match="must be a whole number of at least 1"):
        RecurrentStack(**options)


def test_all_layers_end_with_the_last():
    whole = RecurrentStack(3, layers=2, all_layers=True)
    found = whole(INPUTS, mask=tensor(MASK))
    alone = RecurrentStack(3, layers=2)
    alone.build(INPUTS.shape)
    alone.set_weights(whole.get_weights())
    close(found[1], alone(INPUTS, mask=tensor(MASK)))
    first = whole.recurrent[0](INPUTS, mask=tensor(MASK))
    close(found[0], first)
    assert whole.compute_output_shape(INPUTS.shape) == [tuple(one.shape) for one in found]


# Connections and stacking


def connected(layer, mask):
    """The outputs of a stack with connections, by the equations."""
    functions, x = directions(layer, mask), INPUTS if mask is None else INPUTS * mask[..., None]
    if layer.stacking == "interleaved":
        streams = [[joint(*both) for both in functions]]
    else:
        streams = [list(one) for one in zip(*functions, strict=True)]
    found = []
    for number, layers in enumerate(streams):
        p = array(layer.projections[number].kernel) if layer.projections else np.eye(x.shape[-1])
        gates = [[array(w) for w in gate.weights] for gate in layer.transforms[number :: len(streams)]]
        found.append(encoders.CONNECTED[layer.connection](x, layers, p, gates))
    return np.concatenate(found, axis=-1)


@pytest.mark.parametrize("stacking", ["interleaved", "per_direction"])
@pytest.mark.parametrize("connection", [None, *CONNECTIONS])
def test_connections_equal_the_oracle(connection, stacking):
    layer = learnt(layers=3, connection=connection, stacking=stacking)
    found = layer(INPUTS, mask=tensor(MASK))
    close(found, connected(layer, MASK))
    assert layer.compute_output_shape(INPUTS.shape) == tuple(found.shape)
    assert bool(layer.projections) == (connection in ADDED)
    assert not array(found)[~MASK].any()


@pytest.mark.parametrize(("stacking", "units"), [("interleaved", 2), ("per_direction", 4)])
@pytest.mark.parametrize("connection", ADDED)
def test_inputs_as_wide_as_the_outputs_are_not_projected(connection, stacking, units):
    layer = learnt(units=units, layers=2, connection=connection, stacking=stacking)
    assert not layer.projections
    close(layer(INPUTS), connected(layer, None))


def test_sum_is_not_residual():
    layer = learnt(units=2, layers=3, connection="residual")
    assert differ(copy_of(layer, connection="sum")(INPUTS), layer(INPUTS))


def test_highways_start_nearly_closed():
    layer = RecurrentStack(2, layers=2, connection="highway")
    layer.build(INPUTS.shape)
    assert [array(gate.bias).tolist() for gate in layer.transforms] == [[-1.0] * 4] * 2


@pytest.mark.parametrize("stacking", ["interleaved", "per_direction"])
@pytest.mark.parametrize("connection", [None, "dense", "residual"])
def test_all_layers_of_every_kind(connection, stacking):
    whole = learnt(layers=2, all_layers=True, connection=connection, stacking=stacking)
    found = whole(INPUTS, mask=tensor(MASK))
    close(found[1], copy_of(whole, all_layers=False)(INPUTS, mask=tensor(MASK)))
    lower = RecurrentStack(UNITS, connection=connection, stacking=stacking)
    lower.build(INPUTS.shape)
    for mine, its in zip(lower.recurrent + lower.projections, whole.recurrent[:1] + whole.projections, strict=True):
        mine.set_weights(its.get_weights())
    close(found[0], lower(INPUTS, mask=tensor(MASK)))
    assert whole.compute_output_shape(INPUTS.shape) == [tuple(one.shape) for one in found]


def test_nothing_of_the_padding_reaches_a_connection():
    layer = learnt(layers=2, connection="sum")
    garbage = np.where(MASK[..., None], INPUTS, np.nan).astype("float32")
    close(layer(garbage, mask=tensor(MASK)), layer(INPUTS, mask=tensor(MASK)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"connection": "skip"}, "Unknown connection 'skip'; expected one of residual, highway, dense, sum, or None"),
        ({"stacking": "per_directions"}, "Unknown stacking .*; expected interleaved or per_direction. Did you mean"),
        ({"layer_dropout": 0.1}, "layer_dropout leaves whole layers out, so it needs connection='residual', .* None"),
        ({"layer_dropout": 0.1, "connection": "dense"}, "needs connection='residual', received 'dense'"),
        ({"dropout": (0.1, 0.2)}, r"dropout is one rate, or three: .* Received: \(0.1, 0.2\)"),
        ({"dropout": "0.5"}, r"dropout is one rate, or three: .* Received: '0.5'"),
        ({"dropout": None}, r"dropout is one rate, or three: .* Received: None"),
        ({"cell": GRUCell(3), "units": 4}, "The given GRUCell has units of its own: leave out units=4"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(SettingsError, match=message):
        RecurrentStack(**options)


def test_bad_kinds():
    with pytest.raises(TypeError, match="`cell` is a name or a cell of seqlab, received LSTMCell"):
        RecurrentStack(cell=keras.layers.LSTMCell(3))
    with pytest.raises(ValueError, match="-0.1"):
        RecurrentStack(layer_dropout=-0.1, connection="residual")
    with pytest.raises(ValueError, match="at least 0 and below 1, received 1"):
        RecurrentStack(dropout=(0.1, 0.2, 1))


# Layer dropout


def test_layer_dropout_leaves_whole_layers_out():
    layer = learnt(units=2, layers=1, connection="residual", layer_dropout=0.5)
    still = array(layer(INPUTS, training=False))
    branch, seen = still - INPUTS, set()
    for _ in range(6):
        for row, noisy in enumerate(array(layer(INPUTS, training=True))):
            factor = float(np.round(np.mean((noisy - INPUTS[row]) / branch[row]), 3))
            close(noisy, INPUTS[row] + factor * branch[row])
            seen.add(factor)
    assert seen == {0.0, 2.0}
    assert layer.get_config()["layer_dropout"] == 0.5


# Cells


def test_a_given_cell_is_copied_for_each_layer_and_direction():
    given = ZoneoutCell(LSTMCell(UNITS, "CIFG"), 0.3, seed=5)
    layer = RecurrentStack(cell=given, layers=2)
    layer.build(INPUTS.shape)
    cells = [one.cell for both in layer.recurrent for one in both.both]
    assert [cell.seed for cell in cells] == [5, 6, 7, 8]
    assert {(type(cell), cell.rate, cell.cell.variant) for cell in cells} == {(ZoneoutCell, 0.3, "CIFG")}
    assert len({id(cell) for cell in (given, *cells)}) == 5 and not given.built
    assert layer.cell is given and layer.units is None
    assert len(layer.trainable_weights) == 4 * 4  # with peepholes
    close(copy_of(layer)(INPUTS), layer(INPUTS))


def test_a_given_cell_computes_what_its_name_does():
    named = learnt(layers=2, cell="cifg")
    given = copy_of(named, cell=LSTMCell(UNITS, "CIFG"), units=None)
    close(given(INPUTS, mask=tensor(MASK)), named(INPUTS, mask=tensor(MASK)))


def test_a_projection_sets_the_width():
    options = {"projection": 2, "layer_norm": True, "learned_state": True}
    layer = common.learnt(RecurrentStack(cell=cell_with("np", 5, **options), layers=2, connection="highway"))
    found = layer(INPUTS, mask=tensor(MASK))
    assert tuple(found.shape) == layer.compute_output_shape(INPUTS.shape) == (*INPUTS.shape[:2], 4)
    assert not layer.projections  # the inputs are 4 wide as well


def test_recurrent_dropout_goes_around_a_given_cell():
    layer = RecurrentStack(cell=cell_with("np", 2, zoneout=0.1), recurrent_dropout=0.2)
    outer = layer.recurrent[0].layer.cell
    assert (type(outer), type(outer.cell), outer.rate) == (RecurrentDropoutCell, ZoneoutCell, 0.2)


def test_config_of_an_older_model_loads():
    config = {"units": 3, "layers": 2, "dropout": 0.1, "cell": "np", "recurrent_dropout": 0.2, "all_layers": True}
    layer = RecurrentStack.from_config(config)
    assert (layer.connection, layer.stacking, layer.layer_dropout, layer.cell) == (None, "interleaved", 0.0, "np")
    assert layer.get_config().items() >= config.items()
    assert RecurrentStack().units == 100
