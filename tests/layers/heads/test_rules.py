"""Constraints of heads."""

from __future__ import annotations

import json

import pytest

from seqlab.errors import SettingsError
from seqlab.layers.heads.rules import constraints_of
from seqlab.tags.counting import at_most_one
from seqlab.tags.rules import scheme_constraints

RULES = scheme_constraints(["O", "B-X", "I-X"], "iob2")
ONCE = at_most_one(RULES.tags, "iob2", "X")


def test_constraints_or_their_config():
    assert constraints_of(None, 3) is None
    assert constraints_of(RULES, 3) is RULES
    assert constraints_of(RULES.get_config(), 3) == RULES
    again = constraints_of(json.loads(json.dumps(ONCE.get_config())), 3)
    assert again.get_config() == ONCE.get_config() and again.violations(["B-X", "O", "B-X"])
    with pytest.raises(SettingsError, match="constraints are over 3 tags, the head has 2: give both the same"):
        constraints_of(RULES, 2)


def test_other_things_are_refused():
    with pytest.raises(SettingsError, match=r"takes `Constraints` or an `Expansion` \(seqlab.tags\), received str"):
        constraints_of("iob2", 3)
