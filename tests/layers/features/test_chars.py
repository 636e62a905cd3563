from __future__ import annotations

import functools
import io
import json
import zipfile

import h5py
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from seqlab.layers.features.chars import CharCNN, CharEncoder, CharLSTM
from tests.layers.common import lstm_weights
from tests.oracles.encoders import highway
from tests.oracles.features import char_cnn, char_lstm

CHARS = np.array([[0, 0, 0, 0], [2, 3, 0, 0], [4, 1, 2, 5], [6, 0, 0, 0]], "int32")
CHAR_ROWS = np.array([[1, 2, 1, 0], [3, 0, 0, 0]], "int32")


def numpy(tensor):
    return np.array(ops.convert_to_numpy(tensor))


def learnt(kind=CharCNN, **options):
    """An encoder whose weights are all away from their initial values."""
    layer = kind(7, dim=3, **(options if kind is CharLSTM else {"filters": 4, **options}))
    layer(CHARS, CHAR_ROWS)
    random = np.random.default_rng(0)
    layer.set_weights([random.normal(size=weight.shape).astype("float32") for weight in layer.weights])
    return layer


def expected(layer, chars, char_rows):
    table = numpy(layer.embedding.embeddings)
    if isinstance(layer, CharLSTM):
        return char_lstm(chars, char_rows, table, *(lstm_weights(one.cell) for one in layer.recurrence.both))
    filters = [(numpy(one.kernel), numpy(one.bias)) for one in (layer.convolution, *layer.others)]
    return char_cnn(chars, char_rows, table, *filters)


@pytest.mark.parametrize("widths", [(1,), (2,), (3,), (7,), (3, 4, 5), (4, 1)])
def test_equals_the_oracle(widths):
    layer = learnt(widths=widths)
    assert layer.compute_output_shape(CHARS.shape, CHAR_ROWS.shape) == (2, 4, 4 * len(widths))
    np.testing.assert_allclose(numpy(layer(CHARS, CHAR_ROWS)), expected(layer, CHARS, CHAR_ROWS), rtol=1e-4, atol=1e-5)


@functools.cache
def shared(kind):
    return learnt(kind)


@pytest.mark.parametrize("kind", [CharCNN, CharLSTM])
@settings(max_examples=20)
@given(words=st.lists(st.lists(st.integers(1, 6), max_size=6), min_size=3, max_size=3))
def test_equals_the_oracle_on_any_words(kind, words):
    layer = shared(kind)
    chars = np.array([[0] * 6, *(word + [0] * (6 - len(word)) for word in words)], "int32")
    rows = np.array([[3, 1, 2, 0]], "int32")
    np.testing.assert_allclose(numpy(layer(chars, rows)), expected(layer, chars, rows), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [CharCNN, CharLSTM])
