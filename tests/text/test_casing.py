from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.text.casing import CASING, casing


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("1990", "numeric"),
        ("1,000", "mainly numeric"),
        ("1990s", "mainly numeric"),
        ("1a", "all lower"),  # half is not mainly
        ("don't", "all lower"),
        ("straße", "all lower"),
        ("U.S.", "all upper"),
        ("F-16", "all upper"),
        ("A", "all upper"),
        ("Paris", "initial upper"),
        ("McDonald", "initial upper"),
        ("\u01c5ep", "initial upper"),
        ("iPhone4", "contains digit"),
        ("1/-", "contains digit"),
        ("iPhone", "other"),
        ("$", "other"),
        ("你好", "other"),
        ("", "other"),
    ],
)
def test_patterns(word: str, expected: str) -> None:
    assert CASING[casing(word)] == expected


def test_order_of_the_table() -> None:
    assert len(CASING) == 8 and CASING[0] == "padding" and CASING[-1] == "other"


@given(st.text())
def test_no_word_is_padding(word: str) -> None:
    assert 0 < casing(word) < len(CASING)
