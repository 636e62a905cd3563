"""At most one and at least one span, in every scheme, against a count of the spans of every path."""

from __future__ import annotations

import pytest

from seqlab.errors import DataError, SettingsError
from seqlab.tags.counting import at_least_one, at_most_one
from seqlab.tags.rules import scheme_constraints
from seqlab.tags.schemes import SCHEMES, violations
from tests.oracles import constraints as oracle
from tests.tags.decoding import check_accepts, check_exact

MAKERS = {"most": (at_most_one, oracle.at_most_one), "least": (at_least_one, oracle.at_least_one)}


def scheme_tags(name, kinds):
    return ("O", *(f"{letter}-{kind}" for kind in kinds for letter in SCHEMES[name].letters))


@pytest.mark.parametrize("which", MAKERS)
@pytest.mark.parametrize("name", SCHEMES)
def test_accepts_exactly_the_paths_with_that_many_spans(name, which):
    make, predicate = MAKERS[which]
    tags = scheme_tags(name, ("X", "B-C"))
    for length in (1, 2, 3):
        check_accepts(make(tags, name, "B-C"), predicate("B-C"), length)
        check_accepts(make(tags, name, "X", "B-C"), predicate("X", "B-C"), length)


@pytest.mark.parametrize("which", MAKERS)
@pytest.mark.parametrize("kinds", [("X",), ("X", "Y"), ("X", "Y", "Z")], ids=len)
def test_decodes_exactly(which, kinds):
    make, predicate = MAKERS[which]
    tags = scheme_tags("iob2", ("X", "Y", "Z"))
    check_exact(make(tags, "iob2", *kinds), predicate(*kinds), lengths=(4, 4, 4, 3, 2, 1))


def test_long_spans_and_the_scheme_decode_exactly():
    tags = scheme_tags("iobes", ("X",))
    rules = at_most_one(tags, "iobes", "X") & scheme_constraints(tags, "iobes")
    written = oracle.both(oracle.at_most_one("X"), lambda path, words: not violations(path, "iobes"))
    check_accepts(rules, written, 5)
    check_exact(rules, written)


def test_one_type_doubles_the_tags_and_three_make_eight_copies_of_o():
    tags = scheme_tags("iob2", ("X", "Y", "Z"))
    once = at_most_one(tags, "iob2", "X")
    assert [tags[i] for i in once.origins].count("O") == 2
    thrice = at_most_one(tags, "iob2", "X", "Y", "Z")
    assert [tags[i] for i in thrice.origins].count("O") == 8
    assert thrice.states == 8 + 6 * 4  # a tag of a type is only where the type has occurred


def test_bare_letters_have_the_empty_type():
    rules = at_most_one(["O", "B", "I"], "iob2", "")
    assert rules.violations(["B", "I", "B"]) == [(2, "'B' breaks this: at most one span of ''")]


@pytest.mark.parametrize("make", [at_most_one, at_least_one])
def test_bad_types_and_tags_are_refused(make):
    tags = ["O", "B-PER", "B-LOC"]
    with pytest.raises(
        SettingsError, match="No tag has the type 'PRE'; the types are 'LOC', 'PER'.* Did you mean 'PER'"
    ):
        make(tags, "iob2", "PRE")
    with pytest.raises(SettingsError, match="0 types to count; expected 1 to 3"):
        make(tags, "iob2")
    with pytest.raises(SettingsError, match="4 types to count"):
        make(tags, "iob2", "A", "B", "C", "D")
    with pytest.raises(DataError, match="'B-PER' is no tag of ioe2"):
        make(tags, "ioe2", "PER")
