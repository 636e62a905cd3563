from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.constants import IGNORE
from seqlab.errors import SettingsError
from seqlab.ops.sampled_softmax import (
    Candidates,
    full_softmax_loss,
    log_uniform_candidates,
    sampled_softmax_loss,
)
from tests.oracles import language_model as oracle

RANDOM = np.random.default_rng(4)
CLASSES, WIDTH = 7, 3
KERNEL = RANDOM.normal(size=(CLASSES, WIDTH)).astype("float32")
BIAS = RANDOM.normal(size=CLASSES).astype("float32")
STATES = RANDOM.normal(size=(5, WIDTH)).astype("float32")
LABELS = np.array([0, 6, 3, IGNORE, 2], "int32")
COUNTS = np.array([0.9, 0.7, 0.6, 0.5, 0.4, 0.35, 0.3])
SAMPLE = [2, 0, 5]


def numpy(tensor):
    return np.asarray(ops.convert_to_numpy(tensor))


def given() -> Candidates:
    return Candidates(ops.convert_to_tensor(np.array(SAMPLE, "int32")), ops.log(ops.cast(COUNTS, "float32")))


def sampled(states=STATES, labels=LABELS, candidates=None):
    return sampled_softmax_loss(states, KERNEL, BIAS, labels, candidates or given())


def test_full_loss_is_the_oracles():
    expected = [
        0.0 if y == IGNORE else oracle.full_loss(h, KERNEL, BIAS, y) for h, y in zip(STATES, LABELS, strict=True)
    ]
    for chunk in (None, 1, 3, 7, 100):
        found = numpy(full_softmax_loss(STATES, KERNEL, BIAS, LABELS, chunk))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_sampled_loss_is_the_oracles():
    """The labels 0 and 2 are in the sample, 6 and 3 are not."""
    expected = [
        0.0 if y == IGNORE else oracle.sampled_loss(h, KERNEL, BIAS, y, SAMPLE, COUNTS)
        for h, y in zip(STATES, LABELS, strict=True)
    ]
    np.testing.assert_allclose(numpy(sampled()), expected, rtol=1e-5, atol=1e-6)


def test_a_sample_of_all_classes_is_the_full_softmax():
    candidates = log_uniform_candidates(CLASSES + 4, CLASSES)
    assert numpy(candidates.classes).tolist() == list(range(CLASSES))
    np.testing.assert_allclose(
        numpy(sampled(candidates=candidates)), numpy(full_softmax_loss(STATES, KERNEL, BIAS, LABELS)), rtol=1e-5
    )


@pytest.mark.parametrize("loss", [sampled, lambda states: full_softmax_loss(states, KERNEL, BIAS, LABELS, 2)])
def test_what_stands_without_a_label_moves_nothing(loss):
    spoilt = np.where((LABELS == IGNORE)[:, None], np.float32("nan"), STATES)
    np.testing.assert_array_equal(numpy(loss(spoilt)), numpy(loss(STATES)))


def test_candidates_differ_and_follow_the_seed():
    first, again, other = (log_uniform_candidates(5, 40, seed=seed) for seed in (1, 1, 2))
    assert len(set(numpy(first.classes).tolist())) == 5
    assert numpy(first.classes).min() >= 0 and numpy(first.classes).max() < 40
    np.testing.assert_array_equal(numpy(first.classes), numpy(again.classes))
    assert numpy(first.classes).tolist() != numpy(other.classes).tolist()
    assert keras.backend.standardize_dtype(first.classes.dtype) == "int32"


def test_expected_counts_are_those_of_the_log_uniform_distribution():
    """log(1 - q(k)) = -t p(k): one t for all classes, and the p of the oracle."""
    candidates = log_uniform_candidates(6, 30, seed=3)
    times = -np.log1p(-np.exp(numpy(candidates.log_counts).astype(float)))
    times /= [oracle.share(k, 30) for k in range(30)]
    np.testing.assert_allclose(times, times[0], rtol=1e-3)
    assert sum(oracle.share(k, 30) for k in range(30)) == pytest.approx(1)


def test_a_sum_over_the_sample_is_unbiased():
    """The mean over samples of sum f(k) / q(k) is the sum over all classes, within four standard errors."""
    values = np.linspace(1, 2, CLASSES)
    seeds = keras.random.SeedGenerator(5)
    found = []
    for _ in range(150):
        candidates = log_uniform_candidates(5, CLASSES, seed=seeds)
        chosen = numpy(candidates.classes)
        found.append(np.sum(values[chosen] / np.exp(numpy(candidates.log_counts)[chosen])))
    error = np.std(found) / np.sqrt(len(found))
    assert 0 < error < 0.05 * values.sum()
    assert abs(np.mean(found) - values.sum()) < 4 * error


def test_frequent_classes_are_drawn_more_often():
    seeds = keras.random.SeedGenerator(7)
    drawn = np.concatenate([numpy(log_uniform_candidates(4, 20, seed=seeds).classes) for _ in range(40)])
    counts = np.bincount(drawn, minlength=20)
    assert counts[:3].sum() > 3 * counts[-3:].sum()


def test_numbers_below_one_are_refused():
    with pytest.raises(SettingsError, match="samples=0"):
        log_uniform_candidates(0, 5)
    with pytest.raises(SettingsError, match="classes=0"):
        log_uniform_candidates(2, 0)
    with pytest.raises(SettingsError, match="chunk=0"):
        full_softmax_loss(STATES, KERNEL, BIAS, LABELS, chunk=0)
