"""Features of speech against a second implementation."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from seqlab.corpora.mfcc import FEATURES, centres, deltas, mfcc
from seqlab.errors import DataError, SettingsError
from tests.oracles import speech


def sound(samples=2000):
    time = np.arange(samples) / 16_000
    random = np.random.default_rng(0)
    tones = 2000 * np.sin(2 * np.pi * 440 * time) + 900 * np.sin(2 * np.pi * (2000 + 4000 * time) * time)
    return np.round(tones + random.normal(0, 100, samples) + 50).astype(np.int16)


def test_all_39_features_are_those_of_the_definitions():
    found = mfcc(sound())
    assert found.shape == (11, FEATURES) and found.dtype == np.float32
    static = speech.cepstra(sound())
    assert_allclose(found[:, :13], static, rtol=1e-4, atol=2e-3)
    first = speech.derivative(static)
    assert_allclose(found[:, 13:26], first, atol=2e-3)
    assert_allclose(found[:, 26:], speech.derivative(first), atol=2e-3)


def test_the_same_samples_give_the_same_features():
    assert_array_equal(mfcc(sound()), mfcc(sound()))
    assert_array_equal(mfcc(sound().astype(float)), mfcc(sound()))


def test_deltas_of_a_line_are_its_slope():
    line = np.arange(9.0)[:, None] * [[1.0, -2.0]]
    assert_allclose(deltas(line)[2:-2], np.tile([1.0, -2.0], (5, 1)))
    assert_allclose(deltas(line, reach=1)[1:-1], np.tile([1.0, -2.0], (7, 1)))
    assert not np.allclose(deltas(line), deltas(line, reach=1))


@pytest.mark.parametrize(("samples", "frames"), [(400, 1), (559, 1), (560, 2)])
def test_frames_are_whole_windows(samples, frames):
    assert len(mfcc(sound(samples))) == frames
    assert centres(frames).tolist() == [200, 360][:frames]


def test_what_is_shorter_than_a_window_is_refused():
    with pytest.raises(DataError, match="Received 399 samples; a window of 25 ms takes 400"):
        mfcc(sound(399))


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "kaldi_native_fbank", None)
    with pytest.raises(SettingsError, match=r"pip install 'seqlab\[speech\]'"):
        mfcc(sound())
