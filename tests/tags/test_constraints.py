"""Constraints as values: tables, combination, round trip, what breaks them and whether anything satisfies them."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from seqlab.errors import DataError, SettingsError
from seqlab.tags.constraints import Constraints

TAGS = ("A", "B", "C")


def random_constraints(rng, share=0.6):
    return Constraints(TAGS, rng.random(3) < share, rng.random((3, 3)) < share, rng.random(3) < share)


def breaks(rules, path, sets):
    """The first position at fault is not asked for: only whether there is one."""
    y = [TAGS.index(tag) for tag in path]
    good = rules.start[y[0]] and rules.end[y[-1]] and all(rules.transitions[a, b] for a, b in itertools.pairwise(y))
    return not (good and all(row[i] for row, i in zip(sets, y, strict=True)))


def test_feasible_equals_enumeration():
    rng = np.random.default_rng(0)
    answers = []
    for _ in range(60):
        rules, length = random_constraints(rng, 0.45), int(rng.integers(1, 5))
        sets = rng.random((length, 3)) < 0.6
        expected = any(not breaks(rules, path, sets) for path in itertools.product(TAGS, repeat=length))
        assert rules.feasible(length, sets) == expected
        answers.append(expected)
    assert 10 < sum(answers) < 50  # both answers occur


def test_violations_name_every_break():
    rng = np.random.default_rng(1)
    for _ in range(20):
        rules = random_constraints(rng)
        for path in itertools.product(TAGS, repeat=3):
            y = [TAGS.index(tag) for tag in path]
            expected = [0] * (not rules.start[y[0]])
            expected += [t for t in (1, 2) if not rules.transitions[y[t - 1], y[t]]]
            expected += [2] * (not rules.end[y[2]])
            assert [t for t, _ in rules.violations(path)] == expected


def test_messages_say_what_was_expected():
    rules = Constraints(TAGS, [1 == 2, True, True], np.eye(3, dtype=bool) & False, [False] * 3)
    assert rules.violations(["A", "B"]) == [
        (0, "'A' may not be first; expected: 'B', 'C'"),
        (1, "'B' may not follow 'A'; nothing may stand there"),
        (1, "'B' may not be last; nothing may stand there"),
    ]
    many = tuple("abcdefghij")
    rules = Constraints(many, np.arange(10) > 0, np.ones((10, 10), bool), np.ones(10, bool))
    assert rules.violations("a")[0][1] == "'a' may not be first; expected: 'b', 'c', 'd', 'e', 'f', 'g' and 3 more"
    assert rules.violations([]) == []


def test_an_unknown_tag_is_reported_and_its_neighbours_are_left_alone():
    rules = Constraints(("B-X", "I-X"), [True, True], np.zeros((2, 2), bool), [True, True])
    (found,) = rules.violations(["B-X", "B-Y", "I-X"])
    assert found == (1, "'B-Y' is none of the 2 tags of the constraints. Did you mean 'B-X'?")


def test_and_allows_what_both_allow():
    rng = np.random.default_rng(2)
    for _ in range(10):
        a, b = random_constraints(rng, 0.8), random_constraints(rng, 0.8)
        for path in itertools.product(TAGS, repeat=3):
            assert bool((a & b).violations(path)) == bool(a.violations(path) or b.violations(path))
        assert a & b == b & a


def test_equality_and_hash_go_by_content():
    a, b = (random_constraints(np.random.default_rng(3)) for _ in range(2))
    assert a == b and hash(a) == hash(b) and a is not b
    tables = {"start": a.start, "transitions": a.transitions, "end": a.end}
    for name, table in tables.items():
        assert Constraints(TAGS, **{**tables, name: ~table}) != a
    assert Constraints(("A", "B", "D"), **tables) != a
    assert a != "constraints"


def test_different_tags_do_not_combine():
    rules = random_constraints(np.random.default_rng(4))
    tables = (rules.start, rules.transitions, rules.end)
    with pytest.raises(SettingsError, match="only one side has 'C', 'D'"):
        _ = rules & Constraints(("A", "B", "D"), *tables)
    with pytest.raises(SettingsError, match="their order differs"):
        _ = rules & Constraints(("C", "B", "A"), *tables)
    with pytest.raises(TypeError):
        _ = rules & 3


def test_config_round_trip_through_json():
    rules = random_constraints(np.random.default_rng(5))
    assert Constraints.from_config(json.loads(json.dumps(rules.get_config()))) == rules


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"start": "10"}, r"start has the row '10'; expected a string of 3 characters"),
        ({"end": "1x1"}, "end has the row '1x1'"),
        ({"end": [True] * 3}, r"end has the row \[True"),
        ({"transitions": ["111"]}, r"transitions has the shape \(1, 3\); expected \(3, 3\)"),
        ({"transitions": "111"}, "tags and transitions are lists"),
        ({"transitions": ["111", "11", "111"]}, "transitions has the row '11'"),
        ({"tags": ["A", "B", "A"]}, "'A' is listed twice"),
        ({"labels": []}, "have the keys"),
    ],
)
def test_a_damaged_config_is_refused(change, says):
    config = random_constraints(np.random.default_rng(6)).get_config()
    with pytest.raises(SettingsError, match=says):
        Constraints.from_config({**config, **change})


@pytest.mark.parametrize(
    ("tags", "start", "says"),
    [
        ("AB", [True, True], "tags is the string 'AB'"),
        ([], [], "one or more strings"),
        (["A", 2], [True, True], r"one or more strings; received \['A', 2\]"),
        (["A", "A"], [True, True], "'A' is listed twice"),
        (["A", "B"], [1.0, 0.0], "start holds float64 values; expected True for allowed"),
        (["A", "B"], [True], r"start has the shape \(1,\); expected \(2,\)"),
        (["A", "B"], [[True], [True, False]], "start has rows of different lengths"),
    ],
)
def test_bad_tables_are_refused(tags, start, says):
    with pytest.raises(SettingsError, match=says):
        Constraints(tags, start, np.ones((2, 2), bool), np.ones(2, bool))


def test_tables_are_copies_that_nobody_can_write_to():
    start = np.ones(3, bool)
    rules = Constraints(TAGS, start, np.ones((3, 3), bool), start)
    start[0] = False
    assert rules.start.all()
    with pytest.raises(ValueError, match="read-only"):
        rules.end[0] = False


def test_an_infeasible_sentence_is_refused_with_its_length_and_place():
    rules = Constraints(TAGS, [True, False, False], np.eye(3, k=1, dtype=bool), [True, True, False])
    assert rules.feasible(0) and rules.feasible(2)
    with pytest.raises(DataError, match="No path of 3 token.*whatever can stand at token 2, the last one, may not end"):
        rules.check_feasible(3)
    with pytest.raises(DataError, match="No path of 4 token.*nothing is left that could stand at token 3"):
        rules.check_feasible(4)
    with pytest.raises(DataError, match="could stand at token 1"):
        rules.check_feasible(2, [[True] * 3, [True, False, True]])
    with pytest.raises(SettingsError, match=r"allowed has the shape \(1, 3\); expected \(2, 3\)"):
        rules.feasible(2, [[True] * 3])
