"""fastText's binary format against a file that is written here byte by byte, and its sub-words summed by NumPy."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from seqlab.errors import ModelFileError, SettingsError
from seqlab.models.fasttext import FastText
from seqlab.models.producers import open_producer
from tests import tiny

WORDS, WIDTH, BUCKETS = ["snow", "Oslo"], 3, 20
SHORTEST, LONGEST = 3, 4
MATRIX = np.random.default_rng(4).normal(size=(len(WORDS) + BUCKETS, WIDTH)).astype("float32")


def model(kind: int = 2, buckets: int = BUCKETS, longest: int = LONGEST) -> bytes:
    """A model of two words in the format of fastText 0.9: settings, dictionary, input matrix, output matrix."""
    found = struct.pack("<ii", 793712314, 12)
    #                    dim   window epoch min neg n loss model
    found += struct.pack("<12i", WIDTH, 5, 5, 1, 5, 1, 1, kind, buckets, SHORTEST, longest, 100)
    found += struct.pack("<d", 1e-4)
    found += struct.pack("<iiiqq", len(WORDS), len(WORDS), 0, 9, -1)
    for word in WORDS:
        found += word.encode() + b"\0" + struct.pack("<qb", 4, 0)
    found += struct.pack("<?qq", False, *MATRIX.shape) + MATRIX.tobytes()
    return found + struct.pack("<?qq", False, len(WORDS), WIDTH) + MATRIX[: len(WORDS)].tobytes()


def hashed(gram: str) -> int:
    """FNV-1a over signed bytes, as fastText computes it."""
    value = 2166136261
    for byte in gram.encode():
        value = ((value ^ (byte | (0xFFFFFF00 if byte > 127 else 0))) * 16777619) % 2**32
    return value % BUCKETS


def vector(word: str) -> np.ndarray:
    """The mean of a word's own vector, if there is one, and those of its n-grams."""
    marked = f"<{word}>"
    grams = [
        marked[start : start + size]
        for start in range(len(marked))
        for size in range(SHORTEST, LONGEST + 1)
        if start + size <= len(marked)
    ]
    rows = [len(WORDS) + hashed(gram) for gram in grams]
    rows += [WORDS.index(word)] if word in WORDS else []
    return MATRIX[rows].mean(axis=0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "model.bin").write_bytes(model())
    return tmp_path / "model.bin"


def test_known_and_unknown_words_have_the_vectors_of_their_sub_words(file: Path) -> None:
    producer = open_producer(file)
    assert isinstance(producer, FastText)
    assert (producer.layers, producer.width, producer.place) == (1, WIDTH, str(file))
    sentences = [["snow", "Oslo", "snowy"], [], ["Übermäßig"]]
    for found, words in zip(producer.vectors(sentences), sentences, strict=True):
        assert found.shape == (1, len(words), WIDTH) and found.dtype == np.float32
        for row, word in zip(found[0], words, strict=True):
            np.testing.assert_allclose(row, vector(word), rtol=1e-5, atol=1e-6)


def test_a_tagger_reads_them_and_knows_its_file(file: Path) -> None:
    tagger = tiny.tagger(chars=None, contextual=str(file))
    assert (tagger.contextual.layers, tagger.contextual.width) == (1, WIDTH)
    (array,) = tagger.contextual.vectors([["snow"]])
    np.testing.assert_allclose(array[0, 0], vector("snow"), rtol=1e-5)
    assert tagger.contextual.get_config()["fingerprint"] == FastText.open(file).fingerprint


def test_a_file_that_is_cut_anywhere_is_told(file: Path) -> None:
    whole = len(model()) - 4 * WIDTH * len(WORDS) - 17  # gensim leaves the output matrix alone
    for size in (*range(4, 130), whole - 1, whole - 4 * WIDTH):
        file.write_bytes(model()[:size])
        with pytest.raises(ModelFileError, match=r"model\.bin is cut off"):
            FastText.open(file)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"buckets": 0}, "has no sub-words"),
        ({"longest": 0}, "has no sub-words"),
        ({"kind": 3}, "is a classifier"),
    ],
)
def test_models_that_do_not_serve_are_refused(options: dict[str, int], message: str, file: Path) -> None:
    file.write_bytes(model(**options))
    with pytest.raises(ModelFileError, match=rf"model\.bin {message}"):
        FastText.open(file)


def test_other_files_are_refused(file: Path) -> None:
    file.write_bytes(b"2 3\nsnow 0 0 1\n")
    with pytest.raises(ModelFileError, match=r"model\.bin is no fastText model: .* 793712314\. .* words\.vectors"):
        open_producer(file)


def test_without_gensim_it_says_what_to_install(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gensim.models.fasttext", None)
    with pytest.raises(SettingsError, match=r"pip install 'seqlab\[fasttext\]'"):
        FastText.open(file)
