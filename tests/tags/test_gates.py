from __future__ import annotations

import json

import numpy as np
import pytest

from seqlab.errors import DataError, SettingsError
from seqlab.tags.gates import Gate, entries_of


def test_where_entries_begin():
    entries = entries_of([["New", "York"], ["York"], ["New", "York", "City"]])
    table = entries.table(["New", "York", "New", "York", "City"])
    found = [(int(i), int(n)) for i, n in np.argwhere(table) if n]
    assert found == [(0, 2), (1, 1), (2, 2), (2, 3), (3, 1)]
    assert table[:, 0].all()


def test_config():
    gate = Gate(entries_of([["b"], ["a", "b"]]), np.array([0, 2, 1]))
    again = Gate.from_config(json.loads(json.dumps(gate.get_config())))
    assert again.entries == gate.entries and again.columns.tolist() == [0, 2, 1]
    with pytest.raises(SettingsError, match="A gate has the keys entries and columns; received"):
        Gate.from_config({"entries": [["a"]]})


@pytest.mark.parametrize(
    ("entries", "error", "message"),
    [
        ("York", SettingsError, "entries is the string 'York'"),
        (["New York"], DataError, r"is a string; expected its words, such as \['New', 'York'\]"),
        ([[]], DataError, "has no word"),
        ([], DataError, "The list has no entry"),
    ],
    ids=str,
)
def test_bad_entries(entries, error, message):
    with pytest.raises(error, match=message):
        entries_of(entries)
