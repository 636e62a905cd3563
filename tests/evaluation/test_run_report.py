"""The report on results: its files, tables and text."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from seqlab.errors import SettingsError
from seqlab.evaluation.run_report import report_runs
from seqlab.evaluation.run_results import read_results
from tests.evaluation.common_runs import HEADER, SETS, TABLE, lines, put, write

pytest.importorskip("matplotlib")


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_everything(tmp_path: Path) -> None:
    report_runs(read_results(*write(tmp_path))).write(tmp_path / "out")
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {
        *("report.md", "report.html", "scores.csv", "differences.csv", "gains.csv", "curves.csv"),
        *("1-curves.png", "2-curves.png", "2-gains-test.png", "2-gains-dev.png"),
    }
    assert all(path.read_bytes()[1:4] == b"PNG" for path in (tmp_path / "out").glob("*.png"))
    text = (tmp_path / "out" / "report.md").read_text("utf-8")
    assert "| sc_lstm | 93.90 (93.80 to 94.10, sd 0.15, 3 seeds) | 92.60 (92.40 to 93.60, sd 0.64, 3 seeds) |" in text
    assert "| lstm_s | 93.00 (1 seed) |  |" in text
    assert "| minus lstm_s | pos chunk | pos | +0.90 (1 seed: no interval) |" in text
    assert "| sc_lstm: pos chunk | 90.60 (90.50 to 90.70" in text  # several sets of tasks: they are named
    scores = rows(tmp_path / "out" / "scores.csv")
    assert len(scores) == 2 * (len(TABLE) + len(SETS))
    one = next(row for row in scores if (row["part"], row["model"], row["task"]) == ("test", "stl", "chunk"))
    values = TABLE["stl", "chunk"]
    expected = [np.median(values), min(values), max(values), np.mean(values), np.std(values, ddof=1)]
    found = [float(one[name]) for name in ("median", "min", "max", "mean", "stdev")]
    np.testing.assert_allclose(found, expected, atol=5e-5)
    assert one["seeds"] == "3" and one["experiment"] == "table"
    curves = rows(tmp_path / "out" / "curves.csv")
    assert {row["task"] for row in curves} == {"pos", "chunk", "ner", "mean"}
    assert {row["epoch"] for row in curves} == {"1", "2", "3"}
    gains = rows(tmp_path / "out" / "gains.csv")
    assert {row["experiment"] for row in gains} == {"sets"}  # one set of tasks alone has no combinations
    assert all(row["low"] and row["level"] == "0.95" for row in gains)


def test_one_seed_without_curves(tmp_path: Path) -> None:
    chosen = [line for line in lines() if line[4] == 1 and line[0] == "table"]
    made = report_runs(read_results(put(tmp_path / "results.csv", HEADER, chosen)))
    made.write(tmp_path / "out")
    text = made.document.markdown()
    assert "no interval" in text and " sd " not in text and "There are no curves" in text
    differences = rows(tmp_path / "out" / "differences.csv")
    assert {(row["low"], row["high"], row["level"], row["seeds"]) for row in differences} == {("", "", "", "1")}
    assert not (tmp_path / "out" / "curves.csv").exists() and not (tmp_path / "out" / "gains.csv").exists()


def test_a_table_with_neither_model(tmp_path: Path) -> None:
    chosen = [line for line in lines() if line[1] == "lstm_s"]
    results = read_results(put(tmp_path / "results.csv", HEADER, chosen))
    text = report_runs(results).document.markdown()
    assert "93.00 (1 seed)" in text and "minus" not in text.split("## How")[0]
    with pytest.raises(SettingsError, match="there is no model 'sc_lstm' for --model; expected one of lstm_s"):
        report_runs(results, model="sc_lstm")


def test_options_change_the_report(tmp_path: Path) -> None:
    results = read_results(*write(tmp_path))
    wide, narrow = (report_runs(results, level=level).tables["differences"][1] for level in (0.99, 0.5))
    assert float(wide[8]) < float(narrow[8]) and wide[7] == narrow[7]
    other = report_runs(results, model="stl", alone="lstm_s")
    assert {row[2] for row in other.tables["differences"][1:]} == {"stl"}
    assert len(other.tables["gains"]) == 1  # lstm_s has learnt no combination's tasks, by itself or otherwise
    with pytest.raises(SettingsError, match="there is no model 'st' for --alone"):
        report_runs(results, alone="st")
    assert "An interval (99.5%)" in report_runs(results, level=0.995).document.markdown()


def test_a_level_that_is_none(tmp_path: Path) -> None:
    results = read_results(put(tmp_path / "results.csv", HEADER, lines()[:1]))  # nothing to compare
    for level in (0.0, 1.0, 95.0):
        with pytest.raises(SettingsError, match="level lies between 0 and 1"):
            report_runs(results, level=level)
