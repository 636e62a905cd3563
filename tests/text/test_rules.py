from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.constants import DEFAULT_RULES, WORD_RULES
from seqlab.errors import SettingsError
from seqlab.text.rules import RULES, lookups


@pytest.mark.parametrize(
    ("rule", "word", "expected"),
    [
        ("lowercase", "ÉTÉ", "été"),
        ("digits", "F-16٣", "F-000"),
        ("brackets", "-LRB-", "("),
        ("brackets", "-rcb-", "}"),
        ("brackets", "1\\/2", "1/2"),
        ("brackets", "\\*\\*", "**"),
        ("brackets", "x-LRB-", "x-LRB-"),
        ("nfc", "e\u0301", "é"),
        ("quotes", "``", '"'),
        ("quotes", "''", '"'),
        ("quotes", "“n’t”", '"n\'t"'),
    ],
)
def test_rules(rule: str, word: str, expected: str) -> None:
    assert RULES[rule](word) == expected


@given(st.sampled_from(sorted(RULES)), st.text())
def test_rules_change_nothing_a_second_time(rule: str, word: str) -> None:
    once = RULES[rule](word)
    if rule == "brackets" and "\\" in once:
        return  # an escaped escape: \\// becomes \/, and rules undo one level
    assert RULES[rule](once) == once


def test_lookups_apply_rules_one_after_the_other() -> None:
    assert lookups("A1", ["digits", "lowercase"]) == ["A1", "A0", "a0"]
    assert lookups("A1", ["lowercase", "digits"]) == ["A1", "a1", "a0"]
    assert lookups("the", list(RULES)) == ["the"]
    assert lookups("The", []) == ["The"]


def test_settings_name_all_rules() -> None:
    assert tuple(RULES) == WORD_RULES and set(DEFAULT_RULES) < set(WORD_RULES)


def test_an_unknown_rule_is_refused_with_a_suggestion() -> None:
    with pytest.raises(SettingsError, match="'lowercased'.*known: lowercase, digits.*Did you mean 'lowercase'"):
        lookups("x", ["lowercased"])
