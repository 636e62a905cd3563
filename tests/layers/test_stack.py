"""The encoder against LSTMs in NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seqlab.errors import SettingsError
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.layers.cells.table import CELLS
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
from tests.oracles import recurrent as oracles


def learnt(**options):
    """A stack whose weights are all away from their initial values."""
    return common.learnt(RecurrentStack(**{"units": UNITS, **options}))


def expected(layer, mask=None, code="np"):
    """The outputs of LSTMs, layer upon layer and each direction by itself."""
    x, zeros = INPUTS, [np.zeros((len(INPUTS), UNITS))] * 2
    for both in layer.recurrent:
        halves = []
        for one, backwards in zip(both.both, (False, True), strict=True):

            def oracle(steps, *states, cell=one.cell):
                return getattr(oracles, f"lstm_{code}")(steps, lstm_weights(cell), *states)

            halves.append(sentences(oracle, x, mask, zeros, backwards)[0])
        x = np.concatenate(halves, axis=-1)
    return x


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
