"""Constraints of heads."""

from __future__ import annotations

import numpy as np
import pytest

from seqlab.errors import SettingsError
from seqlab.layers.heads.rules import constraints_of, ruled
from seqlab.tags.counting import at_most_one
from seqlab.tags.rules import scheme_constraints
from tests.layers.heads.common import array

RULES = scheme_constraints(["O", "B-X", "I-X"], "iob2")


def test_constraints_or_their_config():
    assert constraints_of(None, 3) is None
    assert constraints_of(RULES, 3) is RULES
    assert constraints_of(RULES.get_config(), 3) == RULES
    with pytest.raises(SettingsError, match="constraints are over 3 tags, the head has 2: give both the same"):
        constraints_of(RULES, 2)


@pytest.mark.parametrize("given", ["iob2", at_most_one(RULES.tags, "iob2", "X")], ids=["text", "expansion"])
def test_other_things_are_refused(given):
    with pytest.raises(SettingsError, match="A head takes `Constraints`, received"):
        constraints_of(given, 3)


def test_forbidden_moves_are_lowered_and_others_kept():
    chain = np.ones((3, 3), "float32"), np.ones(3, "float32"), np.ones(3, "float32")
    assert ruled(None, *chain) == chain
    transitions, start, end = map(array, ruled(RULES, *chain))
    np.testing.assert_array_equal(transitions, np.where(RULES.transitions, 1, -1e4))
    assert start.tolist() == [1, 1, -1e4] and end.tolist() == [1, 1, 1]
