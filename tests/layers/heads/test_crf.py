from __future__ import annotations

import keras
import numpy as np
import pytest

from seqlab.constants import IGNORE
from seqlab.errors import SettingsError
from seqlab.layers.heads.crf import CRFHead
from seqlab.tags.constraints import Constraints
from tests.layers.heads.common import FEATURES, LABELS, MASK, array, learnt, number
from tests.oracles.crf import enumerate_batch, path


def test_crf_head_equals_enumeration():
    head = learnt(CRFHead(3, reduction="sum"))
    scores = array(head(FEATURES))
    weights = [array(w).astype("float64") for w in (head.transitions, head.start, head.end)]
    rows = enumerate_batch(scores, MASK, *weights)
    gold = sum(path(s, y, m, *weights) for s, y, m in zip(scores, LABELS, MASK, strict=True))
    loss = number(head.loss(np.where(MASK, LABELS, IGNORE), scores))
    assert loss == pytest.approx(sum(row.log_z for row in rows) - gold, rel=1e-5)
    np.testing.assert_array_equal(array(head.decode(scores, MASK)), [row.best for row in rows])
    shares = [row.marginals for row in rows]
    np.testing.assert_allclose(array(head.probabilities(scores, MASK)), shares, atol=1e-5)


def test_crf_transition_regulariser():
    head = learnt(CRFHead(3, transition_regularizer=keras.regularizers.L1(1.0)))
    assert number(sum(head.losses)) == pytest.approx(np.abs(array(head.transitions)).sum(), rel=1e-5)


RULES = Constraints(
    ("a", "b", "c"),
    [True, True, False],
    [[True, True, False], [False, True, True], [True, False, True]],
    [True, False, True],
)


@pytest.mark.parametrize("in_loss", [False, True])
def test_constrained_crf_head_equals_enumeration_of_allowed_paths(in_loss):
    head = learnt(CRFHead(3, reduction="sum", constraints=RULES, constrained_loss=in_loss))
    scores = array(head(FEATURES))
    free = [array(w).astype("float64") for w in (head.transitions, head.start, head.end)]
    tables = (RULES.transitions, RULES.start, RULES.end)
    rows = enumerate_batch(scores, MASK, *(np.where(rule, w, -1e9) for rule, w in zip(tables, free, strict=True)))
    np.testing.assert_array_equal(array(head.decode(scores, MASK)), [row.best for row in rows])
    np.testing.assert_allclose(array(head.probabilities(scores, MASK)), [row.marginals for row in rows], atol=1e-5)
    labels = np.where(MASK, np.stack([row.best for row in rows]), IGNORE)  # allowed, so that the loss is finite
    counted = rows if in_loss else enumerate_batch(scores, MASK, *free)
    gold = sum(path(s, y, m, *free) for s, y, m in zip(scores, labels, MASK, strict=True))
    assert number(head.loss(labels, scores)) == pytest.approx(sum(row.log_z for row in counted) - gold, rel=1e-4)


def test_constraints_of_a_crf_head_come_back():
    head = CRFHead(3, constraints=RULES, constrained_loss=True)
    again = CRFHead.from_config(head.get_config())
    assert again.constraints == RULES and again.constrained_loss


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tags": 4, "constraints": RULES}, "constraints are over 3 tags, the head has 4"),
        ({"tags": 3, "constrained_loss": True}, "constrained_loss needs constraints"),
    ],
)
def test_bad_constraints(options, message):
    with pytest.raises(SettingsError, match=message):
        CRFHead(**options)
