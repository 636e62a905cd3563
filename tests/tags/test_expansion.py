"""Expansions: scores out, paths back, combination, gates and what no path can satisfy."""

from __future__ import annotations

import numpy as np
import pytest

from seqlab.constants import IGNORE
from seqlab.errors import DataError, SettingsError
from seqlab.tags.constraints import Constraints
from seqlab.tags.counting import at_least_one, at_most_one
from seqlab.tags.expansion import MOST_STATES, Expansion, expansion, from_constraints
from seqlab.tags.listed import only_listed
from seqlab.tags.rules import forbid, forced_tags, scheme_constraints
from tests.oracles import constraints as oracle
from tests.tags.decoding import WORDS, all_paths, check_accepts, check_exact

TAGS = ("O", "B-X", "I-X", "B-Y", "I-Y")


def test_scores_go_out_and_paths_come_back():
    rules = at_most_one(TAGS, "iob2", "X", "Y")
    scores = np.arange(10.0).reshape(2, 5)
    assert rules.expand(scores).shape == (2, rules.states)
    np.testing.assert_array_equal(rules.expand(scores)[1], 5 + rules.origins)
    pairs = np.arange(25).reshape(5, 5)
    a, b = 3, rules.states - 1
    assert rules.expand_pairs(pairs)[a, b] == 5 * rules.origins[a] + rules.origins[b]
    path = np.array([[0, b, IGNORE], [a, 0, b]])
    expected = np.where(path == IGNORE, IGNORE, rules.origins[path])
    np.testing.assert_array_equal(rules.collapse(path), expected)
    assert expected[0, 2] == IGNORE


def test_constraints_combine_from_either_side():
    scheme, once = scheme_constraints(TAGS, "iob2"), at_most_one(TAGS, "iob2", "X")
    one, other = once & scheme, scheme & once
    assert one.states == other.states
    for path in all_paths(TAGS, 4):
        expected = bool(scheme.violations(path)) or oracle.count_of(path, "X") > 1
        assert bool(one.violations(path)) == bool(other.violations(path)) == expected
    with pytest.raises(TypeError):
        _ = once & 3
    with pytest.raises(TypeError):
        _ = 3 & once


def test_everything_at_once_is_exact():
    entries = [["a"], ["a", "b"], ["b", "a", "b"]]
    pair = [("O", "O"), ("I-X", None)]
    rules = (
        forbid(TAGS, pair)
        & only_listed(TAGS, "iob2", "X", entries)
        & at_most_one(TAGS, "iob2", "Y")
        & at_least_one(TAGS, "iob2", "X")
    )
    allows = oracle.both(
        oracle.never(pair), oracle.listed("X", entries), oracle.at_most_one("Y"), oracle.at_least_one("X")
    )
    for length in (1, 2, 3, 4):
        check_accepts(rules, allows, length)
    chosen = {1: {"I-X", "B-Y", "O"}}

    def sets(length):
        return forced_tags(TAGS, length, chosen if length > 1 else {})

    def allows_forced(path, words):
        return allows(path, words) and (len(path) < 2 or path[1] in chosen[1])

    check_exact(rules, allows_forced, sets)


def test_two_lists_gate_one_expansion():
    rules = only_listed(TAGS, "iob2", "X", [["a"], ["b", "a"]]) & only_listed(TAGS, "iob2", "Y", [["b"], ["a", "b"]])
    allows = oracle.both(oracle.listed("X", [["a"], ["b", "a"]]), oracle.listed("Y", [["b"], ["a", "b"]]))
    for length in (1, 3, 4):
        check_accepts(rules, allows, length)


def test_violations_find_the_first_token_at_fault():
    rules = at_most_one(TAGS, "iob2", "X")
    assert rules.violations(["B-X", "O", "I-X", "B-X"]) == [(2, "'I-X' breaks this: at most one span of 'X'")]
    assert rules.violations(["B-X", "?"]) == [(1, "'?' is none of the 5 tags of the constraints.")]
    assert rules.violations([]) == []


def test_words_are_asked_for_where_they_decide():
    rules = only_listed(TAGS, "iob2", "X", [["a"]])
    with pytest.raises(SettingsError, match=r"from a list of 1. Pass allowed=expansion.allowed\(words\)"):
        rules.feasible(2)
    with pytest.raises(SettingsError, match=r"from a list of 1. Pass violations\(path, words\)"):
        rules.violations(["O", "B-X"])


def test_an_infeasible_sentence_names_its_length_and_the_rule():
    rules = at_least_one(TAGS, "iob2", "X", "Y")
    assert not rules.feasible(1) and rules.feasible(2)
    with pytest.raises(DataError, match="No path of 1 token.*satisfies this: at least one span of each of 'X', 'Y'"):
        rules.check_feasible(1)
    with pytest.raises(DataError, match=r"No path of 2 token.*token 1"):
        rules.check_feasible(2, rules.allowed(WORDS[:2], forced_tags(TAGS, 2, {0: "O", 1: ["B-X", "B-Y"]})))


def test_parts_that_contradict_each_other_are_refused():
    never = Constraints(TAGS, [True, False, False, True, True], np.ones((5, 5), bool), [True] * 5)
    never &= forbid(TAGS, [(tag, x) for tag in TAGS for x in ("B-X", "I-X")])
    with pytest.raises(DataError, match="No path of any length satisfies this: at least one.*contradict each other"):
        _ = at_least_one(TAGS, "iob2", "X") & never


def test_states_that_no_path_can_use_are_left_out():
    dead = forbid(TAGS, [("B-Y", tag) for tag in (*TAGS, None)])
    rules = from_constraints(dead)
    assert [TAGS[i] for i in rules.origins] == ["O", "B-X", "I-X", "I-Y"]
    assert rules.violations(["O", "B-Y"]) and not rules.violations(["O", "I-Y"])


def test_too_many_states_are_refused():
    many = np.zeros(MOST_STATES // 32, int)
    tables = (np.ones(len(many), bool), np.ones((len(many), len(many)), bool), np.ones(len(many), bool))
    rules = expansion(["O"], many, tables, "a test")
    with pytest.raises(SettingsError, match=r"16384 states for this: a test, and a test; at most 4096"):
        _ = rules & rules
    with pytest.raises(SettingsError, match=r"4097 states for this: a test"):
        Expansion(("O",), *tables, np.zeros(MOST_STATES + 1, int), "a test")


def test_sets_of_another_shape_are_refused():
    with pytest.raises(SettingsError, match=r"sets has the shape \(1, 5\); expected \(2, 5\)"):
        at_most_one(TAGS, "iob2", "X").allowed(["a", "b"], np.ones((1, 5), bool))
