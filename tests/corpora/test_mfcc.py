"""Features of speech against their definitions and two other audio libraries."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from seqlab.corpora.mfcc import FEATURES, centres, deltas, mfcc
from seqlab.errors import DataError, SettingsError
from tests.oracles import speech, torchaudio_mfcc

STORED = Path(__file__).parents[1] / "data" / "torchaudio_mfcc.npz"


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


def test_torchaudio_finds_all_39_alike():
    """Its conventions are Kaldi's too; the sound ends in digital silence. tests/data/README.md has the command."""
    stored = np.load(STORED)
    assert stored["features"].shape == (23, FEATURES)
    assert_allclose(mfcc(stored["samples"]), stored["features"], rtol=1e-5, atol=5e-4)


def test_what_is_stored_is_what_torchaudio_says():
    pytest.importorskip("torchaudio", reason="torchaudio is not installed: its stored features are tested alone")
    stored = np.load(STORED)
    assert_array_equal(torchaudio_mfcc.sound(), stored["samples"])
    assert_allclose(torchaudio_mfcc.features(stored["samples"]), stored["features"], rtol=1e-5, atol=5e-4)


def by_python_speech_features(samples):
    """(frames, 13) by that package, its conventions brought to ours.

    It gets one window at a time, without its mean: it has no step for that, and pre-emphasises the whole signal. Its
    energy is that of half the spectrum, without pre-emphasis and window if it is asked for without them. Its filters
    begin at whole points of the spectrum: of 4,096 points that is near ours. They are triangles in hertz, Kaldi's are
    triangles in mel: this difference stays.
    """
    package = pytest.importorskip("python_speech_features")
    options = {"samplerate": 16_000, "winlen": 0.025, "winstep": 0.01, "nfilt": 26, "nfft": 4096, "highfreq": 8000}
    rows = []
    for start in range(0, len(samples) - 399, 160):
        window = samples[start : start + 400].astype(float)
        window -= window.mean()
        ((energy,), (_, *cepstra)) = (
            package.fbank(window, **options, preemph=0, winfunc=np.ones)[1],
            package.mfcc(window, **options, preemph=0.97, ceplifter=22, appendEnergy=False, winfunc=np.hamming)[0],
        )
        rows.append([np.log(2 * energy), *cepstra])
    return np.array(rows)


def test_python_speech_features_finds_them_alike():
    package = pytest.importorskip("python_speech_features")
    samples = torchaudio_mfcc.sound()[:3200]  # without the silence, whose log is another there
    found, expected = mfcc(samples).astype(float), by_python_speech_features(samples)
    assert found[:, :13].shape == expected.shape
    assert_allclose(found[:, 0], expected[:, 0], rtol=1e-5)
    # The filters' shapes make 0.042; a pre-emphasis of 0.9 would make 0.06, a lifter of 20 0.07, 24 filters 0.10.
    assert np.linalg.norm(found[:, 1:13] - expected[:, 1:]) < 0.05 * np.linalg.norm(expected[:, 1:])
    assert_allclose(found[:, 13:26], package.delta(found[:, :13], 2), atol=1e-4)
    assert_allclose(found[:, 26:], package.delta(found[:, 13:26], 2), atol=1e-4)


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
