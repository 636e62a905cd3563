"""Recurrent dropout, residual connections and learned states around a cell."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.layers.bidirectional import Bidirectional
from seqlab.layers.cells.gru import GRUCell, SRNCell
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.layers.cells.sc_lstm import SCLSTMCell
from seqlab.layers.cells.wrappers import LearnedStateCell, RecurrentDropoutCell, ResidualCell
from seqlab.layers.cells.zoneout import ZoneoutCell
from seqlab.layers.recurrent import Recurrent
from tests.layers.common import (
    INPUTS,
    MASK,
    UNITS,
    array,
    close,
    copy_of,
    differ,
    learnt,
    run,
    states_of,
    tensor,
    unfused,
)

WRAPPERS = {
    "RecurrentDropoutCell": lambda cell: RecurrentDropoutCell(cell, 0.5),
    "ResidualCell": ResidualCell,
    "LearnedStateCell": LearnedStateCell,
    "ZoneoutCell": lambda cell: ZoneoutCell(cell, 0.5, 0.2),
}


def masks_of(layer, calls=1):
    """The masks that a layer with recurrent dropout draws in training, (batch, units)."""
    return [array(layer(INPUTS, training=True)[-1]) for _ in range(calls)]


def wide(rate=0.4, cell=LSTMCell):
    return learnt(Recurrent(RecurrentDropoutCell(cell(500), rate), return_sequences=True, return_state=True))


@pytest.mark.parametrize("kind", [LSTMCell, GRUCell, SRNCell])
def test_dropout_is_a_product_of_the_state_that_enters_the_recurrence(kind):
    """With one mask for all rows, dropping is the same as weights without those rows."""
    layer = learnt(Recurrent(RecurrentDropoutCell(kind(UNITS), 0.5), return_sequences=True, return_state=True))
    kept = np.array([2.0, 0.0, 2.0], "float32")
    inner = states_of(layer.cell.cell)
    found = layer(INPUTS, initial_state=[*inner, np.tile(kept, (4, 1))], training=True)
    plain = learnt(Recurrent(kind(UNITS), return_sequences=True, return_state=True))
    plain.set_weights(layer.get_weights())
    plain.cell.recurrent.assign(kept[:, None] * array(plain.cell.recurrent))
    close(found[:-1], plain(INPUTS, initial_state=inner))
    close(found[-1], np.tile(kept, (4, 1)))


@pytest.mark.parametrize("fuse", [True, False], ids=["fused", "plain"])
def test_dropout_around_dropout_multiplies_the_masks(fuse):
    cell = RecurrentDropoutCell(RecurrentDropoutCell(SRNCell(UNITS), 0.5), 0.5)
    layer = learnt(Recurrent(cell, return_sequences=True))
    layer = layer if fuse else unfused(layer)
    (y,) = states_of(layer.cell)[:1]
    masks = [np.where(np.arange(UNITS) != zero, 2.0, 0).astype("float32") * np.ones_like(y) for zero in (0, 2)]
    found = array(layer(INPUTS[:, :1], initial_state=[y, *masks], training=True))[:, 0]
    x = array(layer.cell.cell.cell.entered(INPUTS[:, 0])[0])
    weights = array(layer.cell.cell.cell.recurrence().recurrent)
    close(found, np.tanh(x + (y * masks[0] * masks[1]) @ weights))


def test_dropout_mask_is_one_for_each_row_and_new_for_each_call():
    one, other = masks_of(wide(), calls=2)
    assert set(np.unique(one)) == {0, np.float32(1 / 0.6)}
    assert (one != other).any()
    assert (one[0] != one[1]).any()
    assert np.mean(one == 0) == pytest.approx(0.4, abs=0.05)
    assert one.mean() == pytest.approx(1, abs=0.1)


def test_no_dropout_at_inference():
    layer = wide()
    plain = Recurrent(LSTMCell(500), return_sequences=True, return_state=True)
    plain.build(INPUTS.shape)
    plain.set_weights(layer.get_weights())
    *found, mask = layer(INPUTS, training=False)
    close(found, plain(INPUTS))
    close(mask, np.ones((4, 500)))
    zero = copy_of(layer)
    zero.cell.rate = 0.0
    close(zero(INPUTS, training=True)[0], found[0])
    assert differ(layer(INPUTS, training=True)[0], found[0])


def test_directions_draw_masks_of_their_own():
    layer = learnt(
        Bidirectional(Recurrent(RecurrentDropoutCell(LSTMCell(50), 0.5), return_sequences=True, return_state=True))
    )
    _, *states = layer(INPUTS, training=True)
    assert (array(states[2]) != array(states[5])).any()


def test_leak_path_of_a_gru_is_not_dropped():
    """An update gate that is open keeps the whole state, dropped or not."""
    layer = wide(0.5, GRUCell)
    layer.cell.cell.bias.assign(np.concatenate([np.zeros(500), np.full(500, 1e4), np.zeros(500)]))
    state = np.ones((4, 500), "float32")
    mask = array(keras.random.dropout(ops.convert_to_tensor(state), 0.5))
    outputs, last, _ = layer(INPUTS, initial_state=[state, mask], training=True)
    close((outputs[:, -1], last), (state, state))


@pytest.mark.parametrize("kind", [RecurrentDropoutCell, ZoneoutCell])
@pytest.mark.parametrize("rate", [-0.1, 1.0, 2])
def test_bad_rate(kind, rate):
    with pytest.raises(ValueError, match=f"at least 0 and below 1, received {rate}"):
        kind(LSTMCell(UNITS), rate)


@pytest.mark.parametrize("make", WRAPPERS.values(), ids=WRAPPERS)
def test_wrappers_hold_cells_of_seqlab(make):
    with pytest.raises(TypeError, match="holds a cell of seqlab, received GRUCell"):
        make(keras.layers.GRUCell(UNITS))


@pytest.mark.parametrize("make", WRAPPERS.values(), ids=WRAPPERS)
def test_configs_and_protocol_in_a_loop_of_keras(make):
    """At inference: in `keras.layers.RNN` and in `Recurrent` the same."""
    ours = learnt(Recurrent(make(LSTMCell(4)), return_sequences=True))
    theirs = keras.layers.RNN(ours.cell, return_sequences=True)
    close(ours(INPUTS, training=False), theirs(INPUTS, training=False))
    again = type(ours.cell).from_config(ours.cell.get_config())
    assert again.get_config() == ours.cell.get_config()
    assert again.cell is not ours.cell.cell
    loop = keras.layers.RNN(again, return_sequences=True, return_state=True)
    assert np.isfinite(array(loop(INPUTS, training=True)[0])).all()


def test_seed_makes_dropout_repeatable():
    def masks(seed):
        return masks_of(Recurrent(RecurrentDropoutCell(LSTMCell(50), 0.5, seed=seed), return_state=True))[0]

    close(masks(1), masks(1))
    assert (masks(1) != masks(2)).any()


def test_residual_adds_the_input():
    layer = learnt(Recurrent(ResidualCell(LSTMCell(4)), return_sequences=True, return_state=True))
    plain = Recurrent(LSTMCell(4), return_sequences=True, return_state=True)
    plain.build(INPUTS.shape)
    plain.set_weights(layer.get_weights())
    found, *states = layer(INPUTS, mask=tensor(MASK))
    expected, *last = plain(INPUTS, mask=tensor(MASK))
    close((found, states), (array(expected) + INPUTS * MASK[..., None], last))  # the state is without the input


def test_residual_width():
    with pytest.raises(ValueError, match="inputs of width 4 to outputs of width 3: give the cell 4 units"):
        Recurrent(ResidualCell(LSTMCell(UNITS)))(INPUTS)


def test_residual_serves_no_single_task():
    layer = Recurrent(ResidualCell(SCLSTMCell(2, tasks=1)), return_sequences=True)
    with pytest.raises(ValueError, match="all tasks at once; received task=0"):
        layer(INPUTS, task=0)


def test_a_cell_around_a_residual_one_keeps_its_output():
    """What is wrapped says whether the output is the state: zoneout of a sum with the input would lose the input."""
    for wrap in (lambda cell: RecurrentDropoutCell(cell, 0.5), LearnedStateCell):
        with pytest.raises(ValueError, match="needs a cell whose output is its first state"):
            ZoneoutCell(wrap(ResidualCell(LSTMCell(4))), 0.5)
    found = learnt(Recurrent(RecurrentDropoutCell(ResidualCell(LSTMCell(4)), 0.5), return_sequences=True))
    close(found(INPUTS), learnt(Recurrent(ResidualCell(LSTMCell(4)), return_sequences=True))(INPUTS))


def test_learned_states_start_every_row():
    layer = learnt(Recurrent(LearnedStateCell(LSTMCell(UNITS)), return_sequences=True, return_state=True))
    plain = Recurrent(LSTMCell(UNITS), return_sequences=True, return_state=True)
    plain.build(INPUTS.shape)
    plain.set_weights(layer.cell.cell.get_weights())
    states = [np.tile(array(state), (4, 1)) for state in layer.cell.initial]
    close(layer(INPUTS, mask=tensor(MASK)), plain(INPUTS, mask=tensor(MASK), initial_state=states))
    given = states_of(layer.cell)
    close(layer(INPUTS, initial_state=given), plain(INPUTS, initial_state=given))


def test_gradients_reach_learned_states():
    layer = learnt(Recurrent(LearnedStateCell(LSTMCell(UNITS)), return_sequences=True))
    _, gradients = run(layer, mask=tensor(MASK))
    paths = [weight.path for weight in layer.trainable_weights]
    found = {path: g for path, g in zip(paths, gradients[1:], strict=True) if "initial" in path}
    assert len(found) == 2
    assert all(g.all() for g in found.values())


def test_initialiser_of_learned_states():
    cell = LearnedStateCell(SRNCell(2), initializer="ones")
    cell.build((None, 3))
    assert array(cell.initial[0]).tolist() == [1, 1]


@pytest.mark.parametrize("wrap", [lambda c: RecurrentDropoutCell(c, 0.5), lambda c: ZoneoutCell(c, 0.5)])
def test_masks_and_generators_are_not_learned(wrap):
    with pytest.raises(ValueError, match="LearnedStateCell goes inside"):
        LearnedStateCell(wrap(LSTMCell(UNITS)))


def test_wrappers_nest():
    cell = RecurrentDropoutCell(ResidualCell(LearnedStateCell(SCLSTMCell(2, 1))), 0.3)
    layer = learnt(Recurrent(cell, return_sequences=True))
    assert layer.cell.fusable()
    assert np.isfinite(array(layer(INPUTS, training=True))).all()
    again = Recurrent.from_config(layer.get_config())
    again.build(INPUTS.shape)
    again.set_weights(layer.get_weights())
    close(again(INPUTS), layer(INPUTS))
    assert ops.shape(layer(INPUTS)) == (4, 5, 4)
