"""Schemes: look-up, checking and detection against the written-out oracle."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from seqlab.errors import SettingsError
from seqlab.tags.schemes import (
    ALIASES,
    SCHEMES,
    detect,
    looks_like_spans,
    nearest,
    scheme,
    split_tag,
    violations,
)
from tests.oracles.spans import all_segmentations, write

ADJACENT = [("A", 0, 1), ("A", 1, 4), ("B-C", 5, 6), ("A", 6, 8), ("A", 8, 9)]


@pytest.mark.parametrize("name", SCHEMES)
def test_exactly_the_written_sequences_are_well_formed(name):
    """Of all tag sequences up to four tokens, those and only those that the scheme writes pass."""
    kinds = ["X", "Y"]
    tags = ["O", *(f"{letter}-{kind}" for letter in SCHEMES[name].letters for kind in kinds)]
    for length in range(5):
        good = {tuple(write(spans, length, name)) for spans in all_segmentations(length, kinds)}
        for sequence in itertools.product(tags, repeat=length):
            assert (not violations(sequence, name)) == (sequence in good), sequence


@pytest.mark.parametrize("name", SCHEMES)
def test_detects_its_own_writing(name):
    assert detect([write(ADJACENT, 9, name), ["O"]]) == name


def test_ties_go_by_the_table():
    assert detect([["O", "O"]]) == "iob2"
    assert detect([["I-X", "O", "I-Y"]]) == "iob1"
    assert detect([["B-X", "E-X", "S-X"]]) == "iobes"


@pytest.mark.parametrize("tags", [["DT", "NN"], ["-LRB-", "O"], ["B-X", "S"], ["B-X", "E-X", "U-X"], ["B-"], [""]])
def test_plain_or_mixed_labels_have_no_scheme(tags):
    assert detect([tags]) is None


def test_no_sequences_have_no_scheme():
    assert detect([]) is None


def test_bare_letters_are_spans_without_type():
    assert detect([["B", "M", "E", "S"]]) == "bmes"
    assert violations(["B", "M"], "bmes") == [(1, "'M' (after 'B', last): bmes writes 'E' there")]


@pytest.mark.parametrize(
    ("tags", "name", "index", "says"),
    [
        (["O", "I-PER", "O"], "iob2", 1, "'I-PER' (after 'O', before 'O'): iob2 writes 'B-PER' there"),
        (["B-PER"], "iob1", 0, "'B-PER' (first, last): iob1 writes 'I-PER' there"),
        (["B-X", "O"], "iobes", 0, "'B-X' (first, before 'O'): iobes writes 'S-X' there"),
        (["O", "NN"], "iob2", 1, "'NN' is no tag of iob2: O, or one of B, I with a hyphen and a type"),
        (["O", "O-X"], "iob2", 1, "'O-X' is no tag of iob2: O, or one of B, I with a hyphen and a type"),
    ],
)
def test_violations_say_what_and_where(tags, name, index, says):
    assert violations(tags, name) == [(index, says)]


def test_an_unknown_tag_is_read_as_outside_by_its_neighbours():
    assert [i for i, _ in violations(["B-X", "?", "I-X"], "iob2")] == [1, 2]


def test_nearest_counts_violations():
    assert nearest([["B-X", "I-X", "O", "I-X"], ["B-X"]]) == ("iob2", 1)


def test_span_tags_are_told_from_plain_labels():
    assert looks_like_spans(Counter({"O": 5, "B-PER": 1, "5": 1}))
    assert not looks_like_spans(Counter({"NN": 5, "B": 9, "O": 1}))
    assert not looks_like_spans(Counter({"O": 5, "PER": 3}))
    assert not looks_like_spans(Counter({"-LRB-": 5, "FW-IN": 3}))
    assert not looks_like_spans(Counter())


@pytest.mark.parametrize("alias", ALIASES)
def test_aliases_resolve(alias):
    assert scheme(alias.upper()).name == ALIASES[alias]


def test_unknown_scheme_suggests():
    with pytest.raises(SettingsError, match="Unknown tag scheme 'iob22'.*Did you mean 'iob2'"):
        scheme("iob22")


def test_split_tag_takes_the_first_hyphen():
    assert split_tag("B-creative-work") == ("B", "creative-work")
    assert split_tag("O") == ("O", "")
    assert split_tag("B--x") == ("B", "-x")
