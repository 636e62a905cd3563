"""Reading and writing text: encodings, gzip, line ends, and a write that fails."""

from __future__ import annotations

import gzip
import os
import tracemalloc

import pytest

from seqlab.corpora import files
from seqlab.corpora.files import blocks, read_lines, stream_lines, write_atomically
from seqlab.errors import DataError, SettingsError


def made(folder, data, name="f.txt"):
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r", b"\r\r\n"])
def test_line_ends(tmp_path, end):
    path = made(tmp_path, end.join([b"a\xc2\x85b", b"", b"\xe2\x80\xa8c\x0bd"]))
    assert read_lines(path) == ["a\x85b", "", "\u2028c\x0bd"]


def test_byte_order_marks_are_dropped(tmp_path):
    assert read_lines(made(tmp_path, "\ufeffa".encode())) == ["a"]
    assert read_lines(made(tmp_path, "a".encode("utf-16")), "utf-16") == ["a"]


def test_latin_1_by_argument(tmp_path):
    assert read_lines(made(tmp_path, "é".encode("latin-1")), "latin-1") == ["é"]


@pytest.mark.parametrize("name", ["f.gz", "f.txt"])
def test_gzip_whatever_the_name(tmp_path, name):
    assert read_lines(made(tmp_path, gzip.compress(b"a\nb", mtime=0), name)) == ["a", "b"]


@pytest.mark.parametrize(
    ("data", "name", "encoding", "says"),
    [
        (b"", "f.txt", "utf-8", "f.txt: The file is empty"),
        (b"\n \t\n", "f.txt", "utf-8", "f.txt: The file is empty"),
        (
            b"ok\ncaf\xe9\n",
            "f.txt",
            "utf-8",
            r"f.txt:2: Byte 0xe9 at offset 6 is not utf-8 .*encoding='latin-1'",
        ),
        ("a".encode("utf-16"), "f.txt", "utf-8", "encoding='utf-16'"),
        ("\ufeffé".encode(), "f.txt", "latin-1", "mark of UTF-8, but encoding='latin-1'"),
        (b"plain", "f.gz", "utf-8", "not gzip"),
        (gzip.compress(b"a b c" * 50, mtime=0)[:-12], "f.gz", "utf-8", "Damaged gzip"),
    ],
)
def test_what_cannot_be_read(tmp_path, data, name, encoding, says):
    with pytest.raises(DataError, match=says):
        read_lines(made(tmp_path, data, name), encoding)


@pytest.mark.parametrize("block", [1, 2, 3, 7])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_blocks_of_a_file_meet_anywhere(tmp_path, monkeypatch, block, encoding):
    path = made(tmp_path, "é\r\nb\r\r\nc\rd\n\n\U0001f600 e\r".encode(encoding))
    monkeypatch.setattr(files, "BLOCK", block)
    assert list(stream_lines(path, encoding)) == ["é", "b", "c", "d", "", "\U0001f600 e", ""]
    gone = made(tmp_path, "\ufeffok\ncafé\n".encode() + b"\xe9\n", "bad.txt")
    with pytest.raises(DataError, match=r"bad.txt:3: Byte 0xe9 at offset 12 is not utf-8"):
        read_lines(gone)


def test_a_long_file_is_read_piecemeal(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "BLOCK", 1000)
    path = made(tmp_path, b"some words\n" * 50_000)
    tracemalloc.start()
    assert sum(1 for _ in stream_lines(path)) == 50_001
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000  # the file has 550,000 bytes


def test_missing_files(tmp_path):
    made(tmp_path, b"a", "train.txt")
    with pytest.raises(DataError, match="There is no such file. Did you mean 'train.txt'?"):
        read_lines(tmp_path / "trian.txt")
    with pytest.raises(DataError, match="Its folder .* does not exist"):
        read_lines(tmp_path / "no" / "train.txt")
    with pytest.raises(DataError, match="Cannot be read"):
        read_lines(tmp_path)


def test_unknown_encoding(tmp_path):
    with pytest.raises(SettingsError, match="Unknown encoding 'utf-88'"):
        read_lines(made(tmp_path, b"a"), "utf-88")


def test_blocks_number_their_lines():
    assert list(blocks(["", "a", "b", " \t", "", "\xa0"])) == [[(2, "a"), (3, "b")], [(6, "\xa0")]]


@pytest.mark.parametrize("name", ["f.txt", "f.txt.gz"])
def test_writing_replaces_the_whole_file(tmp_path, name):
    path = made(tmp_path, b"old", name)
    write_atomically(path, "é\n")
    assert read_lines(path) == ["é", ""]
    assert os.listdir(tmp_path) == [name]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = made(tmp_path, b"old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    assert path.read_bytes() == b"old" and os.listdir(tmp_path) == ["f.txt"]
