from __future__ import annotations

import numpy as np
import pytest

from seqlab.constants import IGNORE
from seqlab.errors import SettingsError
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


@pytest.mark.parametrize("weighed", [False, True])
def test_label_smoothing_equals_numpy(weighed):
    head = learnt(SoftmaxHead(3, reduction="sum", label_smoothing=0.1))
    scores = array(head(FEATURES)).astype("float64")
    logs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    wanted = np.where(np.eye(3)[LABELS] == 1, 0.9 + 0.1 / 3, 0.1 / 3)
    weights = np.where(MASK, np.arange(24).reshape(4, 6) % 3 if weighed else 1, 0).astype("float32")
    found = head.loss(np.where(MASK, LABELS, IGNORE), head(FEATURES), weights if weighed else None)
    assert number(found) == pytest.approx(-(weights * (wanted * logs).sum(-1)).sum(), rel=1e-5)
    assert SoftmaxHead.from_config(head.get_config()).label_smoothing == 0.1


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, True, "0.1"])
def test_label_smoothing_is_a_share(smoothing):
    with pytest.raises(SettingsError, match="label_smoothing must be at least 0 and below 1"):
        SoftmaxHead(3, label_smoothing=smoothing)
