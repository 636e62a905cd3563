from __future__ import annotations

import numpy as np
import pytest

from seqlab.constants import IGNORE
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.tags.rules import scheme_constraints
from tests.layers.heads.common import FEATURES, LABELS, MASK, array, learnt, number
from tests.oracles.crf import enumerate_batch


def test_softmax_head_equals_numpy():
    head = learnt(SoftmaxHead(3, reduction="sum"))
    scores = array(head(FEATURES)).astype("float64")
    shares = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    np.testing.assert_allclose(array(head.probabilities(scores)), shares, rtol=1e-5)
    gold = -np.log(np.take_along_axis(shares, LABELS[..., None], -1)[..., 0])
    assert number(head.loss(np.where(MASK, LABELS, IGNORE), head(FEATURES))) == pytest.approx(
        gold[MASK].sum(), rel=1e-5
    )
    np.testing.assert_array_equal(array(head.decode(scores, MASK)), np.where(MASK, scores.argmax(-1), IGNORE))


def test_constrained_softmax_takes_the_best_allowed_path():
    rules = scheme_constraints(["I-X", "B-X", "O"], "iob2")
    head = learnt(SoftmaxHead(3, constraints=rules))
    scores = array(head(FEATURES))
    tables = [np.where(table, 0.0, -1e9) for table in (rules.transitions, rules.start, rules.end)]
    best = [row.best for row in enumerate_batch(scores, MASK, *tables)]
    np.testing.assert_array_equal(array(head.decode(scores, MASK)), best)
    free = SoftmaxHead(3)
    assert (array(free.decode(scores, MASK)) != best).any()
    assert SoftmaxHead.from_config(head.get_config()).constraints == rules
