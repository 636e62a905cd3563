"""Both directions in one loop against two layers of their own."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.layers.bidirectional import Bidirectional
from seqlab.layers.cells.gru import GRUCell
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.layers.cells.wrappers import RecurrentDropoutCell
from seqlab.layers.recurrent import Recurrent
from seqlab.layers.running import _alike
from tests.layers.common import (
    INPUTS,
    MASK,
    MASKS,
    PADDING,
    UNITS,
    array,
    close,
    copy_of,
    keras_columns,
    learnt,
    run,
    states_of,
    tensor,
)

MERGES = {
    "concat": lambda one, two: np.concatenate([one, two], axis=-1),
    "sum": np.add,
    "mul": np.multiply,
    "ave": lambda one, two: (one + two) / 2,
    None: lambda one, two: [one, two],
}


def made(merge_mode="concat", cell=LSTMCell, **flags):
    return learnt(Bidirectional(Recurrent(cell(UNITS), **{"return_sequences": True, **flags}), merge_mode))


def apart(layer, mask, states=None):
    """Outputs and states of each direction, run as a layer of its own."""
    count = len(layer.layer.cell.state_size)
    halves = (None, None) if states is None else (states[:count], states[count:])
    found = []
    for one, reverse, half in zip(layer.both, (False, True), halves, strict=True):
        single = copy_of(one, return_state=True, go_backwards=reverse)
        outputs, *last = single(INPUTS, mask=tensor(mask), initial_state=half)
        outputs = ops.flip(outputs, 1) if reverse and one.return_sequences else outputs
        found.append((array(outputs), last))
    return found


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("merge_mode", MERGES)
def test_merges(merge_mode, mask):
    layer = made(merge_mode, GRUCell, return_state=True)
    states = [*states_of(layer.layer.cell), *states_of(layer.layer.cell, 3)]
    found = layer(INPUTS, mask=tensor(mask), initial_state=states)
    (forward, one), (backward, two) = apart(layer, mask, states)
    close(list(found), [MERGES[merge_mode](forward, backward), one, two])
    specs = keras.tree.flatten(layer.compute_output_spec(keras.KerasTensor(INPUTS.shape)))
    assert [spec.shape for spec in specs] == [tuple(x.shape) for x in keras.tree.flatten(found)]


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_last_outputs(mask):
    layer = made(return_sequences=False)
    (forward, _), (backward, _) = apart(layer, mask)
    found = array(layer(INPUTS, mask=tensor(mask)))
    close(found, np.concatenate([forward, backward], axis=-1))
    if mask is not None:
        assert not found[3].any()  # a row without a token


def test_equals_keras():
    layer = made(cell=lambda units: LSTMCell(units, "NP"))
    theirs = keras.layers.Bidirectional(keras.layers.RNN(layer.layer.cell, return_sequences=True))
    theirs.build(INPUTS.shape)
    theirs.set_weights(layer.get_weights())
    close(layer(INPUTS), theirs(INPUTS))
    masked = [array(one(INPUTS, mask=tensor(PADDING)))[PADDING] for one in (layer, theirs)]
    close(*masked)


def test_backward_layer_of_ones_own():
    forward, backward = (Recurrent(cell, return_sequences=True) for cell in (LSTMCell(UNITS), GRUCell(2)))
    layer = learnt(Bidirectional(forward, backward_layer=backward))
    (one, _), (two, _) = apart(layer, MASK)
    close(layer(INPUTS, mask=tensor(MASK)), np.concatenate([one, two], axis=-1))
    again = copy_of(layer)
    assert isinstance(again.backward_layer.cell, GRUCell)
    close(again(INPUTS), layer(INPUTS))
    assert layer.compute_output_spec(keras.KerasTensor((2, 7, 4))).shape == (2, 7, UNITS + 2)


def test_directions_have_weights_of_their_own():
    layer = Bidirectional(Recurrent(LSTMCell(UNITS)))
    layer.build(INPUTS.shape)
    assert len(layer.trainable_weights) == 8
    assert (array(layer.layer.cell.kernel_weight) != array(layer.backward_layer.cell.kernel_weight)).any()


def test_lengths_and_carried_masks():
    layer = made()
    expected = layer(INPUTS, mask=tensor(PADDING))
    close(layer(INPUTS, mask=ops.convert_to_tensor(PADDING.sum(1))), expected)
    outputs = layer(keras.layers.Masking(9.0)(np.where(PADDING[..., None], INPUTS, np.float32(9))))
    close(outputs, expected)
    np.testing.assert_array_equal(array(outputs._keras_mask) == 1, PADDING)


def test_masks_for_the_layers_above():
    counts = {(sequences, merge): 1 for sequences in (True, False) for merge in ("sum", None)}
    for sequences, merge in counts:
        for state in (True, False):
            layer = Bidirectional(
                Recurrent(LSTMCell(2), return_sequences=sequences, return_state=state), merge_mode=merge
            )
            found = layer.compute_mask(INPUTS, MASK)
            masks = found if isinstance(found, list) else [found]
            outputs = 1 if merge else 2
            assert len(masks) == outputs + (4 if state else 0)
            assert all(mask is (MASK if sequences else None) for mask in masks[:outputs])
            assert masks[outputs:] == [None] * (4 if state else 0)


def test_unknown_merge_mode():
    with pytest.raises(ValueError, match="Unknown merge_mode 'conat'; expected one of concat, .*Did you mean 'concat'"):
        Bidirectional(Recurrent(LSTMCell(2)), "conat")


def test_holds_a_recurrent_layer():
    with pytest.raises(TypeError, match="holds a Recurrent layer, received LSTM"):
        Bidirectional(keras.layers.LSTM(2))


@pytest.mark.parametrize("bad", [{"return_state": True}, {"truncation": 3}, {"stateful": True}], ids=str)
def test_layers_that_do_not_go_together(bad):
    with pytest.raises(ValueError, match="two layers with the same return_sequences, return_state, stateful, trunc"):
        Bidirectional(Recurrent(LSTMCell(2)), backward_layer=Recurrent(LSTMCell(2), **bad))


def test_two_layers_that_read_the_same_way():
    one, two = (Recurrent(LSTMCell(2), go_backwards=True) for _ in range(2))
    with pytest.raises(ValueError, match="received two with go_backwards=True: leave it out of the one"):
        Bidirectional(one, backward_layer=two)


@pytest.mark.parametrize("sequences", [True, False], ids=["sequences", "last"])
@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
def test_states_are_kept_and_directions_turned_as_keras_does(backwards, sequences):
    flags = {"return_sequences": sequences, "stateful": True}
    ours = learnt(Bidirectional(Recurrent(LSTMCell(UNITS, "NP"), go_backwards=backwards, **flags)))
    parts = [keras.layers.LSTM(UNITS, go_backwards=turned, **flags) for turned in (backwards, not backwards)]
    theirs = keras.layers.Bidirectional(parts[0], backward_layer=parts[1])
    theirs.build(INPUTS.shape)
    for weight, source in zip(theirs.trainable_weights, ours.trainable_weights, strict=True):
        weight.assign(keras_columns(source))
    first, second = INPUTS[:, :3], INPUTS[:, 3:]
    expected = [theirs(first), theirs(second)]
    last = [*theirs.forward_layer.states, *theirs.backward_layer.states]
    for _ in range(2):
        close([ours(first), ours(second)], expected)
        close([state for one in ours.both for state in one.states], last)
        ours.reset_state()
    assert not any(array(state).any() for one in ours.both for state in one.states)


@pytest.mark.parametrize("sequences", [True, False], ids=["sequences", "last"])
def test_a_layer_that_goes_backwards_turns_both_halves(sequences):
    turned = made(None, go_backwards=True, return_sequences=sequences)
    plain = made(None, return_sequences=sequences)
    weights = turned.get_weights()
    half = len(weights) // 2
    plain.set_weights([*weights[half:], *weights[:half]])
    backward, forward = plain(INPUTS, mask=tensor(MASK))[::-1]
    expected = [ops.flip(x, 1) for x in (backward, forward)] if sequences else [backward, forward]
    close(turned(INPUTS, mask=tensor(MASK)), expected)
    if sequences:
        np.testing.assert_array_equal(array(turned.compute_mask(INPUTS, tensor(MASK))[0]), MASK[:, ::-1])
        apart = turned.apart(ops.convert_to_tensor(INPUTS), ops.convert_to_tensor(INPUTS), mask=tensor(MASK))
        close(apart, expected)
    close(copy_of(turned)(INPUTS), turned(INPUTS))


def test_a_turned_layer_equals_keras_with_gradients():
    ours = made(cell=lambda units: LSTMCell(units, "NP"), go_backwards=True)
    parts = [keras.layers.LSTM(UNITS, return_sequences=True, go_backwards=turned) for turned in (True, False)]
    theirs = keras.layers.Bidirectional(parts[0], backward_layer=parts[1])
    theirs.build(INPUTS.shape)
    theirs.set_weights([keras_columns(weight) for weight in ours.get_weights()])
    outputs, (by_inputs, *by_weights) = run(ours)
    close((outputs, [by_inputs, *map(keras_columns, by_weights)]), run(theirs))


@pytest.mark.parametrize("merge_mode", MERGES)
def test_widths_that_cannot_be_merged(merge_mode):
    parts = [Recurrent(LSTMCell(units), return_sequences=True) for units in (2, 3)]
    if merge_mode in ("concat", None):
        found = keras.tree.flatten(Bidirectional(parts[0], merge_mode, parts[1])(INPUTS))
        assert [one.shape[-1] for one in found] == ([2, 3] if merge_mode is None else [5])
    else:
        with pytest.raises(ValueError, match=r"needs outputs of one width, the layers' are \[2, 3\]: use 'concat'"):
            Bidirectional(parts[0], merge_mode, parts[1])


def test_states_of_both_directions():
    layer = made()
    for states, received in (([np.zeros((4, UNITS))] * 3, "3"), (np.zeros((4, UNITS)), "one tensor")):
        with pytest.raises(ValueError, match=f"list of 4 tensors, the forward states and then .* received {received}"):
            layer(INPUTS, initial_state=states)


@pytest.mark.parametrize("other", [LSTMCell, GRUCell])
def test_masks_may_be_left_out_of_the_states_of_both_directions(other):
    parts = [Recurrent(cell(UNITS), return_sequences=True) for cell in (LSTMCell, other)]
    plain = learnt(Bidirectional(parts[0], backward_layer=parts[1]))
    layer = Bidirectional(
        Recurrent(RecurrentDropoutCell(parts[0].cell, 0.5, seed=1), return_sequences=True),
        backward_layer=Recurrent(RecurrentDropoutCell(parts[1].cell, 0.5, seed=2), return_sequences=True),
    )
    states = [state for one in plain.both for state in states_of(one.cell)]
    count = len(parts[0].cell.state_size)
    close(layer(INPUTS, initial_state=states), plain(INPUTS, initial_state=states))
    masks = [np.full((4, UNITS), size, "float32") for size in (0, 2)]
    whole = [*states[:count], masks[0], *states[count:], masks[1]]
    found = array(layer(INPUTS, initial_state=whole, training=True))
    assert np.isfinite(found).all()
    assert (found != array(layer(INPUTS, initial_state=states))).any()
    sizes = f"list of {len(states)} tensors \\(or {len(states) + 2}, masks included\\)"
    with pytest.raises(ValueError, match=f"{sizes}, .* received {len(states) - 1}"):
        layer(INPUTS, initial_state=states[:-1])


def test_a_seed_gives_each_direction_masks_of_its_own_in_one_loop():
    layer = Bidirectional(Recurrent(RecurrentDropoutCell(LSTMCell(8), 0.5, seed=1)))
    forward, backward = (array(one.cell.start(4, True)[-1]) for one in layer.both)
    assert (forward != backward).any()
    assert _alike(layer.layer.cell, layer.backward_layer.cell)


def test_two_kinds_of_cell_return_the_states_of_both():
    layer = Bidirectional(
        Recurrent(LSTMCell(UNITS), return_state=True), backward_layer=Recurrent(GRUCell(UNITS), return_state=True)
    )
    outputs, *states = layer(INPUTS)
    assert len(states) == 3
    np.testing.assert_array_equal(array(layer(INPUTS, initial_state=[0 * x for x in states])[0]), array(outputs))


def test_a_backward_layer_of_keras_is_refused():
    with pytest.raises(TypeError, match="backward_layer is a Recurrent layer too, received LSTM"):
        Bidirectional(Recurrent(LSTMCell(UNITS)), backward_layer=keras.layers.LSTM(UNITS))


def test_inside_time_distributed():
    inner = Bidirectional(Recurrent(LSTMCell(UNITS), return_sequences=True))
    outputs = keras.layers.TimeDistributed(inner)(keras.Input((6, 5, 4)))
    assert outputs.shape == (None, 6, 5, 2 * UNITS)


def test_directions_apart_read_inputs_of_their_own():
    layer = learnt(Bidirectional(Recurrent(GRUCell(UNITS), return_sequences=True)))
    other = INPUTS[::-1].copy()
    found = layer.apart(ops.convert_to_tensor(INPUTS), ops.convert_to_tensor(other), mask=tensor(MASK))
    forward, backward = (layer(x, mask=tensor(MASK)) for x in (INPUTS, other))
    close(found, (forward[..., :UNITS], backward[..., UNITS:]))
