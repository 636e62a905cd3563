"""Spans from a list only, in every scheme, against a look-up of the spans of every path."""

from __future__ import annotations

import numpy as np
import pytest

from seqlab.errors import DataError, SettingsError
from seqlab.tags.listed import only_listed
from seqlab.tags.rules import scheme_constraints
from seqlab.tags.schemes import SCHEMES, violations
from tests.oracles import constraints as oracle
from tests.tags.decoding import WORDS, check_accepts, check_exact

ENTRIES = [["a"], ["a", "b"], ["b", "c"], ["b", "a", "b"], ["a", "b", "c", "d"]]  # the words are a b a b c


def scheme_tags(name, kinds=("X", "B-C")):
    return ("O", *(f"{letter}-{kind}" for kind in kinds for letter in SCHEMES[name].letters))


@pytest.mark.parametrize("name", SCHEMES)
def test_accepts_exactly_the_paths_with_listed_spans(name):
    rules = only_listed(scheme_tags(name), name, "X", ENTRIES)
    for length in (1, 2, 3):
        check_accepts(rules, oracle.listed("X", ENTRIES), length)


@pytest.mark.parametrize("name", ["iob2", "ioe1"])
def test_decodes_exactly(name):
    check_exact(only_listed(scheme_tags(name), name, "X", ENTRIES), oracle.listed("X", ENTRIES))


def test_decodes_exactly_within_the_scheme():
    tags = scheme_tags("iobes", ("X",))
    rules = only_listed(tags, "iobes", "X", ENTRIES) & scheme_constraints(tags, "iobes")
    written = oracle.both(oracle.listed("X", ENTRIES), lambda path, words: not violations(path, "iobes"))
    check_accepts(rules, written, 5)
    check_exact(rules, written)


def test_states_grow_with_the_longest_entry_and_not_with_the_list():
    tags = scheme_tags("iob2")
    few = only_listed(tags, "iob2", "X", [["a", "b"], ["c"]])
    many = only_listed(tags, "iob2", "X", [[str(i), "b"] for i in range(1000)] + [["c"]])
    assert few.states == many.states
    assert only_listed(tags, "iob2", "X", [["a", "b", "c"], ["c"]]).states > few.states


def test_an_entry_that_leaves_the_sentence_does_not_begin():
    rules = only_listed(["O", "B", "I"], "iob2", "", [["a", "b"], ["a", "b", "c"], ["b"]])
    table = rules.gates[0].entries.table(("a", "b"))
    np.testing.assert_array_equal(table, [[True, False, True, False], [True, True, False, False]])
    assert rules.allowed(()).shape == (0, rules.states)


def test_a_listed_span_that_must_stand_where_no_entry_is():
    tags = ["O", "B-X", "I-X"]
    rules = only_listed(tags, "iob2", "X", [["a", "b"]])
    assert rules.violations(["B-X", "O", "O"], WORDS[:3]) == [
        (1, "'O' breaks this: spans of 'X' only from a list of 1")
    ]
    assert rules.violations(["O", "O", "B-X"], WORDS[:3])[0][0] == 2
    sets = np.array([[False, True, True], [True, False, False]])
    with pytest.raises(DataError, match="No path of 2 token.* only from a list of 1"):
        rules.check_feasible(2, rules.allowed(WORDS[:2], sets))


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ("New York", "entries is the string 'New York'"),
        (["New York"], r"The entry 'New York' is a string; expected its words, such as \['New', 'York'\]"),
        ([[]], "An entry has no word"),
        ([], "The list has no entry"),
    ],
)
def test_bad_entries_are_refused(entries, says):
    with pytest.raises((DataError, SettingsError), match=says):
        only_listed(["O", "B-X"], "iob2", "X", entries)


def test_an_unknown_type_is_refused():
    with pytest.raises(SettingsError, match="No tag has the type 'Y'"):
        only_listed(["O", "B-X"], "iob2", "Y", [["a"]])
