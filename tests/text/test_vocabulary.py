from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.errors import DataError, SettingsError
from seqlab.text.vocabulary import Labels, Vocabulary


@given(st.lists(st.text(), unique=True))
def test_vocabulary_indices_follow_the_reserved_two(items: list[str]) -> None:
    vocabulary = Vocabulary(items)
    assert [vocabulary.index(item) for item in items] == list(range(2, len(items) + 2))
    assert len(vocabulary) == len(items) + 2
    assert list(vocabulary) == list(vocabulary.items) == items
    assert vocabulary.index("".join(items) + "!") == Vocabulary.UNKNOWN == 1
    assert Vocabulary.PADDING == 0


@pytest.mark.parametrize("table", [Vocabulary(["b", "é", ""]), Labels(["O", "B-creative-work"]), Labels([])])
def test_config_is_json_and_rebuilds(table: Vocabulary | Labels) -> None:
    again = type(table).from_config(json.loads(json.dumps(table.get_config())))
    assert again == table and hash(again) == hash(table)
    assert again != type(table)(["other"])


def test_tables_of_different_kinds_differ() -> None:
    assert Vocabulary(["a"]) != Labels(["a"])
    assert "a" in Vocabulary(["a"]) and "b" not in Vocabulary(["a"])
    assert repr(Labels(list("abcdef"))) == "Labels(['a', 'b', 'c', 'd', 'e', ...], 6 items)"


def test_from_counts_orders_by_count_then_item() -> None:
    counts = Counter({"z": 3, "b": 2, "a": 2, "c": 1})
    assert Vocabulary.from_counts(counts).items == ("z", "a", "b", "c")
    assert Vocabulary.from_counts(Counter(dict(reversed(counts.items())))).items == ("z", "a", "b", "c")
    assert Vocabulary.from_counts(counts, min_count=2).items == ("z", "a", "b")
    assert Vocabulary.from_counts(counts, max_size=2).items == ("z", "a")
    assert Vocabulary.from_counts(counts, max_size=0).items == ()


@pytest.mark.parametrize("settings", [{"min_count": 0}, {"max_size": -1}])
def test_from_counts_refuses_settings_out_of_range(settings: dict[str, int]) -> None:
    with pytest.raises(SettingsError, match=next(iter(settings))):
        Vocabulary.from_counts({"a": 1}, **settings)


def test_repeated_items_and_a_bare_string_are_refused() -> None:
    with pytest.raises(DataError, match="'a' occurs more than once"):
        Vocabulary(["b", "a", "a"])
    with pytest.raises(SettingsError, match="the one string 'abc'"):
        Labels("abc")


def test_an_unknown_label_is_named_with_the_known_ones() -> None:
    labels = Labels(["O", "B-PER", "I-PER"])
    assert labels.index("O") == 0
    with pytest.raises(DataError, match=r"'B-PRE'.*3 known \(O, B-PER, I-PER\).*Did you mean 'B-PER'"):
        labels.index("B-PRE")
    with pytest.raises(DataError, match=r", \.\.\.\)"):
        Labels([f"L{index}" for index in range(40)]).index("X")
