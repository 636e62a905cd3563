from __future__ import annotations

import itertools

import numpy as np
import pytest
from keras import ops

from seqlab.errors import DataError, SettingsError
from seqlab.evaluation.calibration import negative_log_likelihood, reliability
from seqlab.evaluation.temperature import fit_temperature, minimise_temperature
from seqlab.layers.heads.crf import CRFHead


def softmax(scores):
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


def sampled(temperature, batch=200, time=50, tags=5):
    """Scores, and labels drawn from their softmax at a temperature."""
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(batch, time, tags)) * 3
    noise = -np.log(-np.log(rng.random(scores.shape)))  # Gumbel: the greatest of the sum is a draw of the softmax
    return scores, (scores / temperature + noise).argmax(-1)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_known_temperature_is_recovered_from_sampled_labels(temperature):
    scores, labels = sampled(temperature)
    labels[:, ::5] = -1
    found = fit_temperature(scores, labels)
    true = softmax(scores[labels >= 0] / temperature)
    spread = (true * scores[labels >= 0] ** 2).sum(-1) - (true * scores[labels >= 0]).sum(-1) ** 2
    # The variance of log T is the inverse of Fisher's information, sum Var(score) / T^2.
    error = temperature / np.sqrt(spread.sum())
    assert abs(np.log(found.value / temperature)) < 3 * error < 0.1
    shares = softmax(scores / found.value)
    assert reliability(shares, labels, 5).expected_error < 0.02  # 8000 draws in 5 bins: about 0.01 by chance
    assert found.after == pytest.approx(negative_log_likelihood(shares, labels), abs=1e-12)
    assert found.before == pytest.approx(negative_log_likelihood(softmax(scores), labels), abs=1e-12)
    assert found.after <= found.before


def test_neighbouring_temperatures_are_worse_and_the_slope_is_zero():
    scores, labels = sampled(1.7, 10, 20)
    found = fit_temperature(scores, labels, tolerance=1e-8)

    def at(temperature):
        return negative_log_likelihood(softmax(scores / temperature), labels)

    for factor in (0.9, 0.999, 1.001, 1.1):
        assert at(found.value * factor) > found.after
    slope = (at(found.value * np.exp(1e-3)) - at(found.value * np.exp(-1e-3))) / 2e-3
    assert abs(slope) < 1e-6
    # d/d(1/T) of the mean is E[score] - score of the label: the expectation under the fit equals the data's.
    shares = softmax(scores / found.value)
    mean = (shares * scores).sum(-1).mean()
    assert mean == pytest.approx(np.take_along_axis(scores, labels[..., None], -1).mean(), abs=1e-6)


def test_same_result_each_time_and_for_sentences_and_shifted_scores():
    scores, labels = sampled(2.0, 10, 20)
    found = fit_temperature(scores, labels)
    assert fit_temperature(scores, labels) == found
    assert fit_temperature(list(scores), list(labels)) == found
    assert fit_temperature(scores + 1e3 * np.arange(200).reshape(10, 20, 1), labels).value == pytest.approx(found.value)
    assert fit_temperature(scores * 10, labels).value == pytest.approx(10 * found.value, rel=1e-5)
    assert str(found).startswith(f"temperature {found.value:.4f}")


def test_tolerance_and_bounds_change_the_search():
    scores, labels = sampled(2.0, 10, 20)
    fine, coarse = fit_temperature(scores, labels), fit_temperature(scores, labels, tolerance=0.1)
    assert 1e-6 < abs(np.log(coarse.value / fine.value)) < 0.1
    with pytest.raises(DataError, match="greatest temperature, 1.5"):
        fit_temperature(scores, labels, bounds=(0.5, 1.5))


def test_the_best_of_several_valleys():
    def bumpy(temperature):
        log = np.log(temperature)
        return min((log + 2) ** 2 + 0.5, (log - 2) ** 2)

    assert np.log(minimise_temperature(bumpy).value) == pytest.approx(2, abs=1e-5)


def test_a_calibrated_tagger_is_left_alone():
    assert minimise_temperature(lambda t: np.log(t) ** 2).value == 1.0


def test_crf_temperature_divides_all_weights():
    """Labels drawn from a CRF whose weights are then doubled: the fit finds 2, and halves them again."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(600, 4, 5)).astype("float32")
    head = CRFHead(3)
    head(features)
    weights = [rng.normal(size=w.shape).astype("float32") for w in head.weights]
    head.set_weights(weights)
    scores = ops.convert_to_numpy(head(features)).astype("float64")
    transitions, start, end = (ops.convert_to_numpy(w) for w in (head.transitions, head.start, head.end))
    paths = np.array(list(itertools.product(range(3), repeat=4)))  # (81, time)
    totals = start[paths[:, 0]] + end[paths[:, -1]] + transitions[paths[:, :-1], paths[:, 1:]].sum(1)
    totals = totals + scores[:, np.arange(4), paths].sum(-1)  # (batch, 81)
    drawn = (softmax(totals).cumsum(1) < rng.random((600, 1))).sum(1)
    labels = paths[drawn]

    def objective(temperature):
        scaled = 2 * totals / temperature
        return np.mean(np.log(np.exp(scaled).sum(1)) - np.take_along_axis(scaled, drawn[:, None], 1)[:, 0])

    found = minimise_temperature(objective, bounds=(0.2, 20.0))
    assert found.value == pytest.approx(2, rel=0.1)
    assert found.after < min(objective(found.value * 1.001), objective(found.value / 1.001), found.before)
    results = []
    for divisor in (1.0, found.value):
        head.set_weights([2 * w / divisor for w in weights])
        logits = head(features)
        results.append(ops.convert_to_numpy(head.probabilities(logits)))
        loss = ops.convert_to_numpy(head.loss(labels, logits)) * 4  # a mean over tokens
        assert loss == pytest.approx(objective(divisor), rel=1e-5)
    before, after = results
    assert negative_log_likelihood(after, labels) < negative_log_likelihood(before, labels)
    assert reliability(after, labels, 5).expected_error < reliability(before, labels, 5).expected_error


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([], [], "no labelled token"),
        ([[[1.0, 0.0]]], [[-1]], "no labelled token"),
        ([[[1.0, 0.0]]], [[2]], "for 2 tags"),
        ([[[1.0, float("inf")]]], [[0]], "infinite or NaN"),
        ([[[1.0, 0.0]] * 3], [[0, 0, 0]], "falls as far as the least temperature"),
        ([[[1.0, 0.0]] * 3], [[1, 1, 1]], "falls as far as the greatest temperature"),
    ],
)
def test_bad_data(scores, labels, message):
    with pytest.raises(DataError, match=message):
        fit_temperature(scores, labels)


def test_bad_objective_and_settings():
    with pytest.raises(DataError, match="objective is nan"):
        minimise_temperature(lambda t: float("nan"))
    for bounds in ((0.0, 1.0), (2.0, 1.0), (1.0, float("inf"))):
        with pytest.raises(SettingsError, match="`bounds`"):
            minimise_temperature(lambda t: t, bounds=bounds)
    with pytest.raises(SettingsError, match="`tolerance`"):
        minimise_temperature(lambda t: t, tolerance=0.0)
