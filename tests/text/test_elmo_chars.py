from __future__ import annotations

import pytest

from seqlab.errors import SettingsError
from seqlab.text.elmo_chars import elmo_characters, elmo_edges
from tests.oracles.bilm import sentence_spelling, spelling

WORDS = ["a", "Tromsø", "雪", "x" * 100, ""]


@pytest.mark.parametrize("length", [3, 9, 50])
def test_words_and_edges_are_those_of_the_conventions(length: int) -> None:
    assert elmo_characters(WORDS, length).tolist() == [spelling(word, length) for word in WORDS]
    begin, *_, end = sentence_spelling(WORDS, length)
    assert [edge.tolist() for edge in elmo_edges(length)] == [begin, end]


def test_a_long_word_keeps_its_end_mark() -> None:
    found = elmo_characters(["x" * 100])[0]
    assert found[-1] == 260 and (found[1:-1] == ord("x") + 1).all()
    assert elmo_characters([]).shape == (0, 50)


def test_bad_length() -> None:
    for call in (lambda: elmo_characters(["a"], 2), lambda: elmo_edges(2)):
        with pytest.raises(SettingsError, match="at least 3 numbers.* length=2"):
            call()
