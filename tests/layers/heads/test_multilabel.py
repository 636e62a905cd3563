from __future__ import annotations

import keras
import numpy as np
import pytest

from seqlab.constants import IGNORE
from seqlab.errors import SettingsError
from seqlab.layers.heads.multilabel import MultiLabelHead
from seqlab.models.sequence_model import SequenceModel
from tests.layers.heads.common import FEATURES, MASK, array, learnt, number

RNG = np.random.default_rng(2)
# (batch, time, tags): some unknown at tokens, all unknown at padding
LABELS = np.where(MASK[..., None] & (RNG.random((4, 6, 3)) < 0.8), RNG.integers(0, 2, (4, 6, 3)), IGNORE)
KNOWN = LABELS != IGNORE


def token_losses(scores):
    """From the definition, in float64: (batch, time)."""
    shares = 1 / (1 + np.exp(-array(scores).astype("float64")))
    return -np.where(KNOWN, np.log(np.where(LABELS == 1, shares, 1 - shares)), 0).sum(-1)


def head_and_scores(**options):
    head = learnt(MultiLabelHead(3, **options))
    return head, head(FEATURES)


def test_loss_equals_the_definition_with_each_reduction():
    tokens = KNOWN.any(-1)
    for reduction, divisor in (("sum", 1), ("sentences", tokens.any(-1).sum()), ("tokens", tokens.sum())):
        head, scores = head_and_scores(reduction=reduction)
        assert number(head.loss(LABELS, scores)) == pytest.approx(token_losses(scores).sum() / divisor, rel=1e-5)


def test_weights_of_sentences_and_of_tokens():
    head, scores = head_and_scores(reduction="sum")
    rows = token_losses(scores)
    for weights in (np.array([2.0, 0.0, 0.5, 1.0], "float32"), RNG.random((4, 6)).astype("float32")):
        spread = weights if weights.ndim == 2 else weights[:, None]
        assert number(head.loss(LABELS, scores, weights)) == pytest.approx((rows * spread).sum(), rel=1e-5)
    mean, scores = head_and_scores(reduction="tokens")
    weights = np.array([2.0, 0.0, 0.5, 1.0], "float32")
    norm = (KNOWN.any(-1) * weights[:, None]).sum()
    assert number(mean.loss(LABELS, scores, weights)) == pytest.approx((rows * weights[:, None]).sum() / norm, rel=1e-5)


def test_unknown_labels_and_great_scores_keep_the_loss_finite():
    head, scores = head_and_scores()
    spoilt = np.where(KNOWN, array(scores), np.float32("nan"))
    assert number(head.loss(LABELS, spoilt)) == pytest.approx(number(head.loss(LABELS, scores)), rel=1e-6)
    assert number(head.loss(np.full_like(LABELS, IGNORE), scores)) == 0
    great = np.where(LABELS == 1, -1e4, 1e4).astype("float32")  # all wrong
    assert number(head.loss(LABELS, great)) == pytest.approx(1e4 * KNOWN.sum() / KNOWN.any(-1).sum(), rel=1e-5)
    assert number(head.loss(LABELS, -great)) == 0


def test_decode_and_probabilities():
    head, scores = head_and_scores()
    shares = 1 / (1 + np.exp(-array(scores).astype("float64")))
    np.testing.assert_allclose(array(head.probabilities(scores, MASK)), np.where(MASK[..., None], shares, 0), atol=1e-6)
    found = array(head.decode(scores, MASK))
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, np.where(MASK[..., None], shares >= 0.5, IGNORE))
    bold, scores = head_and_scores(threshold=0.1)
    np.testing.assert_array_equal(array(bold.decode(scores)), shares >= 0.1)


def test_trains_under_plain_fit_with_weights_of_tokens():
    tokens = keras.Input((6, 5))
    model = SequenceModel(tokens, MultiLabelHead(3)(tokens))
    model.compile(keras.optimizers.Adam(0.1))
    labels = np.stack([FEATURES[..., 0] > 0, FEATURES[..., 1] > 0, FEATURES[..., 2] < 0], -1).astype("int32")
    weights = np.ones((4, 6), "float32")
    history = model.fit(FEATURES, labels, sample_weight=weights, epochs=20, batch_size=4, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]


@pytest.mark.parametrize("threshold", [0, 1, 1.5, -0.1, True, "0.5"])
def test_bad_threshold(threshold):
    with pytest.raises(SettingsError, match="`threshold`"):
        MultiLabelHead(3, threshold=threshold)
