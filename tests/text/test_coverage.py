from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import SettingsError
from seqlab.text.coverage import candidates, coverage
from seqlab.text.rules import lookups

RULES = ("brackets", "lowercase", "digits")
KNOWN = {"the", "The", "(", "0000", "oslo"}


def test_candidates_are_all_that_is_looked_up() -> None:
    corpora = [Corpus([Sentence(words, {})]) for words in (("The", "-LRB-"), ("the", "B2"))]
    assert candidates(corpora, RULES) == {"The", "the", "-LRB-", "(", "B2", "b2", "b0"}
    assert candidates(corpora[:1], ()) == {"The", "-LRB-"}


def test_counts_by_rule() -> None:
    words = Counter({"The": 3, "THE": 2, "-LRB-": 1, "1984": 4, "2024": 1, "Bergen": 7, "OSLO": 1, "x": 9})
    found = coverage(words, KNOWN, RULES)
    assert found.types == {"as written": 1, "brackets": 1, "lowercase": 2, "digits": 2, "not found": 2}
    assert found.tokens == {"as written": 3, "brackets": 1, "lowercase": 3, "digits": 5, "not found": 16}
    assert found.missing == {"Bergen": 7, "x": 9}
    assert found.share == pytest.approx(12 / 28)


@given(st.dictionaries(st.text("abAB12", min_size=1, max_size=3), st.integers(1, 5)))
def test_what_is_found_is_what_a_look_up_finds(words: dict[str, int]) -> None:
    known = {"a", "B", "00", "ab"}
    found = coverage(words, known, RULES)
    missing = {word for word in words if not known.intersection(lookups(word, RULES))}
    assert set(found.missing) == missing
    assert sum(found.types.values()) == len(words) and sum(found.tokens.values()) == sum(words.values())


def test_report() -> None:
    found = coverage(Counter({"the": 3, "b": 2, "c": 5}), KNOWN, RULES)
    lines = found.text(top=1).splitlines()
    assert [line.split()[0] for line in lines[1:5]] == ["as", "brackets", "lowercase", "digits"]
    assert lines[1].split() == ["as", "written", "1", "33.33%", "3", "30.00%"]
    assert lines[-1] == "most frequent words not found: c (5)"
    assert "not found:" not in found.text(top=0)
    assert json.loads(json.dumps(found.to_dict(top=1)))["missing"] == {"c": 5}


def test_no_words_and_unknown_rules() -> None:
    assert coverage({}, KNOWN, RULES).share == 0.0
    assert "0.00%" in coverage({}, KNOWN, ()).text()
    with pytest.raises(SettingsError, match="Unknown word rule 'digit'"):
        coverage({}, KNOWN, ("digit",))
