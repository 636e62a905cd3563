from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from seqlab.layers.features.chars import CharCNN
from tests.oracles.features import char_cnn

CHARS = np.array([[0, 0, 0, 0], [2, 3, 0, 0], [4, 1, 2, 5], [6, 0, 0, 0]], "int32")
CHAR_ROWS = np.array([[1, 2, 1, 0], [3, 0, 0, 0]], "int32")


def numpy(tensor):
    return np.array(ops.convert_to_numpy(tensor))


def learnt(**options):
    """An encoder whose weights are all away from their initial values."""
    layer = CharCNN(7, **{"dim": 3, "filters": 4, **options})
    layer(CHARS, CHAR_ROWS)
    random = np.random.default_rng(0)
    layer.set_weights([random.normal(size=weight.shape).astype("float32") for weight in layer.weights])
    return layer


def expected(layer, chars, char_rows):
    table, kernel, bias = (numpy(weight) for weight in layer.weights)
    return char_cnn(chars, char_rows, table, kernel, bias)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 7])
def test_equals_the_oracle(width):
    layer = learnt(width=width)
    np.testing.assert_allclose(numpy(layer(CHARS, CHAR_ROWS)), expected(layer, CHARS, CHAR_ROWS), rtol=1e-4, atol=1e-5)


@functools.cache
def shared():
    return learnt()


@settings(max_examples=25)
@given(st.lists(st.lists(st.integers(1, 6), max_size=6), min_size=3, max_size=3))
def test_equals_the_oracle_on_any_words(words):
    layer = shared()
    chars = np.array([[0] * 6, *(word + [0] * (6 - len(word)) for word in words)], "int32")
    rows = np.array([[3, 1, 2, 0]], "int32")
    np.testing.assert_allclose(numpy(layer(chars, rows)), expected(layer, chars, rows), rtol=1e-4, atol=1e-5)


def test_wider_padding_and_more_rows_change_nothing():
    layer = learnt()
    alone = numpy(layer(CHARS, CHAR_ROWS))
    wider = np.pad(CHARS, [(0, 3), (0, 5)])
    np.testing.assert_allclose(numpy(layer(wider, CHAR_ROWS)), alone, rtol=1e-6, atol=1e-6)


def test_no_characters_give_zero():
    assert not numpy(learnt()(CHARS, CHAR_ROWS))[1, 1:].any()


def test_dropout_in_training_alone():
    layer = learnt(dropout=0.5)
    still = numpy(layer(CHARS, CHAR_ROWS, training=False))
    np.testing.assert_allclose(still, expected(layer, CHARS, CHAR_ROWS), rtol=1e-4, atol=1e-5)
    assert (numpy(layer(CHARS, CHAR_ROWS, training=True)) != still).any()
    without = learnt()
    np.testing.assert_array_equal(
        numpy(without(CHARS, CHAR_ROWS, training=True)), numpy(without(CHARS, CHAR_ROWS, training=False))
    )


def test_sizes_take_part():
    layer = CharCNN(9, dim=5, filters=6, width=2)
    layer(CHARS, CHAR_ROWS)
    assert [weight.shape for weight in layer.weights] == [(9, 5), (2, 5, 6), (6,)]
    assert layer.compute_output_shape(CHARS.shape, CHAR_ROWS.shape) == (2, 4, 6)


def test_initial_characters_have_unit_length_on_average():
    layer = CharCNN(500, dim=12)
    layer(CHARS, CHAR_ROWS)
    table = numpy(layer.weights[0])
    assert np.square(table).sum(-1).mean() == pytest.approx(1.0, rel=0.1)
    assert np.abs(table).max() <= 0.5 + 1e-6
