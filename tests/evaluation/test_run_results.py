"""Reading tables of results: what is found where, and what is refused, with file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seqlab.errors import DataError, SettingsError
from seqlab.evaluation.run_results import read_results
from tests.evaluation.common_runs import CURVE_HEADER, HEADER, TRIPLE, lines, put, write

ROW = lines()[0]
CURVE = (*ROW[:5], 1, 80.0, 0.5)


def changed(row: tuple[Any, ...], **cells: Any) -> tuple[Any, ...]:
    header = HEADER if len(row) == len(HEADER) and row is not CURVE else CURVE_HEADER
    return tuple(cells.get(name, cell) for name, cell in zip(header, row, strict=True))


def test_what_is_found(tmp_path: Path) -> None:
    results = read_results(*write(tmp_path))
    assert results.experiments == ["table", "sets"]
    table, sets = (results.of(name) for name in results.experiments)
    assert table.models == ["stl", "sc_lstm", "lstm_s"] and table.tasks == ("pos", "chunk")
    assert table.scores("stl", ("pos", "chunk"), "pos", "test") == pytest.approx({1: 0.931, 2: 0.934, 3: 0.932})
    assert table.scores("stl", ("pos", "chunk"), "pos", "dev") == pytest.approx({1: 0.941, 2: 0.944, 3: 0.942})
    assert table.scores("stl", ("chunk", "pos"), "pos", "dev") == {}
    triple = tuple(TRIPLE.split())
    assert sets.sets() == [triple, ("pos", "chunk")] and sets.sets("stl") == [triple]
    curve = sets.curve("sc_lstm", ("pos", "chunk"), "chunk")
    assert list(curve) == [1, 2, 3] and list(curve[3]) == [1]
    assert curve[2] == pytest.approx({1: 0.86, 2: 0.864})


def test_which_tasks_stand_for_alone(tmp_path: Path) -> None:
    rows = [(*line[:2], tasks, *line[3:]) for line in lines()[:1] for tasks in (TRIPLE, "pos ner", "pos chunk")]
    results = read_results(put(tmp_path / "results.csv", HEADER, rows))
    assert results.set_alone("stl", ("pos", "chunk"), "pos") == ("pos", "chunk")
    assert results.set_alone("stl", ("pos",), "pos") == ("pos", "ner")  # the first of the smallest
    assert results.set_alone("stl", ("chunk", "ner"), "pos") == ("pos", "ner")
    assert results.set_alone("lstm_s", ("pos",), "pos") == ("pos",)


def test_tasks_may_stand_in_any_order(tmp_path: Path) -> None:
    other = changed(ROW, model="sc_lstm", tasks="chunk pos")
    curves = put(tmp_path / "curves.csv", CURVE_HEADER, [changed(CURVE, tasks="chunk pos")])
    results = read_results(put(tmp_path / "results.csv", HEADER, [ROW, other]), curves)
    assert results.sets() == [("pos", "chunk")]  # as the first line has it
    assert list(results.scores("sc_lstm", ("pos", "chunk"), "pos", "test")) == [1]
    assert list(results.curve("stl", ("pos", "chunk"), "pos")) == [1]


def test_a_part_without_a_score(tmp_path: Path) -> None:
    results = read_results(put(tmp_path / "results.csv", HEADER, [(*ROW[:6], "", "")]))
    assert list(results.rows[0].scores) == ["dev"] and results.points == []


def test_an_unknown_model(tmp_path: Path) -> None:
    results = read_results(*write(tmp_path))
    results.check_model("stl", "--alone")
    with pytest.raises(SettingsError, match=r"results.csv: there is no model 'sclstm' for --model; .* mean 'sc_lstm'"):
        results.check_model("sclstm", "--model")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (changed(ROW, task="ner"), r"results.csv:3: expected an experiment, .* received .*'pos chunk' and 'ner'"),
        (changed(ROW, tasks="pos pos"), "results.csv:3: .* distinct tasks"),
        (changed(ROW, model=" "), "results.csv:3: expected an experiment, a model"),
        (changed(ROW, seed="1.5"), "results.csv:3: column 'seed': expected a whole number of at least 0, received '1"),
        (changed(ROW, seed=""), "results.csv:3: column 'seed'"),
        (changed(ROW, seed="one"), "results.csv:3: column 'seed': 'one' is no number"),
        (changed(ROW, dev=100.5), "results.csv:3: column 'dev': expected a score from 0 to 100, received '100.5'"),
        (changed(ROW, test="nan"), "results.csv:3: column 'test': expected a score from 0 to 100, received 'nan'"),
        (ROW, "results.csv:3: the same experiment, model, tasks, task, seed as in line 2; leave one"),
        (changed(ROW, seed="1.0", dev=70.0), "results.csv:3: the same experiment, model, tasks, task, seed as in line"),
        (changed(ROW, tasks="chunk pos"), "results.csv:3: the same experiment, model, tasks, task, seed as in line 2"),
    ],
)
def test_wrong_results(row: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_results(put(tmp_path / "results.csv", HEADER, [ROW, row]))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (changed(CURVE, model="lstm_x"), "curves.csv:3: .*results.csv has no result of the model 'lstm_x'.*'table'"),
        (changed(CURVE, tasks="pos ner", task="ner"), "curves.csv:3: .* no result of the task 'ner'"),
        (changed(CURVE, tasks="pos"), "curves.csv:3: .* 'stl' on the tasks 'pos' in .*; expected one of pos chunk"),
        (changed(CURVE, experiment="other"), "curves.csv:3: .* in the experiment 'other'; expected one of none"),
        (changed(CURVE, epoch=0), "curves.csv:3: column 'epoch': expected a whole number of at least 1"),
        (changed(CURVE, epoch=2, dev=""), "curves.csv:3: column 'dev': empty"),
        (CURVE, "curves.csv:3: the same experiment, model, tasks, task, seed, epoch as in line 2"),
    ],
)
def test_wrong_curves(row: Any, message: str, tmp_path: Path) -> None:
    results = put(tmp_path / "results.csv", HEADER, [ROW])
    with pytest.raises(DataError, match=message):
        read_results(results, put(tmp_path / "curves.csv", CURVE_HEADER, [CURVE, row]))


def test_tables_without_what_is_needed(tmp_path: Path) -> None:
    place = put(tmp_path / "results.csv", [name for name in HEADER if name not in ("model", "test")], [])
    with pytest.raises(DataError, match="the table has no row"):
        read_results(place)
    put(place, HEADER[:1] + HEADER[2:6], [ROW[:1] + ROW[2:6]])
    with pytest.raises(DataError, match=r"results.csv:1: there is no column model, test; expected experiment, model, "):
        read_results(place)
