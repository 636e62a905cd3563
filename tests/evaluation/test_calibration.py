from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from seqlab.errors import DataError, SettingsError
from seqlab.evaluation.calibration import brier, negative_log_likelihood, reliability, reliability_of
from tests.oracles import calibration as oracle

RNG = np.random.default_rng(0)
SHARES = RNG.dirichlet([0.6] * 4, size=(6, 9))  # (batch, time, tags)
LABELS = np.where(RNG.random((6, 9)) < 0.8, RNG.integers(0, 4, (6, 9)), -1)
KEPT, GOLD = SHARES[LABELS >= 0], LABELS[LABELS >= 0]
CONFIDENCES, RIGHT = KEPT.max(-1), KEPT.argmax(-1) == GOLD


@pytest.mark.parametrize("bins", [1, 7, 10])
def test_bins_of_equal_width_equal_the_definition(bins):
    found = reliability(SHARES, LABELS, bins)
    wanted = oracle.width_bins(CONFIDENCES, RIGHT, bins)
    np.testing.assert_allclose([(b.count, b.mean, b.right) for b in found.bins], wanted, atol=1e-12)
    assert found.expected_error == pytest.approx(oracle.expected_error(wanted))
    assert found.maximum_error == pytest.approx(oracle.maximum_error(wanted))
    assert found.count == len(GOLD)


def test_edges_belong_to_the_bin_below():
    found = reliability_of([0.0, 0.5, 0.50001, 1.0, 1.0 + 1e-7], [False, True, True, True, True], bins=2)
    assert [part.count for part in found.bins] == [2, 3]
    assert (found.bins[0].lower, found.bins[0].upper, found.bins[1].upper) == (0.0, 0.5, 1.0)


def test_bins_of_equal_mass():
    found = reliability(SHARES, LABELS, 5, by="mass")
    counts = [part.count for part in found.bins]
    assert len(counts) == 5 and sum(counts) == len(GOLD)
    assert max(counts) - min(counts) <= 1
    order = np.argsort(CONFIDENCES)
    start = 0
    for part in found.bins:
        inside = order[start : start + part.count]
        start += part.count
        assert part.mean == pytest.approx(CONFIDENCES[inside].mean())
        assert part.right == pytest.approx(RIGHT[inside].mean())
    assert found.maximum_error != pytest.approx(reliability(SHARES, LABELS, 5).maximum_error)


def test_equal_confidences_stay_in_one_bin_whatever_their_order():
    confidences = np.array([0.3, 0.7, 0.7, 0.7, 0.7, 0.9])
    right = np.array([True, True, False, True, False, True])
    found = reliability_of(confidences, right, 3, by="mass")
    assert [part.count for part in found.bins] == [5, 1]
    turned = reliability_of(confidences[::-1], right[::-1], 3, by="mass")
    assert [(b.upper, b.count, b.right) for b in turned.bins] == [(b.upper, b.count, b.right) for b in found.bins]
    assert [part.count for part in reliability_of([0.2, 0.4], [True, True], 7, by="mass").bins] == [1, 1]


def test_perfect_and_hopeless_taggers():
    assert reliability_of([1.0] * 3, [True] * 3).expected_error == 0
    worst = reliability_of([1.0] * 3, [False] * 3)
    assert (worst.expected_error, worst.maximum_error) == (1, 1)


def test_brier_and_likelihood_equal_the_definition():
    assert brier(SHARES, LABELS) == pytest.approx(oracle.brier(KEPT, GOLD))
    assert negative_log_likelihood(SHARES, LABELS) == pytest.approx(oracle.negative_log_likelihood(KEPT, GOLD))
    assert brier([[[1.0, 0.0]]], [[1]]) == 2
    assert negative_log_likelihood([[[1.0, 0.0]]], [[1]]) == np.inf


