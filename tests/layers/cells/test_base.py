"""The contract of cells: one step at a time in a loop of one's own equals a layer."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.layers.cells.base import Options, RecurrentCell, Run, after_last
from seqlab.layers.cells.gru import GRUCell, SRNCell
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.layers.cells.sc_lstm import SCLSTMCell
from seqlab.layers.recurrent import Recurrent
from tests.layers.common import INPUTS, UNITS, array, close, learnt, states_of

KINDS = {
    "lstm": lambda **options: LSTMCell(UNITS, **options),
    "fgr": lambda **options: LSTMCell(UNITS, "FGR", **options),
    "gru": lambda **options: GRUCell(UNITS, **options),
    "srn": lambda **options: SRNCell(UNITS, **options),
    "sc": lambda **options: SCLSTMCell(UNITS, 2, **options),
}


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_steps_by_hand(make):
    layer = learnt(Recurrent(make(), return_sequences=True, return_state=True))
    states = [ops.convert_to_tensor(state) for state in states_of(layer.cell)]
    found, *last = layer(INPUTS, initial_state=states)
    outputs = []
    for t in range(5):
        output, states = layer.cell(INPUTS[:, t], states)
        assert isinstance(states, list) and output.shape == (4, layer.cell.output_size)
        outputs.append(output)
    close((found, last), (ops.stack(outputs, axis=1), states))


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_initial_states_are_zeros_of_the_right_size_and_type(make):
    cell = make(dtype="mixed_bfloat16")
    states = cell.get_initial_state(batch_size=2)
    assert [tuple(state.shape) for state in states] == [(2, size) for size in cell.state_size]
    assert {keras.backend.standardize_dtype(state.dtype) for state in states} == {"bfloat16"}
    assert not any(array(state).any() for state in states)


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_inputs_of_unknown_width(make):
    with pytest.raises(ValueError, match=r"Cell needs inputs of a known width, received the shape \(None, None\)"):
        Recurrent(make()).build((None, 7, None))


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_states_of_another_width(make):
    cell = learnt(make(), (None, 4))
    for states in (states_of(cell)[:-1], [*states_of(cell)[:-1], INPUTS[:, 0]]):
        with pytest.raises(ValueError, match=r"Cell takes states \(batch, width\) of the widths .*, received \["):
            cell(INPUTS[:, 0], states)


def test_states_are_computed_where_they_are_wanted():
    cell = learnt(GRUCell(UNITS), (None, 4))
    steps = ops.transpose(INPUTS, (1, 0, 2))
    start = tuple(states_of(cell))
    for wanted in (False, True):
        (ran,) = cell.run([Run(cell, steps, start)], Options(states=wanted))
        close(ran.states[0], ran.outputs[-1] if wanted else start[0])


def test_after_last():
    sequences = [np.arange(6.0).reshape(3, 2, 1), -np.arange(6.0).reshape(3, 2, 1)]
    before = (np.full((2, 1), 9.0), np.full((2, 1), 8.0))
    valid = ops.convert_to_tensor([[True, False], [True, False], [False, False]])
    run = Run(None, None, before, valid)
    found = after_last([ops.convert_to_tensor(x) for x in sequences], run)
    assert [array(x).tolist() for x in found] == [[[2], [9]], [[-2], [8]]]


def test_a_subclass_says_what_it_is():
    class Bare(RecurrentCell):
        state_size = [2]
        output_size = 2

    missing = {"kernel": Bare().kernel, "recurrence": Bare().recurrence, "entered": lambda: Bare().entered(INPUTS)}
    for name, call in missing.items():
        with pytest.raises(NotImplementedError, match=f"Bare must write `{name}`"):
            call()


def test_a_cell_of_a_users_own_needs_no_kernel():
    """What has no kernel says that it is not fusable, and runs through the plain loop."""

    class Counting(RecurrentCell):
        state_size = [1]
        output_size = 1

        def fusable(self):
            return False

        def call(self, inputs, states, training=None):
            after = states[0] + ops.sum(inputs, axis=-1, keepdims=True)
            return after, [after]

    mask = np.array([[1, 1, 0, 1, 0]] * 4, bool)
    found = Recurrent(Counting(), return_sequences=True)(INPUTS, mask=ops.convert_to_tensor(mask))
    sums = np.where(mask, INPUTS.sum(-1), 0).cumsum(1) * mask
    close(found, sums[..., None])
