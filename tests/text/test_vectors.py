from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from seqlab.errors import DataError, SettingsError
from seqlab.text.vectors import WordVectors, examine_vectors, read_vectors

GLOVE = "the 0.5 -1 2e-3\ncat .25 +3. 4\nthe 9 9 9\n"


@pytest.fixture
def write(tmp_path: Path):
    def write(content: str | bytes, name: str = "vectors.txt") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def check(vectors: WordVectors, words: list[str], matrix: list[list[float]]) -> None:
    assert vectors.words == words
    assert vectors.matrix.dtype == np.float32
    np.testing.assert_array_equal(vectors.matrix, np.array(matrix, np.float32).reshape(vectors.matrix.shape))
    assert len(vectors) == len(words) == len(vectors.rows)


THE, CAT = [0.5, -1, 0.002], [0.25, 3, 4]


@pytest.mark.parametrize(
    "content",
    [
        GLOVE,
        "3 3\n" + GLOVE,
        "\ufeff" + GLOVE,
        "\ufeff3 3 \n" + GLOVE.replace("\n", " \r\n"),
        GLOVE.rstrip() + "\n\n \n",
    ],
)
def test_formats(write, content: str) -> None:
    vectors = read_vectors(write(content))
    check(vectors, ["the", "cat"], [THE, CAT])
    assert vectors.dimension == 3
    assert vectors.rows == {"the": 0, "cat": 1}
    check(read_vectors(write(gzip.compress(content.encode(), mtime=0), "vectors.gz")), ["the", "cat"], [THE, CAT])


def test_cuts_and_limits(write) -> None:
    path = write(GLOVE)
    check(read_vectors(path, words={"cat", "dog"}), ["cat"], [CAT])
    check(read_vectors(path, words=lambda word: word.startswith("t")), ["the"], [THE])
    check(read_vectors(path, limit=1), ["the"], [THE])
    check(read_vectors(write("3 3\n" + GLOVE), words=["cat"], limit=1), [], [])
    assert read_vectors(path, words=()).matrix.shape == (0, 3)
    with pytest.raises(SettingsError, match="limit"):
        read_vectors(path, limit=0)


def test_words_with_blanks_inside(write) -> None:
    path = write(". . . 1 2\nat name@x.org 3 4\n5 5 6\n\u00a0 7 8\n\u2028 9 9\n")
    check(
        read_vectors(path),
        [". . .", "at name@x.org", "5", "\u00a0", "\u2028"],
        [[1, 2], [3, 4], [5, 6], [7, 8], [9, 9]],
    )
    check(read_vectors(path, words={"at name@x.org"}), ["at name@x.org"], [[3, 4]])


