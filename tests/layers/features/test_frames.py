"""Standardisation of frames."""

from __future__ import annotations

import logging

import keras
import numpy as np
import pytest
from keras import ops
from numpy.testing import assert_allclose, assert_array_equal

from seqlab.corpora.sequences import FrameCorpus, FrameSequence
from seqlab.errors import DataError
from seqlab.layers.features.frames import Standardize
from seqlab.testing import checks

RANDOM = np.random.default_rng(0)
FRAMES = RANDOM.normal(3.0, 2.0, (3, 5, 4)) * [1, 1000, 1e-3, 1] + [0, 1e5, 0, -7]
MASK = np.arange(5) < np.array([5, 2, 3])[:, None]


def numpy(tensor):
    return np.array(ops.convert_to_numpy(tensor))


def test_real_frames_alone_get_mean_0_and_variance_1():
    layer = Standardize()
    frames = np.where(MASK[..., None], FRAMES, 1e9)
    assert layer.adapt(frames, MASK) == []
    real = numpy(layer(frames.astype("float32"), mask=MASK))
    assert_allclose(real[MASK].mean(axis=0), 0, atol=1e-3)
    assert_allclose(real[MASK].std(axis=0), 1, rtol=1e-3)
    assert not real[~MASK].any()
    expected = (FRAMES[MASK] - FRAMES[MASK].mean(axis=0)) / FRAMES[MASK].std(axis=0)
    assert_allclose(real[MASK], expected, rtol=1e-3, atol=1e-3)


def test_a_corpus_and_its_padded_array_teach_the_same():
    rows = [FrameSequence(FRAMES[k, : MASK[k].sum()], np.zeros(MASK[k].sum(), int)) for k in range(3)]
    one, other = Standardize(), Standardize()
    one.adapt(FrameCorpus(rows, ["a"], "frames"))
    other.adapt(FRAMES, MASK)
    for found, expected in zip(one.get_weights(), other.get_weights(), strict=True):
        assert_allclose(found, expected, rtol=1e-6)


def test_constant_channels_become_0_and_are_reported(caplog):
    frames = FRAMES.astype("float32")
    frames[..., 1] = 0.1
    frames[..., 2] = 0
    layer = Standardize()
    with caplog.at_level(logging.WARNING):
        assert layer.adapt(frames) == [1, 2]
    assert "2 of 4 channels are constant and become 0: [1, 2]" in caplog.text
    frames[..., 1] = 9
    found = numpy(layer(frames))
    assert not found[..., 1:3].any() and found[..., [0, 3]].any()


def test_before_it_has_learnt_it_changes_nothing():
    assert_allclose(numpy(Standardize()(FRAMES.astype("float32"))), FRAMES, rtol=1e-6)


def test_half_precision_loses_nothing_of_a_great_offset():
    frames = RANDOM.normal(1e5, 1, (1, 50, 1))
    layer = Standardize(dtype="mixed_bfloat16")
    layer.adapt(frames)
    found = layer(frames.astype("float32"))
    assert keras.backend.standardize_dtype(found.dtype) == "bfloat16"
    expected = (frames - frames.mean()) / frames.std()
    assert_allclose(numpy(ops.cast(found, "float32")), expected, atol=0.05)


def test_weights_are_saved_and_no_gradient_moves_them(tmp_path):
    inputs = keras.Input((None, 4))
    layer = Standardize()
    layer.adapt(FRAMES)
    model = keras.Model(inputs, keras.layers.Dense(1)(layer(inputs)))
    before = layer.get_weights()
    model.compile("sgd", "mse")
    model.train_on_batch(FRAMES.astype("float32"), np.ones((3, 5, 1)))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras").layers[1]
    for found, expected in zip(again.get_weights(), before, strict=True):
        assert_array_equal(found, expected)


def test_the_checks_of_the_catalogue_that_concern_it():
    layer, frames = Standardize(), RANDOM.normal(size=(3, 5, 4)).astype("float32")
    layer.adapt(RANDOM.normal(size=(3, 5, 4)))
    checks.check_round_trip(layer, frames)
    checks.check_padding_invariance(layer, frames)
    checks.check_mask_routes(layer, frames, MASK)


def test_bad_data():
    with pytest.raises(DataError, match="no real frame"):
        Standardize().adapt(FRAMES, np.zeros((3, 5), bool))
    with pytest.raises(DataError, match="not finite"):
        Standardize().adapt(np.full((1, 2, 3), np.nan))
    layer = Standardize()
    layer.adapt(FRAMES)
    with pytest.raises(DataError, match="frames of 3 channels; the layer reads 4"):
        layer.adapt(FRAMES[..., :3])
