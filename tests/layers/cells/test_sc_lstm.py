"""The shared-cell LSTM against NumPy, with all tasks and with one."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seqlab.layers.bidirectional import Bidirectional
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.layers.cells.sc_lstm import SCLSTMCell
from seqlab.layers.cells.wrappers import RecurrentDropoutCell
from seqlab.layers.recurrent import Recurrent
from tests.layers.common import (
    INPUTS,
    MASK,
    MASKS,
    UNITS,
    array,
    close,
    copy_of,
    differ,
    exact,
    learnt,
    run,
    states_of,
    tensor,
    unfused,
)
from tests.oracles import recurrent as oracles

TASKS = 3


def made(kind=None, **options):
    layer = Recurrent(SCLSTMCell(UNITS, TASKS), return_sequences=True, **options)
    return learnt(layer if kind is None else kind(layer))


def oracle_weights(cell):
    w = {}
    for name, prefix in (("kernel_weight", "U"), ("recurrent", "W"), ("bias", "b")):
        parts = np.split(exact(getattr(cell.shared, name)), 4, axis=-1)
        w |= {f"{prefix}_{gate}": part for gate, part in zip("cifo", parts, strict=True)}
    for k, gate in enumerate(cell.gates):
        w |= {f"{prefix}_{k}": exact(weight) for prefix, weight in zip("UWb", gate, strict=True)}
    return w


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_equals_the_oracle(mask):
    layer = made(return_state=True)
    outputs, *states = [array(x) for x in layer(INPUTS, mask=tensor(mask))]
    for row, real in enumerate(np.ones((4, 5), bool) if mask is None else mask):
        h, c, q = oracles.sc_lstm(INPUTS[row][real], oracle_weights(layer.cell), range(TASKS))
        sequences = [h, c, *q.values()]
        close(outputs[row][real], np.concatenate([h, *q.values()], axis=-1))
        assert not outputs[row][~real].any()
        for state, sequence in zip(states, sequences, strict=True):
            close(state[row], sequence[-1] if len(sequence) else np.zeros(UNITS))


@pytest.mark.parametrize("task", range(TASKS))
def test_one_task_is_a_part_of_all(task):
    layer = made(return_state=True)
    states = states_of(layer.cell)
    both, *last = layer(INPUTS, mask=tensor(MASK), initial_state=states)
    part, *found = layer(INPUTS, mask=tensor(MASK), initial_state=states, task=task)
    h, *views = np.split(array(both), 1 + TASKS, axis=-1)
    close(part, np.concatenate([views[task], h], axis=-1))
    for k, (state, end, start) in enumerate(zip(found, last, states, strict=True)):
        close(state, end if k in (0, 1, 2 + task) else start)  # gates of other tasks do not move


def test_one_task_in_the_plain_loop():
    layer = made()
    close(unfused(layer)(INPUTS, mask=tensor(MASK), task=1), layer(INPUTS, mask=tensor(MASK), task=1))


def test_gates_of_other_tasks_get_no_gradient():
    layer = made()
    _, gradients = run(layer, task=1)
    moved = {weight.path for weight, g in zip(layer.trainable_weights, gradients[1:], strict=True) if g.any()}
    own = {weight.path for weight in (*layer.cell.gates[1], *layer.cell.shared.trainable_weights)}
    assert moved == own
    _, gradients = run(layer)
    assert all(g.any() for g in gradients)


def test_recurrent_dropout_drops_every_view():
    layer = made()
    dropping = Recurrent(RecurrentDropoutCell(layer.cell, 0.5), return_sequences=True)
    states = states_of(layer.cell)
    found = dropping(INPUTS, initial_state=[*states, np.zeros((4, UNITS), "float32")], training=True)
    for weight in (layer.cell.shared.recurrent, *(gate[1] for gate in layer.cell.gates)):
        weight.assign(0 * array(weight))
    close(found, layer(INPUTS, initial_state=states))


@pytest.mark.parametrize("tasks", [1, TASKS])
def test_floats_kept_for_the_backward_pass(tasks, monkeypatch):
    """Of the shared LSTM 6 H a token, and 1 H, the gate, for each task."""
    saved = []

    def noted(forward, backward):
        def outputs_of(*inputs):
            outputs, kept = forward(*inputs)
            saved.extend(array(x) for x in keras.tree.flatten(kept) if x is not None)
            return outputs

        return outputs_of

    monkeypatch.setattr("seqlab.ops.recurrence.fused.differentiable", noted)
    made()(INPUTS, task=0 if tasks == 1 else None)
    # c is kept twice, as one tensor.
    different = {x.tobytes(): x for x in saved if x.shape[:2] == (5, 4)}
    assert sum(x.size for x in different.values()) == (6 + tasks) * 5 * 4 * UNITS


def test_both_directions_with_a_task():
    layer = made(Bidirectional)
    both, part = (array(layer(INPUTS, mask=tensor(MASK), **options)) for options in ({}, {"task": 2}))
    forward, backward = (np.split(x, 1 + TASKS, axis=-1) for x in np.split(both, 2, axis=-1))
    close(part, np.concatenate([forward[3], forward[0], backward[3], backward[0]], axis=-1))
    assert layer.compute_output_spec(INPUTS, task=2).shape == part.shape


def test_shared_part_is_an_lstm():
    layer = made()
    plain = learnt(Recurrent(LSTMCell(UNITS, "NP"), return_sequences=True))
    plain.set_weights(layer.cell.shared.get_weights())
    close(layer(INPUTS)[..., :UNITS], plain(INPUTS))


def test_variant_and_initialisers_take_part():
    usual, other = (learnt(Recurrent(SCLSTMCell(UNITS, 1, code), return_sequences=True)) for code in ("NP", "CIFG"))
    assert differ(usual(INPUTS), other(INPUTS))
    cell = SCLSTMCell(1, 1, "V", kernel_initializer="ones", recurrent_initializer="zeros", bias_initializer="ones")
    cell.build((None, 2))
    assert cell.shared.peepholes is not None
    assert all((array(weight) == (0 if "recurrent" in weight.path else 1)).all() for weight in cell.gates[0])
    layer = made()
    close(copy_of(layer)(INPUTS), layer(INPUTS))


@pytest.mark.parametrize("task", [-1, TASKS, True, 1.0])
@pytest.mark.parametrize("kind", [None, Bidirectional])
def test_unknown_task(kind, task):
    layer = made(kind)
    with pytest.raises(ValueError, match=rf"serves tasks 0 to 2, given as a whole number; received task={task}"):
        layer(INPUTS, task=task)


def test_a_cell_of_one_task_takes_none():
    with pytest.raises(ValueError, match="LSTMCell does not serve several tasks; received task=0"):
        Recurrent(LSTMCell(UNITS))(INPUTS, task=0)


@pytest.mark.parametrize("options", [{"tasks": 0}, {"tasks": 2, "variant": "FGR"}], ids=str)
def test_bad_options(options):
    with pytest.raises(ValueError, match="`tasks` must be a whole number|choose another variant than 'FGR'"):
        SCLSTMCell(UNITS, **options)


def test_gates_of_tasks_start_apart():
    cell = SCLSTMCell(UNITS, tasks=2)
    cell.build((None, 4))
    for one, other in zip(*cell.gates, strict=True):
        assert one.ndim == 1 or (array(one) != array(other)).all()
