from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.ops import ctc
from tests.ops.gradients import gradients
from tests.oracles import ctc as oracle

TIME, CLASSES = 5, 3  # two labels and the blank
RNG = np.random.default_rng(0)
MASK = (
    np.array([[1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 0, 1, 1, 0], [0, 0, 1, 0, 0], [1, 0, 1, 0, 1]]) > 0
)
LABELS = [[0, 1], [0, 0, 1], [1, 1], [0], [1], [0, 1, 0]]
SCORES = (RNG.normal(size=(6, TIME, CLASSES)) * 2).astype("float32")
WANTED = [oracle.likelihood(x[m], y) for x, m, y in zip(SCORES, MASK, LABELS, strict=True)]


def padded(rows, width=4, holes=False):
    """Labels as an array; with holes, the first place of each row that has room is empty."""
    found = np.full((len(rows), width), -1)
    for row, labels in zip(found, rows, strict=True):
        start = int(holes and len(labels) < width)
        row[start : start + len(labels)] = labels
    return found


def array(tensor):
    return ops.convert_to_numpy(tensor)


def lists(labels):
    return [row[row >= 0].tolist() for row in array(labels)]


def test_likelihood_and_gradient_equal_enumeration():
    factors = np.linspace(-1, 2, 6).astype("float32")

    def function(scores):
        found = ctc.log_likelihood(scores, padded(LABELS), MASK)
        return ops.sum(found * ops.convert_to_tensor(factors))

    value, (slope,) = gradients(function, [SCORES], jit=True)
    assert value == pytest.approx(sum(f * log for f, (log, _) in zip(factors, WANTED, strict=True)), rel=1e-5)
    wanted = np.zeros_like(SCORES)
    for row, mask, factor, (_, grad) in zip(wanted, MASK, factors, WANTED, strict=True):
        row[mask] = factor * grad
    np.testing.assert_allclose(slope, wanted, atol=1e-5)
    assert not slope[~MASK].any()


def test_holes_and_what_stands_in_them_change_nothing():
    wanted = [log for log, _ in WANTED]
    spoilt = np.where(MASK[..., None], SCORES, np.float32("nan"))
    labels = padded(LABELS, holes=True)
    value, (slope,) = gradients(lambda x: ops.sum(ctc.log_likelihood(x, labels, MASK)), [spoilt])
    assert value == pytest.approx(sum(wanted), rel=1e-5)
    assert np.isfinite(slope).all()
    assert lists(ctc.best_path(spoilt, MASK)) == lists(ctc.best_path(SCORES, MASK))


def test_rows_without_alignment_give_exactly_nothing():
    labels = padded([[0, 1, 0], [1, 1, 1, 1], [0, 0, 1], [], [1, 1], [1, 1, 0]])
    fits = [True, False, False, True, False, False]
    for y, mask, fit in zip(labels, MASK, fits, strict=True):
        assert np.isfinite(oracle.likelihood(SCORES[0][mask], y[y >= 0])[0]) == fit
    assert array(ctc.alignable(labels, MASK)).tolist() == fits

    value, (slope,) = gradients(lambda x: ops.sum(ctc.log_likelihood(x, labels, MASK)), [SCORES], jit=True)
    wanted = sum(oracle.likelihood(SCORES[k][MASK[k]], labels[k][labels[k] >= 0])[0] for k in (0, 3))
    assert value == pytest.approx(wanted, rel=1e-5)
    assert not slope[[1, 2, 4, 5]].any()
    assert slope[0].any() and slope[3].any()
    steps = np.zeros_like(MASK)
    assert array(ctc.alignable(labels, steps)).tolist() == [False, False, False, True, False, False]


def test_best_path_equals_enumeration():
    found = ctc.best_path(SCORES, MASK)
    assert keras.backend.standardize_dtype(found.dtype) == "int32"
    assert found.shape == MASK.shape
    assert lists(found) == [list(oracle.best_path(x[m])) for x, m in zip(SCORES, MASK, strict=True)]
    repeated = np.eye(3, dtype="float32")[[[0, 0, 2, 0, 1]] * 6]
    assert array(ctc.best_path(repeated, np.ones_like(MASK))).tolist() == [[0, 0, 1, -1, -1]] * 6
    assert not lists(ctc.best_path(repeated, np.zeros_like(MASK)))[0]


def test_wide_beam_equals_enumeration_and_not_the_best_path():
    scores = RNG.normal(size=(24, TIME, CLASSES)).astype("float32")
    mask = MASK[np.arange(24) % 6]
    mask[0] = False
    wanted = [max(found := oracle.sequences(x[m]), key=found.get) for x, m in zip(scores, mask, strict=True)]
    wide, path = lists(ctc.beam_search(scores, mask, 32)), lists(ctc.best_path(scores, mask))
    assert wide == [list(labels) for labels in wanted]
    assert wide != path
    assert wide[0] == path[0] == []
