"""Parts of the reader of text; whole files are read in test_vectors.py."""

from __future__ import annotations

import io
import logging

import pytest

from seqlab.errors import DataError
from seqlab.text.vector_rows import Rows
from seqlab.text.vector_text import TextReader, is_number


@pytest.mark.parametrize("field", [b"1", b"-1.5", b"+.5", b"3.", b"1e-05", b"2E+3"])
def test_numbers(field: bytes) -> None:
    assert is_number(field)


@pytest.mark.parametrize("field", [b"", b"-", b".", b"1_0", b"nan", b"inf", b"0x1", b"1e", b"1,5", "１".encode()])
def test_no_numbers(field: bytes) -> None:
    assert not is_number(field)


def test_a_file_that_is_cut_in_the_middle_of_a_line() -> None:
    rows = Rows("f.txt", None, "utf-8")
    with pytest.raises(DataError, match=r"f\.txt:2: Received 1 numbers .*a last line that is too short was cut off"):
        TextReader(rows).read(io.BytesIO(b"a 1 2\nb 3"), None)


@pytest.mark.parametrize(("content", "warned"), [(b"a 1 2\nb 3 .1", True), (b"a 1 2\nb 3 .1\n", False)])
def test_a_last_line_without_an_end_is_read_with_a_warning(
    content: bytes, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Many whole files end so, and a cut within the last number leaves no other trace."""
    rows = Rows("f.txt", None, "utf-8")
    with caplog.at_level(logging.WARNING, "seqlab"):
        assert TextReader(rows).read(io.BytesIO(content), None) == 2
    assert rows.words == ["a", "b"] and ("f.txt:2: The last line has no end" in caplog.text) is warned


def test_the_end_of_a_file_that_is_not_read_to_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "seqlab"):
        TextReader(Rows("f.txt", None, "utf-8")).read(io.BytesIO(b"a 1 2\nb 3 .1"), 1)
    assert not caplog.text


def test_rows_are_parsed_in_blocks() -> None:
    rows = Rows("f.txt", None, "utf-8")
    assert TextReader(rows).read(io.BytesIO(b"".join(b"w%d %d 0.5\n" % (n, n) for n in range(1203))), None) == 2
    assert rows.matrix(2)[:, 0].tolist() == list(range(1203))
