from __future__ import annotations

import pytest
from heads_table import invalid, with_rules

from seqlab.tags import scheme_constraints
from tests import tiny


def test_invalid_spans_have_a_tag_that_the_scheme_would_not_write() -> None:
    sentences = [["B-X", "I-X", "O", "I-X"], ["B-Y", "I-X", "I-X"], ["O"]]
    assert invalid(sentences, "iob2") == pytest.approx(2 / 4)
    assert invalid([["O"]], "iob2") == 0


def test_rules_are_added_and_weights_stay() -> None:
    tagger = tiny.trained()
    other = with_rules(tagger, scheme_constraints(tagger.labels, tagger.scheme))
    assert other.head.constraints is not None and tagger.head.constraints is None
    assert all((one == two).all() for one, two in zip(other.get_weights(), tagger.get_weights(), strict=True))
