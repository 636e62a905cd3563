"""Lists of names from files."""

from __future__ import annotations

import pytest

from seqlab.corpora.entries import read_entries
from seqlab.errors import DataError


def test_an_entry_a_line_words_by_blanks(tmp_path):
    path = tmp_path / "places.txt"
    path.write_text("New  York\n\nÅs\t\n s' Gravenhage \n", encoding="latin-1")
    assert read_entries(path, "latin-1") == [["New", "York"], ["Ås"], ["s'", "Gravenhage"]]


@pytest.mark.parametrize(("name", "message"), [("place.txt", "no such file.*'places.txt'"), ("places.txt", "is empty")])
def test_files_that_hold_no_list(tmp_path, name, message):
    (tmp_path / "places.txt").write_text("\n", encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_entries(tmp_path / name)
