"""SPHERE files: samples of both byte orders, and each fault with its file."""

from __future__ import annotations

import re

import numpy as np
import pytest
from make_synthetic_timit import sphere
from numpy.testing import assert_array_equal

from seqlab.corpora.sphere import read_sphere
from seqlab.errors import DataError

SAMPLES = np.array([0, 1, -2, 300, -32768, 32767], "<i2")


@pytest.fixture
def write(tmp_path):
    def writer(content):
        path = tmp_path / "one.wav"
        path.write_bytes(content)
        return path

    return writer


def test_both_byte_orders(write):
    found = read_sphere(write(sphere(SAMPLES, "a")))
    assert found.rate == 16_000 and found.samples.dtype == np.int16
    assert_array_equal(found.samples, SAMPLES)
    assert_array_equal(
        read_sphere(write(sphere(SAMPLES.astype(">i2"), "a", sample_byte_format="-s2 10"))).samples, SAMPLES
    )


def test_what_stands_after_the_samples_is_left(write):
    assert_array_equal(read_sphere(write(sphere(SAMPLES, "a") + b"more")).samples, SAMPLES)


def test_a_public_excerpt(real_data):
    """A tone of 440 Hz that was not written by us."""
    found = read_sphere(real_data / "formats" / "synthetic_pcm16le.sph")
    assert (len(found.samples), found.rate) == (1600, 16_000)
    spectrum = np.abs(np.fft.rfft(found.samples))
    assert np.argmax(spectrum) == 44 and abs(found.samples).max() == 3000


GOOD = sphere(SAMPLES, "a")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"RIFF....WAVE",
            r"one\.wav:1: Expected a NIST SPHERE file, which begins with NIST_1A; found a RIFF .*convert it",
        ),
        (b"\x00\x01", "found one that begins with"),
        (b"NIST_1A\n   1024\nsample", r"one\.wav:2: The size of the header is b'1024', the file has 22 bytes"),
        (b"NIST_1A\nhuge\n", "size of the header is b'huge'"),
        (GOOD[:-3], r"one\.wav: Ends after 4 of 6 samples: the file was cut off"),
        (GOOD.replace(b"end_head", b"        "), "has no end_head"),
        (GOOD.replace(b"channel_count -i 1", b"channel_count"), r"one\.wav:6: 'channel_count' is no line"),
        (
            sphere(SAMPLES, "a", sample_coding="-s26 pcm,embedded-shorten-v2.00"),
            "shorten-v2.00'; expected uncompressed",
        ),
        (sphere(SAMPLES, "a", sample_coding="-s4 ulaw"), "sample_coding is 'ulaw'"),
        (sphere(SAMPLES, "a", channel_count="-i 2"), "channel_count is 2; expected 1"),
        (sphere(SAMPLES, "a", sample_n_bytes="-i 1"), "sample_n_bytes is 1; expected 2"),
        (sphere(SAMPLES, "a", sample_byte_format="-s1 1"), "sample_byte_format is '1'; expected 01"),
        (sphere(SAMPLES, "a", sample_count="-i many"), "sample_count is 'many' in the header"),
    ],
)
def test_faults(write, content, message):
    with pytest.raises(DataError, match=message):
        read_sphere(write(content))


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match=re.escape(f"{tmp_path / 'none.wav'}: Cannot be read")):
        read_sphere(tmp_path / "none.wav")
