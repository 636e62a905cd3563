"""What a user may choose as rules of a tagger."""

from __future__ import annotations

import pytest

from seqlab.errors import DataError, SettingsError
from seqlab.models.rules import rules_of
from seqlab.tags.counting import at_most_one
from seqlab.tags.rules import forbid, free, require, scheme_constraints
from tests.models import toy

SCHEME = scheme_constraints(toy.TAGS, "iob2")


def test_the_scheme_rules_or_a_function_of_both():
    assert rules_of(False, toy.TAGS, "iob2") is None
    assert rules_of(True, list(toy.TAGS), "iob2") == SCHEME
    assert rules_of(SCHEME, toy.TAGS, None) is SCHEME
    asked = []
    once = at_most_one(toy.TAGS, "iob2", "X")
    assert rules_of(lambda *given: asked.append(given) or once, list(toy.TAGS), "iob2") is once
    assert asked == [(toy.TAGS, "iob2")]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (True, "keeps a tag scheme, and these are plain labels"),
        ("iob2", "constrained is 'iob2'; expected True, False"),
        (lambda labels, scheme: True, "constrained is True; expected"),
    ],
)
def test_what_is_no_choice(choice, message):
    with pytest.raises(SettingsError, match=message):
        rules_of(choice, toy.TAGS, None)


def test_a_contradiction_is_refused_at_once():
    first = require(toy.TAGS, [(None, "O")])
    with pytest.raises(DataError, match="No path of any length .*contradict each other"):
        rules_of(first & forbid(toy.TAGS, [(None, "O")]), toy.TAGS, "iob2")


def test_rules_over_other_labels_are_refused():
    with pytest.raises(SettingsError, match="over 2 tags, the head has 4"):
        toy.tagger(free(["O", "B-X"]))
    with pytest.raises(SettingsError, match="expected the labels in their order, B-X, B-Y, I-X, O"):
        toy.tagger(free(["O", "B-X", "B-Y", "I-X"]))
    with pytest.raises(SettingsError, match="constrained_loss is for the head 'crf'; a softmax scores"):
        toy.tagger(True, "softmax", constrained_loss=True)
    with pytest.raises(SettingsError, match="constrained_loss needs constraints"):
        toy.tagger(constrained_loss=True)
