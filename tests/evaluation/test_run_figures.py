"""Figures of results: what is drawn where."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from seqlab.evaluation.run_figures import draw_courses, draw_gains
from seqlab.evaluation.run_results import Results, read_results
from seqlab.evaluation.run_tables import courses, gains
from tests.evaluation.common_runs import SETS, TRIPLE, write

pytest.importorskip("matplotlib")


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return read_results(*write(tmp_path)).of("sets")


def test_courses(results: Results, tmp_path: Path) -> None:
    found = courses(results, "stl")
    figure = draw_courses(found)
    figure.savefig(tmp_path / "curves.png")
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == [
        *(f"{task}, trained on {TRIPLE}" for task in ("pos", "chunk", "ner", "mean")),
        *(f"{task}, trained on pos chunk" for task in ("pos", "chunk", "mean")),
    ]
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    assert list(lines) == ["stl", "sc_lstm"]
    course = next(one for one in found if (one.model, one.task) == ("stl", "pos"))
    np.testing.assert_allclose(lines["stl"].get_ydata(), [100 * row[1] for row in course.rows()])
    assert list(lines["stl"].get_xdata()) == [1, 2, 3]
    band = figure.axes[0].collections[0].get_paths()[0].vertices[:, 1]
    assert band.min() == pytest.approx(83.0) and band.max() == pytest.approx(91 - 8 / 3)
    colours = {line.get_color() for axes in figure.axes for line in axes.lines if line.get_label() == "stl"}
    assert len(colours) == 1
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["stl", "sc_lstm"]


def test_gains(results: Results, tmp_path: Path) -> None:
    figure = draw_gains(gains(results, "test", "stl"), "test data")
    figure.savefig(tmp_path / "gains.png")
    assert [axes.get_title() for axes in figure.axes] == ["pos", "chunk", "ner"]
    pos, chunk, ner = figure.axes
    assert [text.get_text() for text in pos.get_xticklabels()] == ["+ chunk", "+ chunk ner"]
    assert [text.get_text() for text in ner.get_xticklabels()] == ["+ pos chunk"]
    means = {key: np.mean(values) for key, values in SETS.items()}
    expected = [means["sc_lstm", tasks, "chunk"] - means["stl", TRIPLE, "chunk"] for tasks in (TRIPLE, "pos chunk")]
    heights = [bar.get_height() for bar in chunk.patches]
    np.testing.assert_allclose(sorted(heights), sorted(expected))
    assert pos.get_ylabel() == "points against alone, test data"
    assert len(chunk.collections) == 2  # an interval for each bar


def test_a_single_seed_has_no_interval(results: Results) -> None:
    alone = Results([row for row in results.rows if row.seed == 1])
    figure = draw_gains(gains(alone, "test", "stl"), "test data")
    assert not figure.axes[0].collections and figure.axes[0].patches
