from __future__ import annotations

import numpy as np
import pytest

from seqlab.constants import IGNORE
from seqlab.layers.heads.softmax import SoftmaxHead
from tests.layers.heads.common import FEATURES, LABELS, MASK, array, learnt, number


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
