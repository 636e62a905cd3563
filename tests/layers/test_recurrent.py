"""A recurrent layer: states, masks, precision, training, files."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.layers.bidirectional import Bidirectional
from seqlab.layers.cells.gru import GRUCell
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.layers.cells.sc_lstm import SCLSTMCell
from seqlab.layers.cells.wrappers import LearnedStateCell, RecurrentDropoutCell
from seqlab.layers.cells.zoneout import ZoneoutCell
from seqlab.layers.recurrent import Recurrent, last_output
from seqlab.testing import checks
from tests.layers.common import (
    INPUTS,
    MASK,
    MASKS,
    PADDING,
    UNITS,
    array,
    close,
    copy_of,
    learnt,
    run,
    states_of,
    tensor,
)

CELLS = {
    "lstm": lambda **options: LSTMCell(UNITS, **options),
    "fgr": lambda **options: LSTMCell(UNITS, "FGR", gate_slope=True, **options),
    "normalized": lambda **options: LSTMCell(UNITS, normalized=True, **options),
    "gru": lambda **options: GRUCell(UNITS, **options),
    "gru_after": lambda **options: GRUCell(UNITS, reset_after=True, **options),
    "sc": lambda **options: SCLSTMCell(UNITS, 2, **options),
    "dropout": lambda **options: RecurrentDropoutCell(LSTMCell(UNITS, **options), 0.3, **options),
    "zoneout": lambda **options: ZoneoutCell(LSTMCell(UNITS, **options), 0.3, **options),
    "learned": lambda **options: LearnedStateCell(GRUCell(UNITS, **options), **options),
}


def made(cell="lstm", **flags):
    return learnt(Recurrent(CELLS[cell](), **{"return_sequences": True, "return_state": True, **flags}))


# States


@pytest.mark.parametrize("cell", ["lstm", "gru", "sc", "learned"])
def test_stateful_layer_equals_one_long_run(cell):
    whole = made(cell)
    outputs, *last = whole(INPUTS)
    layer = copy_of_stateful(whole)
    for _ in range(2):
        parts = [layer(INPUTS[:, a:b]) for a, b in ((0, 2), (2, 3), (3, 5))]
        close(ops.concatenate([part[0] for part in parts], axis=1), outputs)
        close([array(state) for state in layer.states], last)
        layer.reset_state()
        close([array(state) for state in layer.states], layer.cell.get_initial_state(batch_size=4))


def copy_of_stateful(layer):
    again = type(layer).from_config({**layer.get_config(), "stateful": True})
    again.build(INPUTS.shape)
    for weight, source in zip(again.trainable_weights, layer.trainable_weights, strict=True):
        weight.assign(source)
    again.reset_state()
    return again


def test_stateful_layer_in_a_model():
    whole = made(return_state=False)
    expected = array(whole(INPUTS))  # before predict, which on JAX gives away buffers that both layers' weights view
    layer = copy_of_stateful(whole)
    tokens = keras.Input(batch_shape=(4, None, 4))
    model = keras.Model(tokens, layer(tokens))
    first, second = (model.predict(INPUTS[:, a:b], verbose=0) for a, b in ((0, 2), (2, 5)))
    close(np.concatenate([first, second], axis=1), expected)


def test_states_are_reset_where_they_are_kept():
    with pytest.raises(ValueError, match="keeps no states between batches: make it with stateful=True"):
        Recurrent(LSTMCell(2)).reset_state()
    Recurrent(LSTMCell(2), stateful=True).reset_state()  # not built yet: nothing to do


def test_a_stateful_layer_draws_its_masks_when_it_is_reset():
    layer = learnt(Recurrent(RecurrentDropoutCell(LSTMCell(50), 0.5), stateful=True, return_state=True))
    first, second = (array(layer(INPUTS, training=True)[-1]) for _ in range(2))
    layer.reset_state()
    assert (first == second).all()
    assert (first != array(layer(INPUTS, training=True)[-1])).any()


def test_stateful_layer_needs_a_fixed_batch():
    with pytest.raises(ValueError, match="needs a fixed batch size"):
        Recurrent(LSTMCell(2), stateful=True).build((None, 5, 4))


@pytest.mark.parametrize(
    ("states", "received"),
    [
        ([np.zeros((4, 3))], r"\[\(4, 3\)\]"),
        ([np.zeros((4, 3)), np.zeros((4, 2))], r"\[\(4, 3\), \(4, 2\)\]"),
        ([np.zeros((4, 3)), np.zeros(3)], r"\[\(4, 3\), \(3,\)\]"),
        (np.zeros((4, 3)), r"\[\(4, 3\)\]"),
    ],
    ids=["too few", "width", "rank", "one tensor"],
)
def test_bad_initial_state(states, received):
    expected = r"is a list of tensors \(batch, width\) of shapes \[\(4, 3\), \(4, 3\)\]; received shapes "
    with pytest.raises(ValueError, match=expected + received):
        made()(INPUTS, initial_state=states)


def test_initial_states_in_a_functional_model():
    encoder, decoder = made("gru"), made("gru", return_state=False)
    tokens = keras.Input((None, 4))
    _, state = encoder(tokens)
    model = keras.Model(tokens, decoder(tokens, initial_state=[state]))
    close(model(INPUTS), decoder(INPUTS, initial_state=[encoder(INPUTS)[1]]))


# Masks


@pytest.mark.parametrize("backwards", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_last_output_is_that_of_the_last_token_read(mask, backwards):
    layer = made(go_backwards=backwards)
    outputs, y, _ = layer(INPUTS, mask=tensor(mask))
    single = copy_of(layer, return_sequences=False, return_state=False)
    last = array(single(INPUTS, mask=tensor(mask)))
    empty = np.zeros(4, bool) if mask is None else ~mask.any(1)
    close(last[~empty], array(y)[~empty])
    assert not last[empty].any()
    in_place = ops.flip(outputs, 1) if backwards else outputs
    close(last_output(in_place, tensor(mask), backwards), last)


def test_row_without_tokens():
    layer = made()
    states = states_of(layer.cell)
    (outputs, *last), gradients = run(layer, states, mask=tensor(MASK))
    assert not outputs[3].any()
    close([state[3] for state in last], [state[3] for state in states])
    assert all(np.isfinite(g).all() for g in gradients)
    assert not gradients[0][3].any()


def test_lengths_and_carried_masks():
    layer = made(return_state=False)
    expected = layer(INPUTS, mask=tensor(PADDING))
    close(layer(INPUTS, mask=ops.convert_to_tensor(PADDING.sum(1))), expected)
    outputs = layer(keras.layers.Masking(9.0)(np.where(PADDING[..., None], INPUTS, np.float32(9))))
    close(outputs, expected)
    np.testing.assert_array_equal(array(outputs._keras_mask) == 1, PADDING)


def test_masks_for_the_layers_above():
    assert made(return_state=False).compute_mask(INPUTS, MASK) is MASK
    assert made(return_state=False, return_sequences=False).compute_mask(INPUTS, MASK) is None
    assert made().compute_mask(INPUTS, MASK) == [MASK, None, None]


# Errors


def test_runs_cells_of_seqlab():
    with pytest.raises(TypeError, match=r"received LSTMCell: use keras.layers.RNN for others"):
        Recurrent(keras.layers.LSTMCell(2))


@pytest.mark.parametrize("truncation", [0, -3, 2.5])
def test_bad_truncation(truncation):
    with pytest.raises(ValueError, match=f"at least 1, received {truncation}"):
        Recurrent(LSTMCell(2), truncation=truncation)


# Precision


@pytest.mark.parametrize(
    "policy",
    ["mixed_float16", pytest.param("mixed_bfloat16", marks=pytest.mark.slow)],  # which holds more, not less
)
@pytest.mark.parametrize("cell", CELLS)
def test_mixed_precision(cell, policy):
    whole = learnt(Bidirectional(Recurrent(CELLS[cell](), return_sequences=True)))
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        mixed = learnt(Bidirectional(Recurrent(CELLS[cell](), return_sequences=True)))
        found = mixed(INPUTS, mask=tensor(MASK))
        checks.check_gradient_reach(copy_of(mixed), INPUTS * 4)
    finally:
        keras.config.set_dtype_policy(before)
    assert keras.backend.standardize_dtype(found.dtype) == policy.removeprefix("mixed_")
    assert {keras.backend.standardize_dtype(weight.dtype) for weight in mixed.weights} == {"float32"}
    close(found, whole(INPUTS, mask=tensor(MASK)), rtol=0.1, atol=0.1)


@pytest.mark.parametrize("cell", ["lstm", "normalized", "learned"])
def test_policy_of_layer_and_cell_alone(cell):
    layer = learnt(Recurrent(CELLS[cell](dtype="mixed_bfloat16"), return_sequences=True, dtype="mixed_bfloat16"))
    found = layer(INPUTS, mask=tensor(MASK))
    assert keras.backend.standardize_dtype(found.dtype) == "bfloat16"
    close(found, made(cell, return_state=False)(INPUTS, mask=tensor(MASK)), rtol=0.1, atol=0.1)


def test_layer_and_cell_of_two_policies():
    layer = Recurrent(LSTMCell(3), dtype="mixed_bfloat16")
    with pytest.raises(ValueError, match="computes in bfloat16, its cell in float32: give both the same dtype"):
        layer(INPUTS)


# Training and files


def model_of(layer):
    tokens = keras.Input((None, 4))
    return keras.Model(tokens, keras.layers.Dense(1)(layer(keras.layers.Masking()(tokens))))


@pytest.mark.parametrize("cell", ["lstm", "zoneout"])
def test_trains_under_xla(cell):
    if keras.backend.backend() == "torch":
        pytest.skip("torch's compiler needs a C++ compiler and minutes")
    model = model_of(Bidirectional(Recurrent(CELLS[cell](), return_sequences=True, truncation=3)))
    model.compile(keras.optimizers.Adam(0.05), "mse", jit_compile=True)
    targets = np.cumsum(INPUTS.sum(-1, keepdims=True), axis=1) / 5
    losses = model.fit(INPUTS * MASK[..., None], targets, epochs=12, verbose=0).history["loss"]
    assert losses[-1] < 0.9 * losses[0]
    assert np.isfinite(losses).all()


@pytest.mark.parametrize("cell", CELLS)
def test_comes_back_from_a_file(cell, tmp_path):
    flags = {"go_backwards": True, "truncation": 2, "return_sequences": True}
    model = model_of(learnt(Recurrent(CELLS[cell](), **flags)))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    close(again(INPUTS), model(INPUTS))
    config = next(layer for layer in again.layers if isinstance(layer, Recurrent)).get_config()
    assert {name: config[name] for name in flags} == flags


@pytest.mark.parametrize("cell", ["lstm", "sc", "normalized", "zoneout"])
def test_exported_model_takes_any_batch_and_time(cell, tmp_path):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("a SavedModel is TensorFlow's")
    import tensorflow as tf

    model = model_of(learnt(Bidirectional(Recurrent(CELLS[cell](), return_sequences=True))))
    model.export(tmp_path / "saved", verbose=False)
    served = tf.saved_model.load(tmp_path / "saved")
    for inputs in (INPUTS, INPUTS[:1, :3], INPUTS * PADDING[..., None]):
        close(served.serve(inputs), model(inputs))


def test_a_layer_above_one_that_goes_backwards_reads_the_same_tokens():
    below = Recurrent(LSTMCell(UNITS), return_sequences=True, go_backwards=True)
    above = Recurrent(LSTMCell(UNITS))
    inputs = keras.Input((None, 4))
    model = keras.Model(inputs, above(below(keras.layers.Masking()(inputs))))
    padded = np.where(PADDING[..., None], INPUTS, 0)
    together = array(model(padded))
    for row, length in enumerate(PADDING.sum(1)):
        close(array(model(padded[row : row + 1, :length]))[0], together[row])


def test_masks_may_be_left_out_of_the_initial_state():
    layer = Recurrent(RecurrentDropoutCell(LSTMCell(UNITS), 0.5))
    states = [np.ones((4, UNITS), "float32")] * 2
    close(array(layer(INPUTS, initial_state=states)), array(Recurrent(layer.cell.cell)(INPUTS, initial_state=states)))
    with pytest.raises(ValueError, match=r"received shapes \[\(4, 3\)\]"):  # c is none of them
        layer(INPUTS, initial_state=states[:1])


def test_inputs_of_another_width_or_rank():
    layer = Recurrent(LSTMCell(UNITS))
    with pytest.raises(ValueError, match="expected ndim=3, found ndim=2"):
        layer(keras.Input((4,)))
    layer(INPUTS)
    with pytest.raises(ValueError, match="expected axis -1 of input shape to have value 4"):
        layer(keras.Input((None, 3)))
