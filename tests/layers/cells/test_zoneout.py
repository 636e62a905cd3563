"""Zoneout around a cell."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seqlab.layers.cells.gru import GRUCell
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.layers.cells.sc_lstm import SCLSTMCell
from seqlab.layers.cells.wrappers import ResidualCell
from seqlab.layers.cells.zoneout import ZoneoutCell
from seqlab.layers.recurrent import Recurrent
from tests.layers.common import (
    INPUTS,
    MASK,
    UNITS,
    array,
    close,
    learnt,
    lstm_weights,
    run,
    sentences,
    states_of,
    tensor,
)
from tests.oracles.recurrent import lstm_np

WIDE = 400


def wide(rate=0.3, cell_rate=0.0, seed=None, kind=LSTMCell):
    cell = ZoneoutCell(kind(WIDE), rate, cell_rate, seed=seed)
    return learnt(Recurrent(cell, return_sequences=True, return_state=True))


def kept(layer):
    """Where outputs stay as they were, (batch, time - 1, units)."""
    outputs = array(layer(INPUTS, training=True)[0])
    return outputs[:, 1:] == outputs[:, :-1]


@pytest.mark.parametrize("kind", [LSTMCell, GRUCell])
def test_share_of_units_kept_is_the_rate(kind):
    unmoved = kept(wide(0.0, kind=kind)).mean()  # by a GRU whose update gate is shut
    assert kept(wide(0.3, kind=kind)).mean() == pytest.approx(0.3 + 0.7 * unmoved, abs=0.03)


def test_every_step_row_and_call_draws_anew():
    layer = wide(0.5)
    one, other = kept(layer), kept(layer)
    assert (one != other).any()
    assert (one[:, 0] != one[:, 1]).any()
    assert (one[0] != one[1]).any()
    both = (one[:, 0] & one[:, 1]).mean()
    assert both == pytest.approx(0.25, abs=0.05)  # steps are independent


def test_rate_of_the_cell_is_its_own():
    """With a cell rate alone, cells stay, outputs do not."""
    layer = wide(0.0, 0.4)
    step = INPUTS[:, :1]
    _, y, c, *_ = layer(step, training=True, initial_state=layer.cell.start(4, True))
    assert (array(c) == 0).mean() == pytest.approx(0.4, abs=0.05)
    assert (array(y) == 0).mean() < 0.01


def test_same_in_a_loop_of_keras():
    theirs = keras.layers.RNN(wide(0.3).cell, return_sequences=True)
    outputs = array(theirs(INPUTS, training=True))
    stayed = outputs[:, 1:] == outputs[:, :-1]
    assert stayed.mean() == pytest.approx(0.3, abs=0.03)
    assert (stayed[:, 0] != stayed[:, 1]).any()


def expectation(cell):
    """The oracle's step, then the expectation over what is kept."""

    def run(steps, y, c):
        ys, cs = [], []
        for x in steps:
            (new_y,), (new_c,) = lstm_np(x[None], lstm_weights(cell.cell), y, c)
            y = cell.rate * y + (1 - cell.rate) * new_y
            c = cell.cell_rate * c + (1 - cell.cell_rate) * new_c
            ys.append(y)
            cs.append(c)
        return np.array(ys).reshape(-1, UNITS), np.array(cs).reshape(-1, UNITS)

    return run


def test_inference_is_the_expectation():
    cell = ZoneoutCell(LSTMCell(UNITS, "NP"), 0.3, 0.1)
    layer = learnt(Recurrent(cell, return_sequences=True, return_state=True))
    states = states_of(cell)
    outputs, *finals = layer(INPUTS, mask=tensor(MASK), initial_state=states)
    expected, last = sentences(expectation(cell), INPUTS, MASK, states[:2])
    close((outputs, finals[:2]), (expected, last))


def test_gradients_in_training():
    layer = learnt(Recurrent(ZoneoutCell(LSTMCell(UNITS), 0.3, 0.2), return_sequences=True))
    outputs, gradients = run(layer, mask=tensor(MASK), training=True)
    assert not outputs[0][~MASK].any()
    assert all(np.isfinite(g).all() and g.any() for g in gradients)


def test_seed_makes_it_repeatable():
    assert (kept(wide(0.5, seed=1)) == kept(wide(0.5, seed=1))).all()
    assert (kept(wide(0.5, seed=1)) != kept(wide(0.5, seed=2))).any()


@pytest.mark.parametrize("cell", [ResidualCell(LSTMCell(4)), SCLSTMCell(4, 2)], ids=lambda cell: type(cell).__name__)
def test_output_must_be_a_state(cell):
    with pytest.raises(ValueError, match="needs a cell whose output is its first state; .*'s is not"):
        ZoneoutCell(cell, 0.1)


def test_a_cell_that_draws_belongs_outside():
    with pytest.raises(ValueError, match="received a ZoneoutCell: put it around the cell inside"):
        ZoneoutCell(ZoneoutCell(LSTMCell(3), 0.1), 0.1)
