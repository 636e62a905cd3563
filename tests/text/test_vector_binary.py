"""word2vec's binary format."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.errors import DataError
from seqlab.text.vector_binary import is_binary
from seqlab.text.vectors import examine_vectors, read_vectors
from tests.text.common import binary

ROWS = {"the": [0.5, -1.0, 2e-3], "été": [0.25, 3.0, 4.0], "New_York": [1.0, 2.0, 3.0]}


def write(folder: Path, content: bytes) -> Path:
    path = folder / "vectors.bin"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("end", [b"\n", b""], ids=["word2vec", "gensim"])
@pytest.mark.parametrize("pack", [bytes, lambda content: gzip.compress(content, mtime=0)], ids=["plain", "gzip"])
def test_reads_what_is_written(end, pack, tmp_path) -> None:
    vectors = read_vectors(write(tmp_path, pack(binary(ROWS, end))))
    assert vectors.words == list(ROWS)
    np.testing.assert_array_equal(vectors.matrix, np.array(list(ROWS.values()), "float32"))


def test_cuts_limits_and_repeated_words(tmp_path) -> None:
    path = write(tmp_path, binary([*ROWS.items(), ("the", [9.0, 9.0, 9.0]), (b"\xff", [1.0, 1.0, 1.0])]))
    assert read_vectors(path, words={"the", "été", "cat"}).matrix.tolist() == [
        np.float32([0.5, -1, 2e-3]).tolist(),
        [0.25, 3, 4],
    ]
    assert read_vectors(path, words=lambda word: word[0] == "N", limit=4).words == ["New_York"]
    assert read_vectors(path, limit=2).words == ["the", "été"]
    assert read_vectors(path, words=()).matrix.shape == (0, 3)


WORD = st.text(st.characters(exclude_characters=" \n", exclude_categories=["Cs"]), min_size=1, max_size=5)


@given(st.lists(WORD, unique=True, min_size=1, max_size=9), st.integers(1, 70), st.integers(0, 9), st.booleans())
def test_any_words_and_widths(tmp_path_factory, words, width, seed, gap) -> None:
    matrix = np.random.default_rng(seed).normal(size=(len(words), width)).astype("float32")
    content = binary([(word, row.tolist()) for word, row in zip(words, matrix, strict=True)], b"\n" if gap else b"")
    if not is_binary(content):  # a row of so few numbers that all of its bytes happen to be letters
        assert width < 8
        return
    vectors = read_vectors(write(tmp_path_factory.getbasetemp(), content))
    assert vectors.words == words
    np.testing.assert_array_equal(vectors.matrix, matrix)


def test_rows_beyond_one_block_and_one_chunk(tmp_path) -> None:
    matrix = np.random.default_rng(0).normal(size=(5_000, 60)).astype("float32")  # 1.2 MB
    path = write(tmp_path, binary([(f"w{row}", numbers.tolist()) for row, numbers in enumerate(matrix)]))
    np.testing.assert_array_equal(read_vectors(path).matrix, matrix)
    matrix[4_500, 7] = np.inf
    path = write(tmp_path, binary([(f"w{row}", numbers.tolist()) for row, numbers in enumerate(matrix)]))
    with pytest.raises(DataError, match="Row 4501: the vector of 'w4500' holds a number that is not finite"):
        read_vectors(path)


WHOLE = binary(ROWS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WHOLE[:-4], r"Row 3 of 3: only 9 of 12 bytes of numbers. The file was cut off"),
        (WHOLE[: WHOLE.index(b"New") + 2], "Row 3 of 3: no word with a blank after it"),
        (WHOLE.replace(b"3 3", b"4 3"), "Row 4 of 4: no word"),
        (WHOLE.replace(b"3 3", b"2 3"), "Row 3: there are more bytes after the 2 rows of 3 numbers"),
        (WHOLE.replace(b"3 3", b"3 2"), "Row 2"),  # a width below the rows'
        (WHOLE.replace(b"3 3", b"3 4"), "Row [23]"),  # and above
        (WHOLE.replace(b"3 3", b"3 90"), "Row 1 of 3: only .* of 360 bytes"),
        (WHOLE.replace(b"3 3", b"0 3"), "Expected a first line 'rows dimension' of two numbers above 0"),
        (binary({"a": [1.0, float("nan")]}), "Row 1: the vector of 'a' holds a number that is not finite"),
        (binary({"a": [1.0], b"\xff\xfe": [2.0]}), r"Row 2: The word .*xff.* is not utf-8. Pass the file's encoding"),
        (gzip.compress(WHOLE * 9, mtime=0)[:-12], "gzip data is damaged"),
    ],
)
def test_faults_are_named_with_the_row(content, message, tmp_path) -> None:
    path = write(tmp_path, content)
    with pytest.raises(DataError, match=message) as caught:
        read_vectors(path)
    assert caught.value.file == str(path)


def test_undecodable_words_that_nobody_wants_are_passed_over(tmp_path) -> None:
    path = write(tmp_path, binary({b"caf\xe9": [1.0], "b": [2.0]}))
    assert read_vectors(path, words={"b"}).words == ["b"]
    assert read_vectors(path, encoding="latin-1").words == ["café", "b"]


def test_text_is_told_from_binary() -> None:
    assert is_binary(WHOLE)
    for text in ("2 2\na 1 2\nb 3 4\n", "2 1\n日 本 1\nb 2\n", "5 5 6\n", "", "2 2\n", "2 2\nété x\n", "a 1\n"):
        assert not is_binary(text.encode()), text


def test_the_binary_format_of_fasttext_is_refused_with_what_to_do(tmp_path) -> None:
    path = write(tmp_path, (793_712_314).to_bytes(4, "little") + bytes(60))
    with pytest.raises(DataError, match=r"fastText's own binary format.*\.vec file.*load_facebook_vectors.*w2v\.bin"):
        read_vectors(path)


def test_every_row_is_examined(tmp_path) -> None:
    many = {f"w{row}": [row, 0.5] for row in range(5000)}
    found, rows = examine_vectors(write(tmp_path, binary(many)), {"w3", "w4999"})
    assert (found.words, rows) == (["w3", "w4999"], 5000) and found.matrix.tolist() == [[3, 0.5], [4999, 0.5]]
    path = write(tmp_path, binary({**many, "bad": [1.0, float("nan")]}))
    assert read_vectors(path, {"w3"}).words == ["w3"]
    with pytest.raises(DataError, match="Row 5001: the vector of 'bad' holds a number that is not finite"):
        examine_vectors(path, {"w3"})