def test_sentences_of_different_lengths():
    lengths = [9, 1, 4, 0, 2, 7]
    sentences = [row[:n] for row, n in zip(SHARES, lengths, strict=True)]
    labels = [row[:n] for row, n in zip(LABELS, lengths, strict=True)]
    padded = np.where(np.arange(9) < np.array(lengths)[:, None], LABELS, -1)
    assert reliability(sentences, labels) == reliability(SHARES, padded)
    assert brier([np.zeros((0, 4)), *sentences], [[], *labels]) == brier(SHARES, padded)


def test_table_and_dict():
    found = reliability_of([0.25, 0.75, 0.75], [False, True, True], bins=4)
    lines = str(found).splitlines()
    assert lines[0].split() == ["confidence", "mean", "right", "gap", "count"]
    assert lines[1].split() == ["0.00", "to", "25.00", "25.00", "0.00", "-25.00", "1"]
    assert lines[2].split() == ["25.00", "to", "50.00", "0"]
    assert lines[-2].split() == ["expected", "error", "25.00", "3"]
    assert lines[-1].split() == ["maximum", "error", "25.00"]
    assert {len(line) for line in lines[:-1]} == {len(lines[0])}
    values = json.loads(json.dumps(found.to_dict()))
    assert values["expected_error"] == 0.25 and len(values["bins"]) == 4


def test_figure(tmp_path):
    pytest.importorskip("matplotlib")
    figure = reliability(SHARES, LABELS, 5).figure()
    figure.savefig(tmp_path / "diagram.png")
    (axes,) = figure.axes
    assert len(axes.patches) == sum(part.count > 0 for part in reliability(SHARES, LABELS, 5).bins)
    assert (tmp_path / "diagram.png").stat().st_size > 1000


def test_figure_without_matplotlib_names_the_extra(monkeypatch):
    for name in ("matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"seqlab\[analysis\]"):
        reliability(SHARES, LABELS).figure()


@pytest.mark.parametrize(
    ("shares", "labels", "message"),
    [
        ([], [], "no labelled token"),
        (SHARES, np.full((6, 9), -1), "no labelled token"),
        (SHARES, LABELS[:5], "6 sentences"),
        (SHARES, LABELS[:, :8], "Sentence 0"),
        (SHARES[0], LABELS[0], "Sentence 0"),
        ([[[0.5, 0.5], [1.0]]], [[0, 1]], "ragged"),
        ([[[0.5, 0.5]], [[0.2, 0.3, 0.5]]], [[0], [1]], "2 tags in one sentence and of 3"),
        (SHARES, np.where(LABELS == 3, 4, LABELS), "for 4 tags; expected 0 to 3"),
        (SHARES, np.where(LABELS == 3, -2, LABELS), "labels from -2"),
        (SHARES, LABELS.astype(float), "whole numbers"),
        (SHARES * 2 - 0.5, LABELS, "probabilities from -0.49"),
        (np.where(LABELS[..., None] == 0, np.nan, SHARES), LABELS, "infinite or NaN"),
        (SHARES / 2, LABELS, "not its scores"),
    ],
)
def test_bad_data(shares, labels, message):
    for function in (reliability, brier, negative_log_likelihood):
        with pytest.raises(DataError, match=message):
            function(shares, labels)


def test_bad_confidences():
    with pytest.raises(DataError, match="one of each"):
        reliability_of([0.5, 0.5], [True])
    with pytest.raises(DataError, match="no confidence"):
        reliability_of([], [])
    with pytest.raises(DataError, match="true or false, 1 or 0; received 7"):
        reliability_of([0.9, 0.8], [1, 7])
    for value in (-0.1, 1.1, float("nan")):
        with pytest.raises(DataError, match="expected 0 to 1"):
            reliability_of([0.5, value], [True, True])


@pytest.mark.parametrize("bins", [0, -1, 2.0, True])
def test_bad_bins(bins):
    with pytest.raises(SettingsError, match="`bins`"):
        reliability(SHARES, LABELS, bins)


def test_bad_kind_of_bins():
    with pytest.raises(SettingsError, match="Did you mean 'width'"):
        reliability(SHARES, LABELS, by="widht")
