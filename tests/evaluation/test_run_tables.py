"""The tables of results against NumPy and SciPy, from the raw lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from seqlab.evaluation.run_results import Results, read_results
from seqlab.evaluation.run_tables import cells, courses, differences, gains, partners
from tests.evaluation.common_runs import CURVE_HEADER, HEADER, SETS, TABLE, TRIPLE, lines, put, write

PAIR, THREE = ("pos", "chunk"), tuple(TRIPLE.split())


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return read_results(*write(tmp_path))


def test_scores_by_model_and_task(results: Results) -> None:
    found = {(cell.model, cell.task): cell for cell in cells(results.of("table"), "test")}
    assert set(found) == set(TABLE)
    for place, values in TABLE.items():
        spread = found[place].spread
        figures = [100 * value for value in (spread.median, spread.minimum, spread.maximum, spread.mean)]
        np.testing.assert_allclose(figures, [np.median(values), min(values), max(values), np.mean(values)])
        if len(values) > 1:
            np.testing.assert_allclose(100 * (spread.stdev or 0), np.std(values, ddof=1))
    assert found["lstm_s", "pos"].spread.stdev is None
    assert len(cells(results.of("sets"), "dev")) == len(SETS)


def test_differences_to_each_baseline(results: Results) -> None:
    found = {(one.baseline, one.task): one for one in differences(results.of("table"), "test", "sc_lstm", "stl")}
    assert set(found) == {("stl", "pos"), ("stl", "chunk"), ("lstm_s", "pos")}
    for task in PAIR:
        one, other = TABLE["sc_lstm", task], TABLE["stl", task]
        ends = stats.ttest_rel(one, other).confidence_interval(0.95)
        difference = found["stl", task].difference
        assert difference is not None and difference.interval is not None and difference.seeds == (1, 2, 3)
        np.testing.assert_allclose(100 * difference.mean, np.mean(np.subtract(one, other)))
        np.testing.assert_allclose([100 * difference.interval.low, 100 * difference.interval.high], ends, rtol=1e-6)
    alone = found["lstm_s", "pos"].difference
    assert alone is not None and alone.interval is None and 100 * alone.mean == pytest.approx(93.9 - 93.0)


def test_what_other_tasks_bring(results: Results) -> None:
    found = {(one.tasks, one.task): one.difference for one in gains(results.of("sets"), "test", "stl")}
    assert set(found) == {(PAIR, "pos"), (PAIR, "chunk"), *((THREE, task) for task in THREE)}
    for (tasks, task), difference in found.items():
        one, other = SETS["sc_lstm", " ".join(tasks), task], SETS["stl", TRIPLE, task]
        assert difference is not None and difference.interval is not None
        assert 100 * difference.mean == pytest.approx(np.mean(np.subtract(one, other)))
    assert partners(THREE, "chunk") == "pos ner"
    assert not gains(results.of("sets"), "test", "lstm_s")  # there is no such model to subtract


def test_a_task_alone_is_no_gain(tmp_path: Path) -> None:
    rows = [(*line[:2], "pos", *line[3:]) for line in lines() if line[3] == "pos" and line[0] == "table"]
    results = read_results(put(tmp_path / "results.csv", HEADER, rows))
    assert gains(results, "test", "stl") == []
    assert len(differences(results, "test", "sc_lstm", "stl")) == 2


def test_seeds_that_differ(tmp_path: Path) -> None:
    rows = [("e", "stl", "pos", "pos", 1, 90, 90, ""), ("e", "sc_lstm", "pos", "pos", 2, 91, 91, "")]
    results = read_results(put(tmp_path / "results.csv", HEADER, rows))
    (found,) = differences(results, "test", "sc_lstm", "stl")
    assert found.difference is None


def test_courses(results: Results) -> None:
    found = {(one.tasks, one.model, one.task): one for one in courses(results.of("sets"), "stl")}
    # stl was trained on all three: it stands beside the pair too, and has a mean there
    assert set(found) == {
        *((THREE, model, task) for model in ("stl", "sc_lstm") for task in (*THREE, None)),
        *((PAIR, model, task) for model in ("stl", "sc_lstm") for task in (*PAIR, None)),
    }
    for (tasks, model, task), course in found.items():
        learnt = (TRIPLE if model == "stl" else " ".join(tasks),)
        chosen = [SETS[(model, *learnt, name)] for name in ([task] if task else tasks)]
        first, second = np.mean(chosen, axis=0) + 1  # on development data
        rows = list(course.rows())
        assert [row[0] for row in rows] == [1, 2, 3] and [row[4] for row in rows] == [2, 2, 1]
        for epoch, seeds in ((1, (first, second)), (2, (first, second)), (3, (first,))):
            reached = np.subtract(seeds, 8 / epoch)
            expected = [np.median(reached), min(reached), max(reached)]
            np.testing.assert_allclose([100 * value for value in rows[epoch - 1][1:4]], expected)


def test_a_mean_needs_all_tasks(tmp_path: Path) -> None:
    rows = [("e", "sc_lstm", "pos ner", task, 1, 90, 90, "") for task in ("pos", "ner")]
    curves = [(*rows[0][:5], epoch, 50, 1) for epoch in (1, 2)] + [(*rows[1][:5], 2, 70, 1)]
    places = put(tmp_path / "results.csv", HEADER, rows), put(tmp_path / "curves.csv", CURVE_HEADER, curves)
    found = {one.task: one.points for one in courses(read_results(*places), "stl")}
    assert found[None] == {2: {1: pytest.approx(0.6)}}
    put(places[1], CURVE_HEADER, curves[:2])
    assert [one.task for one in courses(read_results(*places), "stl")] == ["pos"]
