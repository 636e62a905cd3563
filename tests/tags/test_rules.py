"""Rules from schemes, pairs, functions and forced tags, against enumeration and the scheme's own validator."""

from __future__ import annotations

import numpy as np
import pytest

from seqlab.errors import DataError, SettingsError
from seqlab.tags.constraints import Constraints
from seqlab.tags.rules import forbid, forced_tags, free, from_predicate, require, scheme_constraints
from seqlab.tags.schemes import SCHEMES, violations
from tests.oracles import constraints as oracle
from tests.oracles.spans import all_segmentations, write
from tests.tags.decoding import all_paths, check_exact

PLAIN = ("A", "B", "C", "D")


def scheme_tags(name, kinds=("X", "B-C")):
    return ("O", *(f"{letter}-{kind}" for kind in kinds for letter in SCHEMES[name].letters))


@pytest.mark.parametrize("name", SCHEMES)
def test_scheme_allows_what_the_validator_accepts(name):
    tags = scheme_tags(name)
    rules = scheme_constraints(tags, name)
    for length in range(5):
        for path in all_paths(tags, length):
            assert (not rules.violations(path)) == (not violations(path, name)), path


@pytest.mark.parametrize("name", SCHEMES)
def test_decodes_only_what_the_scheme_writes(name):
    tags = scheme_tags(name)
    good = {tuple(write(spans, n, name)) for n in range(6) for spans in all_segmentations(n, ["X", "B-C"])}
    lengths = (5, 5, 4, 3, 2, 1) if len(tags) < 6 else (4, 4, 4, 3, 2, 1)
    check_exact(scheme_constraints(tags, name), lambda path, words: path in good, lengths=lengths)


def test_some_of_a_schemes_tags_are_judged_as_all_of_them():
    tags = ("B-X", "O", "E-X", "S")  # no I-X, and a type that is empty
    rules = scheme_constraints(tags, "BIOES")
    for path in all_paths(tags, 4):
        assert (not rules.violations(path)) == (not violations(path, "iobes")), path
    assert not scheme_constraints(["B-X"], "iobes").feasible(2)


def test_a_foreign_tag_is_refused():
    with pytest.raises(DataError, match="'S-X' is no tag of iob2: O, or one of B, I.*Name the scheme"):
        scheme_constraints(["O", "S-X"], "iob2")
    with pytest.raises(SettingsError, match="Did you mean 'iob2'"):
        scheme_constraints(["O"], "iob22")


PAIRS = [("A", "B"), ("A", "C"), (None, "D"), ("C", None), ("B", "B")]


@pytest.mark.parametrize(
    ("rules", "allows"),
    [
        (free(PLAIN), lambda path, words: True),
        (forbid(PLAIN, PAIRS), oracle.never(PAIRS)),
        (require(PLAIN, PAIRS[:2]), oracle.followed(PAIRS[:2])),
        (require(PLAIN, PAIRS), oracle.followed(PAIRS)),
        (from_predicate(PLAIN, lambda a, b: (a, b) not in PAIRS), oracle.never(PAIRS)),
        (
            forbid(PLAIN, PAIRS[:1]) & require(PLAIN, [("C", "D")]),
            oracle.both(oracle.never(PAIRS[:1]), oracle.followed([("C", "D")])),
        ),
    ],
    ids=["free", "forbid", "require", "require_all", "predicate", "and"],
)
def test_pairs_decode_exactly(rules, allows):
    for length in (1, 2, 3):
        for path in all_paths(PLAIN, length):
            assert (not rules.violations(path)) == allows(path, ())
    check_exact(rules, allows)


def test_a_predicate_never_sees_both_edges():
    seen = []
    from_predicate(["A", "B"], lambda a, b: bool(seen.append((a, b))) or True)
    assert (None, None) not in seen and (None, "A") in seen and ("B", None) in seen and len(seen) == 8


def test_forced_tags_decode_exactly():
    chosen = {0: "O", 2: {"I-X", "B-B-C"}, 4: ["O"]}
    tags = scheme_tags("iob2")

    def sets(length):
        return forced_tags(tags, length, {i: names for i, names in chosen.items() if i < length})

    assert sets(5).sum(axis=1).tolist() == [1, 5, 2, 5, 1]
    good = {tuple(write(spans, n, "iob2")) for n in range(6) for spans in all_segmentations(n, ["X", "B-C"])}

    def allows(path, words):
        fits = all(
            path[i] in ([names] if isinstance(names, str) else names) for i, names in chosen.items() if i < len(path)
        )
        return fits and path in good

    check_exact(scheme_constraints(tags, "iob2"), allows, sets)


def test_forced_tags_can_leave_nothing():
    rules = scheme_constraints(["O", "B-X", "I-X"], "iob2")
    forced = forced_tags(rules.tags, 3, {0: "O", np.int64(1): "I-X"})
    with pytest.raises(DataError, match="No path of 3 token.*could stand at token 1. Loosen"):
        rules.check_feasible(3, forced)


@pytest.mark.parametrize(
    ("forced", "says"),
    [
        ({3: "A"}, "position 3; the sentence has positions 0 to 2"),
        ({-1: "A"}, "position -1"),
        ({True: "A"}, "position True"),
        ({0: "AA"}, "Unknown tag 'AA' is forced at position 0. Did you mean 'A'"),
        ({0: []}, "No tag is left at position 0"),
    ],
)
def test_bad_forced_tags_are_refused(forced, says):
    with pytest.raises(SettingsError, match=says):
        forced_tags(PLAIN, 3, forced)
    with pytest.raises(SettingsError, match="the sentence is empty"):
        forced_tags(PLAIN, 0, {0: "A"})


@pytest.mark.parametrize("rule", [forbid, require])
@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        ([("B-PER", "I-PRE")], r"Unknown tag 'I-PRE' in the pair .*Did you mean 'I-PER'"),
        ([("B-PER",)], "is no pair: expected"),
        ([(None, None)], "is no pair: expected"),
        (["AB"], "'AB' is no pair"),
    ],
)
def test_bad_pairs_are_refused(rule, pairs, says):
    with pytest.raises(SettingsError, match=says):
        rule(["O", "B-PER", "I-PER"], pairs)


def test_a_predicate_that_forgets_to_answer_is_refused():
    with pytest.raises(SettingsError, match=r"allowed\('A', 'A'\) answered None; expected True or False"):
        from_predicate(["A"], lambda previous, tag: None)


def test_free_is_the_neutral_element():
    rules = forbid(PLAIN, PAIRS)
    assert rules & free(PLAIN) == rules == Constraints.from_config(rules.get_config())
