from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from seqlab.layers.features.words import WordEmbedding
from tests.oracles.features import word_vectors

INDICES = np.array([[0, 1, 2, 3, 4, 5, 6], [6, 6, 2, 0, 0, 0, 0]], "int32")


def numpy(tensor):
    return np.array(ops.convert_to_numpy(tensor))


def filled(**options):
    """Four trained and three frozen rows, all different."""
    layer = WordEmbedding(4, 3, frozen_rows=3, **options)
    layer.build((None, None))
    layer.load_vectors(np.arange(7), np.arange(21, dtype="float32").reshape(7, 3))
    return layer


def fitted(layer):
    """The two tables before and after two epochs of plain fit."""
    before = [numpy(layer.trained), numpy(layer.frozen)]
    words = keras.Input((None,), dtype="int32")
    model = keras.Model(words, layer(words))
    # Decay and momentum would move weights without a gradient too.
    model.compile(keras.optimizers.AdamW(0.1, weight_decay=0.1), "mse")
    model.fit(INDICES, np.zeros((2, 7, 3), "float32"), epochs=2, verbose=0)
    return before, [numpy(layer.trained), numpy(layer.frozen)]


@settings(max_examples=20)
@given(st.lists(st.integers(0, 6), min_size=7, max_size=7), st.integers(0, 2**31 - 1))
def test_equals_the_oracle(indices, seed):
    table = np.random.default_rng(seed).normal(size=(7, 3)).astype("float32")
    layer = filled()
    layer.load_vectors(np.arange(7), table)
    expected = word_vectors([indices], table[:4], table[4:])
    np.testing.assert_array_equal(numpy(layer(np.array([indices], "int32"))), expected)


def test_without_frozen_rows():
    layer = WordEmbedding(7, 3)
    vectors = numpy(layer(INDICES))
    assert len(layer.weights) == 1
    np.testing.assert_array_equal(vectors, word_vectors(INDICES, numpy(layer.trained), []))


def test_fit_moves_the_trained_rows_and_never_the_frozen_ones():
    layer = filled()
    assert [weight.name for weight in layer.trainable_weights] == ["trained"]
    assert [weight.name for weight in layer.non_trainable_weights] == ["frozen"]
    before, after = fitted(layer)
    assert (before[0] != after[0]).any(axis=1).all()
    np.testing.assert_array_equal(before[1], after[1])


def test_frozen_rows_get_no_gradient():
    """What the loss says of frozen words reaches no trained row: a batch of frozen words alone trains nothing."""
    layer = filled()
    before = [numpy(weight) for weight in layer.weights]
    words = keras.Input((None,), dtype="int32")
    model = keras.Model(words, layer(words))
    model.compile(keras.optimizers.SGD(1.0), "mse")
    model.fit(np.array([[4, 5, 6]], "int32"), np.full((1, 3, 3), 99.0, "float32"), epochs=2, verbose=0)
    for weight, old in zip(layer.weights, before, strict=True):
        np.testing.assert_array_equal(numpy(weight), old)


def test_trainable_vectors_false_keeps_all_rows():
    layer = filled(trainable_vectors=False)
    assert layer.trainable_weights == []
    words = keras.Input((None,), dtype="int32")
    scores = keras.layers.Dense(2)(layer(words))
    model = keras.Model(words, scores)
    model.compile(keras.optimizers.SGD(0.01), "mse")
    before = [numpy(weight) for weight in layer.weights]
    dense = numpy(model.layers[-1].kernel)
    model.fit(INDICES, np.zeros((2, 7, 2), "float32"), verbose=0)
    for weight, old in zip(layer.weights, before, strict=True):
        np.testing.assert_array_equal(numpy(weight), old)
    assert (numpy(model.layers[-1].kernel) != dense).any()


def test_load_vectors_writes_the_rows_given_alone():
    layer = WordEmbedding(4, 3, frozen_rows=3)
    layer.build((None, None))
    before = numpy(layer(INDICES[:1]))[0]
    layer.load_vectors(np.array([5, 2]), np.array([[1, 2, 3], [4, 5, 6]], "float32"))
    after = numpy(layer(INDICES[:1]))[0]
    assert after[[5, 2]].tolist() == [[1, 2, 3], [4, 5, 6]]
    np.testing.assert_array_equal(np.delete(after, [2, 5], 0), np.delete(before, [2, 5], 0))


def test_initial_vectors_have_unit_length_on_average():
    layer = WordEmbedding(2_000, 50)
    layer.build((None, None))
    table = numpy(layer.trained)
    assert np.square(table).sum(-1).mean() == pytest.approx(1.0, rel=0.05)
    assert np.abs(table).max() <= np.sqrt(3 / 50) + 1e-6


def test_dropout_reads_words_as_unknown_in_training_alone():
    layer = filled(dropout=0.5)
    indices = np.tile(INDICES, (50, 1))
    still = numpy(layer(indices, training=False))
    np.testing.assert_array_equal(still, numpy(filled()(indices, training=True)))
    vectors = numpy(layer(indices, training=True))
    dropped = (vectors != still).any(-1)
    assert (vectors[dropped] == numpy(layer.trained)[1]).all()
    assert not dropped[indices <= 1].any()  # padding stays padding
    assert dropped[indices > 1].mean() == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("shape", [(2, 4), (1, 3)])
def test_vectors_of_another_shape(shape):
    with pytest.raises(ValueError, match="do not fit 2 rows of width 3: set dim"):
        filled().load_vectors(np.array([0, 1]), np.zeros(shape, "float32"))


@pytest.mark.parametrize(
    "options", [{"rows": 1, "dim": 3}, {"rows": 2, "dim": 0}, {"rows": 2, "dim": 1, "frozen_rows": -1}]
)
def test_bad_sizes(options):
    with pytest.raises(ValueError, match="needs rows >= 2, dim >= 1 and frozen_rows >= 0; received"):
        WordEmbedding(**options)


def test_unknown_words_may_be_zero_and_do_not_learn():
    layer = filled(unknown="zero")
    vectors = numpy(layer(INDICES))
    assert not vectors[INDICES == 1].any()
    np.testing.assert_array_equal(vectors[INDICES != 1], numpy(filled()(INDICES))[INDICES != 1])
    before, after = fitted(layer)
    assert (before[0] != after[0])[2:].any(axis=1).all()
    assert layer.get_config()["unknown"] == "zero"
    with pytest.raises(ValueError, match="unknown is one of trained, zero, received 'zer'. Did you mean 'zero'"):
        WordEmbedding(2, 3, unknown="zer")


def test_dropped_words_are_zero_where_unknown_ones_are():
    layer = filled(dropout=0.5, unknown="zero")
    vectors = numpy(layer(np.tile(INDICES, (50, 1)), training=True))
    assert 0.3 < (~vectors.any(-1)).mean() < 0.8
