"""The cache of word vectors: what is read again is what was read, and no trouble with it stops a run."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import numpy as np
import pytest

from seqlab.text import vector_cache, vectors
from seqlab.text.vector_cache import cache_folder, cache_path, read_cache, write_cache
from seqlab.text.vectors import read_vectors
from tests.text.common import binary

TEXT = "the 0.5 -1\ncat .25 3\n\u2028 1 2\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "vectors.txt"
    path.write_text(TEXT, encoding="utf-8", newline="")
    return path


def refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on nothing can be parsed."""
    monkeypatch.setattr(vectors, "_read", lambda *_: pytest.fail("parsed in place of read from the cache"))


@pytest.mark.parametrize("content", [TEXT.encode(), binary({"the": [0.5, -1.0], "日": [3.0, 4.0]})])
def test_the_second_reading_is_the_first(content, source, tmp_path, monkeypatch) -> None:
    source.write_bytes(content)
    first = read_vectors(source, cache=tmp_path / "cache")
    refuse(monkeypatch)
    again = read_vectors(source, cache=tmp_path / "cache")
    assert again.words == first.words and again.matrix.dtype == np.float32
    np.testing.assert_array_equal(again.matrix, first.matrix)
    cut = read_vectors(source, words={"the", "none"}, cache=tmp_path / "cache")
    assert cut.words == ["the"] and cut.matrix.tolist() == [[0.5, -1]]
    assert read_vectors(source, words=lambda word: word != "the", cache=tmp_path / "cache").words == first.words[1:]


def test_only_whole_readings_are_kept(source, tmp_path) -> None:
    read_vectors(source, words={"the"}, cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
    assert read_vectors(source, limit=1, cache=tmp_path / "cache").words == ["the"]
    assert read_vectors(source, cache=tmp_path / "cache").words == ["the", "cat", "\u2028"]
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_the_key_follows_content_time_and_reading(source, tmp_path) -> None:
    def key(encoding: str = "utf-8", limit: int | None = None) -> str:
        return cache_path(tmp_path, source, encoding, limit).name

    first, stamp = key(), source.stat().st_mtime_ns
    assert key() == first != key(limit=1) != key("latin-1") != first
    os.utime(source, ns=(stamp, stamp + 1))
    assert key() != first
    source.write_text(TEXT.replace("cat", "dog"), encoding="utf-8", newline="")
    os.utime(source, ns=(stamp, stamp))
    assert key() != first  # of the same size and time
    source.write_text(TEXT, encoding="utf-8", newline="")
    os.utime(source, ns=(stamp, stamp))
    assert key() == first
    (tmp_path / "elsewhere").mkdir()
    moved = source.rename(tmp_path / "elsewhere" / source.name)
    assert cache_path(tmp_path, moved, "utf-8", None).name == first


def test_blocks_are_spread_over_a_large_file(tmp_path) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(3 << 20))
    stamp = path.stat().st_mtime_ns
    keys = set()
    for place in (0, (3 << 20) - 1, 2_000_000 - 2_000_000 % 204_000):
        content = bytearray(3 << 20)
        content[place] = 1
        path.write_bytes(content)
        os.utime(path, ns=(stamp, stamp))
        keys.add(cache_path(tmp_path, path, "utf-8", None))
    assert len(keys) == 3


@pytest.mark.parametrize("damage", ["cut", "flipped", "foreign", "empty"])
def test_a_damaged_cache_is_read_anew_and_replaced(damage, source, tmp_path, caplog) -> None:
    expected = read_vectors(source, cache=tmp_path / "cache")
    (stored,) = (tmp_path / "cache").iterdir()
    good = stored.read_bytes()
    middle = good.index(np.float32(0.25).tobytes())
    bad = {"cut": good[:-40], "flipped": good[:middle] + b"\1" + good[middle + 1 :], "empty": b""}
    if damage == "foreign":
        np.savez(stored, words=np.zeros(3, np.uint8), matrix=np.zeros((9, 2)))
    else:
        stored.write_bytes(bad[damage])
    with caplog.at_level(logging.WARNING):
        again = read_vectors(source, cache=tmp_path / "cache")
    assert "read anew, and it is replaced" in caplog.text and str(stored) in caplog.text
    np.testing.assert_array_equal(again.matrix, expected.matrix)
    assert again.words == expected.words
    assert read_cache(stored) is not None


def test_a_cache_that_cannot_be_written_stops_nothing(source, tmp_path, caplog) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    with caplog.at_level(logging.WARNING):
        assert len(read_vectors(source, cache=tmp_path / "cache")) == 3
    assert "cannot be cached" in caplog.text and "SEQLAB_CACHE=off" in caplog.text


def test_a_cache_that_cannot_be_opened_stops_nothing(source, tmp_path, caplog, monkeypatch) -> None:
    def denied(path, *args, **kwargs):
        raise PermissionError(f"no way into {path.parent}")

    read_vectors(source, cache=tmp_path / "cache")
    (stored,) = (tmp_path / "cache").iterdir()
    monkeypatch.setattr(type(stored), "open", denied)
    monkeypatch.setattr(type(stored), "is_file", denied)
    with caplog.at_level(logging.WARNING):
        assert read_cache(stored) is None
    assert "cannot be read (no way into" in caplog.text


def test_nothing_is_written_for_no_words(tmp_path) -> None:
    write_cache(tmp_path / "x.npz", [], np.zeros((0, 2), np.float32))
    assert not list(tmp_path.iterdir())


def test_where_the_cache_lies(tmp_path, monkeypatch) -> None:
    large, small = vector_cache.SMALLEST, vector_cache.SMALLEST - 1
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("SEQLAB_CACHE", raising=False)
    assert cache_folder(None, large) == tmp_path / ".cache" / "seqlab"
    assert cache_folder(None, small) is None and cache_folder(False, large) is None
    assert cache_folder(True, small) == tmp_path / ".cache" / "seqlab"
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert cache_folder(None, large) == Path("/x/seqlab")
    monkeypatch.setenv("SEQLAB_CACHE", "/y")
    assert cache_folder(None, large) == Path("/y") and cache_folder("/z", small) == Path("/z")
    monkeypatch.setenv("SEQLAB_CACHE", "OFF")
    assert cache_folder(None, large) is None and cache_folder(True, large) is None
