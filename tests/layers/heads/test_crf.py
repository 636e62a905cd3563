from __future__ import annotations

import keras
import numpy as np
import pytest

from seqlab.constants import IGNORE
from seqlab.layers.heads.crf import CRFHead
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
