from __future__ import annotations

import keras
import numpy as np
import pytest

from seqlab.constants import IGNORE
from seqlab.errors import DataError, SettingsError
from seqlab.layers.heads.ctc import CTCHead
from seqlab.models.sequence_model import SequenceModel
from tests.layers.heads.common import FEATURES, array, learnt, number
from tests.oracles import ctc as oracle

MASK = np.array([[1] * 6, [1, 0, 1, 1, 0, 1], [1, 1, 0, 0, 0, 0], [0] * 6]) > 0
ROWS = [[0, 1, 1], [1, 0], [0], []]
LABELS = np.array([[0, 1, 1, -1], [1, 0, -1, -1], [0, -1, -1, -1], [-1] * 4])


def head_and_scores(**options):
    head = learnt(CTCHead(2, **options))
    return head, head(FEATURES, mask=MASK)


def losses(scores):
    """By enumeration, of the three rows with labels."""
    free = array(scores).astype("float64")
    return [-oracle.likelihood(free[k][MASK[k]], ROWS[k])[0] for k in range(3)]


@pytest.fixture(scope="module")
def rows():
    """Losses of the three rows with labels, by enumeration."""
    return losses(head_and_scores()[1])


@pytest.mark.parametrize(("reduction", "divisor"), [("sum", 1), ("sentences", 2), ("tokens", 5)])
def test_loss_equals_enumeration_and_rows_without_alignment_count_nowhere(rows, reduction, divisor):
    labels = LABELS.copy()
    labels[2] = [0, 0, -1, -1]  # three steps needed, two there
    head, scores = head_and_scores(reduction=reduction)
    assert number(head.loss(labels, scores)) == pytest.approx(sum(rows[:2]) / divisor, rel=1e-5)


def test_the_loss_knows_the_mask_from_the_scores(rows):
    head, scores = head_and_scores(reduction="sum")
    assert scores.shape == (4, 6, 3)
    np.testing.assert_array_equal(array(scores)[~MASK], [[-1e4, -1e4, 0]] * (~MASK).sum())
    free = head(FEATURES)
    np.testing.assert_array_equal(array(free)[MASK], array(scores)[MASK])
    assert number(head.loss(LABELS, free)) != pytest.approx(sum(rows), rel=1e-2)
    assert number(head.loss(LABELS, scores)) == pytest.approx(sum(rows), rel=1e-5)


def test_decoders_and_probabilities_equal_enumeration():
    head, scores = head_and_scores()
    wide = learnt(CTCHead(2, beam=60))
    free = array(scores).astype("float64")
    paths = [list(oracle.best_path(x[m])) for x, m in zip(free, MASK, strict=True)]
    best = [max(found := oracle.sequences(x[m]), key=found.get) for x, m in zip(free, MASK, strict=True)]
    for one, wanted in ((head, paths), (wide, best)):
        found = array(one.decode(scores))  # the scores know the mask
        assert found.dtype == np.int32
        assert [row[row != IGNORE].tolist() for row in found] == [list(row) for row in wanted]
        assert (np.diff((found == IGNORE).astype(int)) >= 0).all()  # labels first
    np.testing.assert_array_equal(array(head.decode(head(FEATURES), MASK)), array(head.decode(scores)))
    shares = array(head.probabilities(scores))
    np.testing.assert_allclose(shares.sum(-1), MASK, atol=1e-6)
    wanted = np.exp(free) / np.exp(free).sum(-1, keepdims=True)
    np.testing.assert_allclose(shares[MASK], wanted[MASK], rtol=1e-5)
    narrower = array(head.probabilities(head(FEATURES), MASK))  # a mask that the scores do not know
    np.testing.assert_allclose(narrower, shares, atol=1e-7)


def test_nothing_labelled_gives_exactly_nothing():
    head, scores = head_and_scores()
    assert number(head.loss(np.full_like(LABELS, IGNORE), scores)) == 0


def test_weights_are_of_sentences(rows):
    head, scores = head_and_scores(reduction="sum")
    weights = np.array([2.0, 0.0, 0.5, 1.0], "float32")
    assert number(head.loss(LABELS, scores, weights)) == pytest.approx(2 * rows[0] + 0.5 * rows[2], rel=1e-5)
    with pytest.raises(DataError, match="CTCHead has one loss"):
        head.loss(LABELS, scores, np.ones((4, 4), "float32"))


def test_a_nan_shows_in_the_loss():
    head, scores = head_and_scores()
    spoilt = np.array(array(scores))
    spoilt[0, 0] = np.nan
    assert np.isnan(number(head.loss(LABELS, spoilt)))


@pytest.mark.slow
def test_learns_to_transcribe_under_plain_fit():
    """Each label lasts a few steps: the head learns which, and where one ends, without being told."""
    rng = np.random.default_rng(0)
    labels = np.array([rng.permutation(3)[:2] for _ in range(640)])
    steps = np.concatenate([np.full((640, 1), 3), labels.repeat(2, 1), np.full((640, 1), 3)], 1)  # 3 is silence
    features = np.eye(4, dtype="float32")[steps] + rng.normal(size=(640, 6, 4)).astype("float32") * 0.1
    tokens = keras.Input((6, 4))
    head = CTCHead(3)
    model = SequenceModel(tokens, head(tokens))
    model.compile(keras.optimizers.Adam(0.1), jit_compile=False)
    model.fit(features, labels, batch_size=16, verbose=0)
    found = array(head.decode(head(features[:16])))
    assert (found[:, :2] == labels[:16]).all()
    assert (found[:, 2:] == IGNORE).all()


@pytest.mark.parametrize("beam", [0, -1, 2.0, True])
def test_bad_beam(beam):
    with pytest.raises(SettingsError, match="`beam`"):
        CTCHead(3, beam=beam)