def test_wider_padding_and_more_rows_change_nothing(kind):
    layer = learnt(kind, highway=1)
    alone = numpy(layer(CHARS, CHAR_ROWS))
    wider = np.pad(CHARS, [(0, 3), (0, 5)])
    np.testing.assert_allclose(numpy(layer(wider, CHAR_ROWS)), alone, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", [CharCNN, CharLSTM])
def test_all_of_it_computes_under_the_policy_of_the_layer(kind):
    layer = kind(7, highway=1, dtype="mixed_bfloat16")
    again = kind.from_config(layer.get_config())
    for inner in again._flatten_layers():
        assert inner.compute_dtype == "bfloat16", inner.name
    assert again(CHARS, CHAR_ROWS).dtype == layer(CHARS, CHAR_ROWS).dtype


@pytest.mark.parametrize("kind", [CharCNN, CharLSTM])
def test_no_characters_give_zero(kind):
    assert not numpy(learnt(kind, highway=1)(CHARS, CHAR_ROWS))[1, 1:].any()


@pytest.mark.parametrize("kind", [CharCNN, CharLSTM])
def test_highway_layers_stand_on_top(kind):
    layer = learnt(kind, highway=2)
    steps = [[numpy(weight) for weight in step] for step in layer.carry.steps]
    below = expected(layer, CHARS, CHAR_ROWS)
    above = highway(below, steps, g=lambda x: np.maximum(x, 0))
    found = numpy(layer(CHARS, CHAR_ROWS))
    np.testing.assert_allclose(found[CHAR_ROWS > 0], above[CHAR_ROWS > 0], rtol=1e-4, atol=1e-5)
    assert np.abs(above - below).max() > 0.1
    assert layer.carry.transform_bias == -2.0


@pytest.mark.parametrize("kind", [CharCNN, CharLSTM])
def test_dropout_in_training_alone(kind):
    layer = learnt(kind, dropout=0.5)
    still = numpy(layer(CHARS, CHAR_ROWS, training=False))
    np.testing.assert_allclose(still, expected(layer, CHARS, CHAR_ROWS), rtol=1e-4, atol=1e-5)
    assert (numpy(layer(CHARS, CHAR_ROWS, training=True)) != still).any()
    without = learnt(kind)
    np.testing.assert_array_equal(
        numpy(without(CHARS, CHAR_ROWS, training=True)), numpy(without(CHARS, CHAR_ROWS, training=False))
    )


def test_sizes_take_part():
    layer = CharCNN(9, dim=5, filters=6, widths=(2,))
    layer(CHARS, CHAR_ROWS)
    assert [weight.shape for weight in layer.weights] == [(9, 5), (2, 5, 6), (6,)]
    assert layer.compute_output_shape(CHARS.shape, CHAR_ROWS.shape) == (2, 4, 6)


def test_initial_characters_have_unit_length_on_average():
    layer = CharCNN(500, dim=12)
    layer(CHARS, CHAR_ROWS)
    table = numpy(layer.weights[0])
    assert np.square(table).sum(-1).mean() == pytest.approx(1.0, rel=0.1)
    assert np.abs(table).max() <= 0.5 + 1e-6


def test_lstm_sizes_take_part():
    layer = CharLSTM(9, dim=5, units=6)
    layer(CHARS, CHAR_ROWS)
    assert layer.compute_output_shape(CHARS.shape, CHAR_ROWS.shape) == (2, 4, 12)
    assert [weight.shape for weight in layer.weights] == [(9, 5), *[(5, 24), (6, 24), (24,)] * 2]


def built(layer):
    layer(CHARS, CHAR_ROWS)
    return layer


def test_initial_range():
    table = numpy(built(CharCNN(500, dim=16, filters=128, initial_range=0.1)).embedding.embeddings)
    assert 0.09 < np.abs(table).max() <= 0.1


def test_a_model_saved_with_one_width_still_loads(tmp_path):
    """Files from before there were several widths: their config says `width`, their weights have the same names."""
    chars, rows = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    model = keras.Model([chars, rows], learnt(widths=(4,))(chars, rows))
    model.save(tmp_path / "new.keras")
    with zipfile.ZipFile(tmp_path / "new.keras") as new, zipfile.ZipFile(tmp_path / "old.keras", "w") as old:
        for name in new.namelist():
            content = new.read(name)
            if name == "config.json":
                config = json.loads(content)
                (inner,) = (layer["config"] for layer in config["config"]["layers"] if layer["class_name"] == "CharCNN")
                assert inner.pop("widths") == [4]
                for later in ("highway", "initial_range"):
                    del inner[later]
                inner["width"] = 4
                content = json.dumps(config).encode()
            if name == "model.weights.h5":
                with h5py.File(io.BytesIO(content)) as weights:
                    places = []
                    weights.visit(places.append)
                assert [place for place in places if place.endswith("convolution/vars/0")]
                assert [place for place in places if place.endswith("embedding/vars/0")]
            old.writestr(name, content)
    again = keras.models.load_model(tmp_path / "old.keras")
    inputs = [CHARS[:2], CHAR_ROWS % 2]
    np.testing.assert_array_equal(again.predict_on_batch(inputs), model.predict_on_batch(inputs))
    assert again.layers[-1].widths == (4,)


def test_the_base_reads_nothing():
    base = CharEncoder(7)
    with pytest.raises(NotImplementedError, match="must write"):
        base.encode(None, None, False)
    with pytest.raises(NotImplementedError, match="must write"):
        assert base.width


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"widths": ()}, "widths are different whole numbers"),
        ({"widths": (3, 3)}, "widths are different whole numbers"),
        ({"widths": (0,)}, "`width` must be a whole number of at least 1"),
        ({"filters": 0}, "`filters` must be"),
        ({"dim": 0}, "`dim` must be"),
        ({"initial_range": 0}, "initial_range must be None or above 0, received 0"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        CharCNN(7, **options)
