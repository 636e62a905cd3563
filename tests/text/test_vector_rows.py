"""What is kept of a file."""

from __future__ import annotations

import numpy as np
import pytest

from seqlab.errors import DataError
from seqlab.text.vector_rows import Rows, shown


def test_takes_what_is_wanted_once() -> None:
    every = Rows("f", None, "utf-8")
    assert [every.takes(word) for word in (b"a", b"b", b"a")] == [True, True, False]
    assert every.words == ["a", "b"]
    assert [Rows("f", {"b"}, "utf-8").takes(word) for word in (b"a", b"b", b"\xff")] == [False, True, False]
    assert [Rows("f", str.islower, "utf-8").takes(word) for word in (b"a", b"B")] == [True, False]
    every.values += np.float32([1, 2, 3, 4]).tobytes()
    assert every.matrix(2).tolist() == [[1, 2], [3, 4]]


def test_undecodable_words_are_placed() -> None:
    with pytest.raises(DataError, match=r"f:7: The word '\\\\xff' is not utf-8"):
        Rows("f", None, "utf-8").takes(b"\xff", line=7)
    with pytest.raises(DataError, match=r"f: Row 7: The word .*another width than the rows have"):
        Rows("f", None, "utf-8").takes(b"\xff", row=7)


def test_undecodable_words_that_cannot_be_wanted_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    rows = Rows("f", {"b"}, "utf-8")
    rows.warn()
    assert not caplog.text  # nothing to tell
    assert [rows.takes(word, line=line) for line, word in enumerate((b"a", b"\xe9", b"b", b"\xff"), 1)] == [
        *(False, False, True, False)
    ]
    rows.warn()
    assert r"f:2: The word '\\xe9' is not utf-8; rows passed over for this reason: 2 of 4" in caplog.text
    assert "--words.encoding of seqlab train" in caplog.text
    binary = Rows("f", {"b"}, "utf-8")
    binary.takes(b"\xff", row=7)
    binary.warn()
    assert r"f: Row 7: The word '\\xff' is not utf-8" in caplog.text
    with pytest.raises(DataError, match=r"f:1: The word (?!.*unseen-vectors)"):
        Rows("f", {"b"}, "utf-8", every=True).takes(b"\xff", line=1)


def test_long_pieces_are_shortened() -> None:
    assert shown(b"x" * 99) == repr("x" * 57 + "...")
