from __future__ import annotations

import numpy as np
import pytest

from seqlab.errors import DataError, ModelFileError, SeqlabError, SettingsError, check_count, check_encoding, suggest


@pytest.mark.parametrize(
    ("file", "line", "text"),
    [("", None, "bad"), ("a.txt", None, "a.txt: bad"), ("a.txt", 3, "a.txt:3: bad"), ("", 3, "bad")],
)
def test_data_error_begins_with_its_place(file: str, line: int | None, text: str) -> None:
    error = DataError("bad", file=file, line=line)
    assert str(error) == text
    assert (error.file, error.line) == (file, line)


@pytest.mark.parametrize("kind", [DataError, SettingsError, ModelFileError])
def test_every_error_is_a_value_error_and_ours(kind: type[Exception]) -> None:
    assert issubclass(kind, SeqlabError)
    assert issubclass(kind, ValueError)


def test_suggest_names_the_nearest_or_nothing() -> None:
    assert suggest("iob22", ["iob1", "iob2"]) == " Did you mean 'iob2'?"
    assert suggest("zebra", ["iob1", "iob2"]) == ""
    assert suggest("iob2", []) == ""


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "3", None])
def test_counts_are_whole_numbers_of_at_least_one(value: object) -> None:
    check_count("n", 1)
    check_count("n", np.int64(3))
    with pytest.raises(SettingsError, match="`n` must be a whole number of at least 1. Received: n="):
        check_count("n", value)


def test_encodings_contain_ascii() -> None:
    for encoding in ("utf-8", "latin-1", "cp1252", "gb18030"):
        check_encoding("e", encoding)
    for encoding in ("utf-16", "utf-7x", "", "base64", "cp037"):
        with pytest.raises(SettingsError, match=f"`e` must be a text encoding that contains ASCII.*'{encoding}'"):
            check_encoding("e", encoding)