def test_encodings(write) -> None:
    path = write("été 1 2\nthe 3 4\n".encode("latin-1"))
    check(read_vectors(path, encoding="latin-1", words={"été", "你"}), ["été"], [[1, 2]])
    with pytest.raises(SettingsError, match="`encoding` must be a text encoding that contains ASCII.*'latin-99'"):
        read_vectors(path, encoding="latin-99")
    check(read_vectors(path, words={"the"}), ["the"], [[3, 4]])
    with pytest.raises(DataError, match=r"vectors\.txt:1: .*is not utf-8.*latin-1"):
        read_vectors(path)


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("a 1 2 3\nb 1 2\n", 2, "Received 2 numbers .*expected 3"),
        ("a 1 2 3\n\nb 1 2 3 4\n", 3, "Received 4 numbers .*expected 3"),
        ("a 1 2 3\nb\n", 2, "Received 0 numbers"),
        ("a 1 2 3\nb 1 x 3\n", 2, "Received 'x', expected a finite number"),
        ("a 1 2 3\nb 1 nan 3\n", 2, "Received 'nan'"),
        ("a 1 2 3\nb 1 1e99 3\n", 2, "Received '1e99'"),
        ("a 1 2 3\nb 1  3\n", 2, "Received ''"),
        ("a 1 x 3\n", 1, "expected a word and its finite numbers"),
        ("a b c\n", 1, "expected a word and its finite numbers"),
        ("2 3\na 1 2\nb 1 2\n", 2, "announces vectors of 3 numbers, the first row has 2"),
        ("3 2\na 1 2\nb 1 2\n", 1, "announces 3 rows, the file has 2"),
        (b"a 1 2\nb \x00\x01", 2, "binary"),
        (b"x" * (1 << 20), 1, "binary"),
    ],
)
def test_faults_are_named_with_file_and_line(write, content: str | bytes, line: int, message: str) -> None:
    path = write(content)
    with pytest.raises(DataError, match=message) as caught:
        read_vectors(path)
    assert (caught.value.file, caught.value.line) == (str(path), line)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no word vectors"),
        ("\n \n", "no word vectors"),
        ("0 50\n", "no word vectors"),
        (b"PK\x03\x04", "zip archive"),
        (gzip.compress(GLOVE.encode() * 99, mtime=0)[:-30], "gzip data is damaged"),
        (gzip.compress(GLOVE.encode(), mtime=0)[:10] + b"\xff" * 20, "gzip data is damaged"),
        (b"\x1f\x8b\x00", "gzip data is damaged"),
    ],
)
def test_files_without_vectors_are_refused(write, content: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_vectors(write(content))


def test_a_missing_file_is_suggested(write, tmp_path: Path) -> None:
    write(GLOVE, "glove.6B.50d.txt")
    with pytest.raises(DataError, match=r"no such file.*Did you mean 'glove\.6B\.50d\.txt'"):
        read_vectors(tmp_path / "glove.6B.50.txt")
    with pytest.raises(DataError, match="folder"):
        read_vectors(tmp_path)
    with pytest.raises(DataError, match="no such file"):
        read_vectors(tmp_path / "nowhere" / "x.txt")


WORD = st.text(st.characters(exclude_characters=" \r\n\0", exclude_categories=["Cs"]), min_size=1)


@given(st.lists(WORD, unique=True, min_size=1), st.integers(2, 4), st.booleans(), st.data())
def test_whatever_is_written_is_read(tmp_path_factory, words: list[str], width: int, header: bool, data) -> None:
    assume(header or not words[0].startswith("\ufeff"))  # it would be a byte-order mark
    numbers = st.floats(width=32, allow_nan=False, allow_infinity=False)
    matrix = [data.draw(st.lists(numbers, min_size=width, max_size=width)) for _ in words]
    path = tmp_path_factory.getbasetemp() / "drawn.txt"
    rows = [" ".join([word, *map(repr, row)]) for word, row in zip(words, matrix, strict=True)]
    path.write_bytes("\n".join([f"{len(words)} {width}"] * header + rows).encode())
    check(read_vectors(path), words, matrix)


def test_memory_grows_only_with_what_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    with open(path, "w", encoding="utf-8") as stream:
        stream.writelines(f"w{index} " + "0.125 " * 100 + "\n" for index in range(20_000))
    tracemalloc.start()
    assert len(read_vectors(path, words={"w7", "w19999"})) == 2
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000 < path.stat().st_size / 10


@pytest.mark.parametrize("pack", [bytes, lambda content: gzip.compress(content, 1, mtime=0)], ids=["plain", "gzip"])
def test_progress_is_told_up_to_the_end(pack, tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    path.write_bytes(pack(b"".join(b"w%d %d 0.5\n" % (row, row) for row in range(300_000))))
    told: list[tuple[int, int]] = []
    assert len(read_vectors(path, words={"w1", "w2"}, progress=lambda *pair: told.append(pair))) == 2
    size = path.stat().st_size
    assert told == sorted(told) and told[-1] == (size, size)
    assert len(told) == 1 or pack is bytes  # every 4 MB of the file


@pytest.mark.corpus
def test_glove(real_data: Path) -> None:
    path = real_data / "glove" / "glove.6B.50d.trimmed.txt"
    vectors = read_vectors(path)
    assert vectors.matrix.shape == (37_861, 50)
    np.testing.assert_allclose(vectors.matrix[vectors.rows["the"], :3], [0.418, 0.24968, -0.41242], rtol=1e-6)
    cut = read_vectors(path, words={"the", "cat", "zzzz-none"})
    assert sorted(cut.words) == ["cat", "the"]
    np.testing.assert_array_equal(cut.matrix[cut.rows["cat"]], vectors.matrix[vectors.rows["cat"]])


def test_every_row_is_examined_and_few_are_kept(write) -> None:
    path = write("".join(f"w{row} {row} 0.5\n" for row in range(1203)) + "w7 1 1\nx 1 1\n")
    vectors, rows = examine_vectors(path, {"w7", "w1200", "none"})
    assert rows == 1205
    check(vectors, ["w7", "w1200"], [[7, 0.5], [1200, 0.5]])
    bad = write(path.read_text() + "w7 nan 1\n")
    check(read_vectors(bad, words={"w7"}), ["w7"], [[7, 0.5]])
    with pytest.raises(DataError, match=r"vectors\.txt:1206: Received 'nan'"):
        examine_vectors(bad, {"w7"})
    with pytest.raises(DataError, match="is not utf-8"):
        examine_vectors(write("été 1 2\nthe 3 4\n".encode("latin-1")), {"the"})
