"""The runs of the SC-LSTM tables: which there are, what they are trained with, and that they go on after a cut."""

from __future__ import annotations

import json
import re
import statistics
import threading
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sc_lstm_tables
from practice_table import ROOT, read
from sc_lstm_tables import RESULTS, TASKS, Run, flags, main, put, runs_of

from seqlab.cli.main import main as seqlab
from seqlab.errors import SettingsError
from seqlab.evaluation.run_results import read_results
from seqlab.training import multitask
from seqlab.training.lock import locked
from tests import tiny

pytestmark = pytest.mark.usefixtures("eagerly")

RECIPE = """
from pathlib import Path
from tests import tiny

def settings():
    data = {{name: str(Path({folder!r}) / f"{{name}}.conll") for name in ("train", "dev", "test")}}
    tasks = [{{"name": name, "data": {{**data, "columns": tiny.COLUMNS}}, "head": "softmax"}} for name in {tasks}]
    return tiny.task_settings(Path({folder!r}), tasks=tasks, schedule={{}})
"""


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs the script on tiny data, `seqlab` within this process."""
    monkeypatch.delenv("SEQLAB_NER", raising=False)
    recipe = tmp_path / "sc_lstm_table3.py"
    recipe.write_text(RECIPE.format(folder=str(tiny.write(tmp_path / "data")), tasks=TASKS), "utf-8")

    def run(*arguments: str) -> None:
        assert seqlab(arguments) == 0

    monkeypatch.setattr(sc_lstm_tables, "run", run)
    places = [("recipe", recipe), ("work", tmp_path / "runs")]
    places += [(name, tmp_path / f"{name}.csv") for name in ("results", "curves")]
    given = [part for name, place in places for part in (f"--{name}", str(place))]
    return lambda *arguments: main([*arguments, *given])


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The settings of trainings, which are left out, and leave what a run leaves."""
    found: list[Any] = []

    def train(chosen: Any, folder: Path, **options: Any) -> Any:
        found.append(chosen)
        folder.mkdir(parents=True, exist_ok=True)
        return type("Result", (), {"scores": {}})

    def lines(folder: Path, tasks: Any) -> list[dict[str, Any]]:
        return [{"task": task, "dev": "80.00"} for task in tasks]

    monkeypatch.setattr(multitask, "train", train)
    monkeypatch.setattr(sc_lstm_tables, "figures", lines)
    monkeypatch.setattr(sc_lstm_tables, "curves", lines)
    return found


def test_which_runs_there_are() -> None:
    table = runs_of("table3", None, [1, 2])
    assert len(table) == 8 and {run.tasks for run in table} == {TASKS}
    assert [run.model for run in table[:4]] == ["stl", "lstm_s", "lstm_d", "sc_lstm"]
    assert [run.seed for run in table] == [1] * 4 + [2] * 4
    sets = runs_of("combinations", None, [1])
    assert sets[0] == Run("stl", TASKS, 1) and len(sets) == 5  # one run of separate networks stands for all sets
    assert {run.tasks for run in sets[1:]} == {("pos", "chunk"), ("pos", "ner"), ("chunk", "ner"), TASKS}
    assert len(runs_of("combinations", ["lstm_s"], [1])) == 4


def test_runs_are_those_of_the_recipe(begin: Any, settings: list[Any]) -> None:
    begin("table3", "--units", "3", "--layers", "2", "--epochs", "2", "--seeds", "5")
    assert [one.encoder.kind for one in settings] == ["stl", "lstm_s", "lstm_d", "sc_lstm"]
    assert {(one.encoder.units, one.encoder.layers, one.training.epochs, one.seed) for one in settings} == {
        (3, 2, 2, 5)
    }
    assert [task.depth for task in settings[2].tasks] == [1, 2, 2]
    assert settings[0].training.patience == 3 and settings[0].tasks[0].data.sentences is None
    begin("combinations", "--models", "sc_lstm", "--sentences", "20", "--patience", "1")
    assert [one.names for one in settings[4:]] == [("pos", "chunk"), ("pos", "ner"), ("chunk", "ner"), TASKS]
    assert {task.data.sentences for one in settings[4:] for task in one.tasks} == {20}
    assert settings[4].training.patience == 1


def test_known_runs_are_not_trained_again(begin: Any, settings: list[Any], tmp_path: Path) -> None:
    begin("table3", "--models", "stl", "--hours", "0")
    assert not settings
    for _ in range(2):
        begin("table3", "--models", "stl", "sc_lstm")
    assert len(settings) == 2
    results = read(tmp_path / "results.csv")
    assert [(line["model"], line["task"]) for line in results] == [(m, t) for m in ("stl", "sc_lstm") for t in TASKS]
    assert {line["experiment"] for line in results} == {"table3 100 x 2"}
    put(tmp_path / "results.csv", sc_lstm_tables.COLUMNS, results[:1])  # as if cut while it was written
    begin("table3", "--models", "stl")
    assert len(settings) == 3 and len(read(tmp_path / "results.csv")) == 6
    begin("table3", "--models", "stl", "--sentences", "9")
    assert len(settings) == 4 and read(tmp_path / "results.csv")[-1]["experiment"].endswith("2 on 9 sentences a task")


def lines_of(seed: int) -> list[dict[str, str]]:
    return [{"experiment": "e", "model": "stl", "tasks": "pos", "task": "pos", "seed": str(seed)}]


def test_runs_that_end_together_lose_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "results.csv"
    threads = [threading.Thread(target=put, args=(file, sc_lstm_tables.COLUMNS, lines_of(k))) for k in range(8)]
    with locked(tmp_path):
        for thread in threads:
            thread.start()
        threads[0].join(0.2)
        assert not file.exists()  # they wait for their turn
    for thread in threads:
        thread.join()
    assert {line["seed"] for line in read(file)} == set("01234567")
    monkeypatch.setattr(sc_lstm_tables, "TURN", 0.0)
    with locked(tmp_path), pytest.raises(SettingsError, match="in use by another process"):
        put(file, sc_lstm_tables.COLUMNS, lines_of(9))


def test_switches_and_lists_are_set_too(begin: Any, settings: list[Any]) -> None:
    begin("table3", "--models", "stl", "--set", "words.casing=true", "constrained=TRUE")
    begin(
        "table3", "--models", "stl", "--set", "words.casing=false", "schedule.kind=alternating", "schedule.turns=1 2 3"
    )
    assert [(one.words.casing, one.constrained) for one in settings] == [(True, True), (False, False)]
    assert settings[1].schedule.turns == (1, 2, 3)


def test_what_is_set_of_data_is_of_every_task(begin: Any, settings: list[Any]) -> None:
    begin("combinations", "--models", "sc_lstm", "--set", "data.split_seed=4", "data.join_dev=true")
    assert [[(task.data.split_seed, task.data.join_dev) for task in one.tasks] for one in settings] == [
        [(4, True)] * tasks for tasks in (2, 2, 2, 3)
    ]
    begin("table3", "--models", "stl", "--set", "data.join_dev=false")
    assert [task.data.join_dev for task in settings[-1].tasks] == [False] * 3
    runs = len(settings)
    begin("table3", "--models", "stl", "--set", "data.join-dev=false")
    assert len(settings) == runs  # one setting, however its name is written


def test_other_settings_are_other_runs(
    begin: Any, settings: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ["table3", "--models", "stl"]
    begin(*given)
    begin(*given, "--epochs", "2")  # else it were known, and its folder gone on with
    begin(*given, "--patience", "1")
    begin(*given, "--set", "training.schedule=linear", "--set", "encoder.dropout=0.3")
    monkeypatch.setenv("SEQLAB_NER", "conll2003")
    begin(*given)
    found = {line["experiment"]: None for line in read(tmp_path / "results.csv")}
    changes = " encoder.dropout=0.3 training.schedule=linear"
    ends = ("", " epochs 2", " patience 1", changes, " names conll2003")
    assert list(found) == [f"table3 100 x 2{end}" for end in ends]
    shown = [(one.training.epochs, one.training.patience) for one in settings]
    assert shown == [(12, 3), (2, 3), (12, 1), (12, 3), (12, 3)]
    assert [one.encoder.dropout for one in settings[2:4]] == [0.2, 0.3]
    assert settings[3].training.schedule == "linear"
    monkeypatch.delenv("SEQLAB_NER")
    for wrong in ("encoder.dropout", "=3", "seed=9", "encoder.kind=lstm_s", "data.sentences=9", "tasks.0.weight=2"):
        with pytest.raises(SystemExit):
            begin(*given, "--set", wrong)
    options = {"job": "table3", "units": 5, "layers": 1, "sentences": None, "epochs": 12, "patience": 3, "set": []}
    other = Namespace(**options, recipe=Path("recipes/sc_lstm_cnn_crf.py"))
    assert sc_lstm_tables.experiment(other) == "table3 5 x 1 recipe sc_lstm_cnn_crf"


def test_a_run_that_cannot_be_read_leaves_no_line(
    begin: Any, settings: list[Any], tmp_path: Path, monkeypatch: Any
) -> None:
    def broken(*_: Any) -> Any:
        raise OSError("gone")

    monkeypatch.setattr(sc_lstm_tables, "figures", broken)
    with pytest.raises(OSError, match="gone"):
        begin("table3", "--models", "stl")
    assert len(settings) == 1 and not (tmp_path / "curves.csv").exists()  # curves without results are refused


def test_depths_without_the_lowest_task() -> None:
    options = Namespace(units=5, layers=3, epochs=1, patience=1, sentences=None, set=[])
    found = flags(Run("lstm_d", ("chunk", "ner"), 1), options)
    assert found[-4:] == ["--tasks.0.depth", "3", "--tasks.1.depth", "3"]  # one of them reads the top


def test_a_run_is_trained_cut_and_resumed(begin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.training.test_multitask import Cut

    given = ["table3", "--models", "sc_lstm", "--units", "2", "--layers", "1", "--epochs", "2"]
    board = multitask.board
    with monkeypatch.context() as patched, pytest.raises(AssertionError):  # `seqlab` ended with status 1
        patched.setattr(multitask, "board", lambda _: Cut())
        begin(*given)
    assert not (tmp_path / "results.csv").exists()
    assert multitask.board is board
    begin(*given)
    (folder,) = (tmp_path / "runs").iterdir()
    history = [json.loads(line) for line in (folder / "history.jsonl").read_text("utf-8").splitlines()]
    scores = json.loads((folder / "scores.json").read_text("utf-8"))
    found = read_results(tmp_path / "results.csv", tmp_path / "curves.csv")
    for task in TASKS:
        for part in ("dev", "test"):
            score = found.scores("sc_lstm", TASKS, task, part)[1]
            assert score == pytest.approx(scores[part]["tasks"][task]["overall"]["f1"], abs=5e-5)
        curve = found.curve("sc_lstm", TASKS, task)
        assert [curve[epoch][1] for epoch in (1, 2)] == pytest.approx(
            [row[f"val_{task}_f1"] for row in history], abs=5e-5
        )
    line = read(tmp_path / "results.csv")[0]
    assert line["epochs"] == "2" and int(line["parameters"]) > 100 and int(line["tokens_per_second"]) > 0
    assert float(line["minutes"]) >= 0 and line["backend"] in ("tensorflow", "jax")
    times = (folder / "times.jsonl").read_text("utf-8").splitlines(keepends=True)
    (folder / "times.jsonl").write_text(times[1], "utf-8")  # as if an older version had trained the first epoch
    last = sc_lstm_tables.figures(folder, TASKS)[0]
    assert last["minutes"] == "" and last["tokens_per_second"] > 0
    (folder / "times.jsonl").unlink()  # and the second
    blank = sc_lstm_tables.figures(folder, TASKS)
    assert [(row["minutes"], row["tokens_per_second"]) for row in blank] == [("", "")] * 3
    common = {name: line[name] for name in sc_lstm_tables.KEY}
    put(tmp_path / "results.csv", sc_lstm_tables.COLUMNS, [{**common, **row} for row in blank])
    again = read_results(tmp_path / "results.csv", tmp_path / "curves.csv")
    assert again.scores("sc_lstm", TASKS, "ner", "dev") == found.scores("sc_lstm", TASKS, "ner", "dev")
    losses = [float(row["dev_loss"]) for row in read(tmp_path / "curves.csv") if row["task"] == "ner"]
    assert losses == pytest.approx([row["val_ner_loss"] for row in history], abs=1e-4)


def test_the_readme_has_the_scores_of_the_results_file() -> None:
    """Rows as `| SC-LSTM, 100 x 2, tuned, words | 94.62 (94.59, 94.66) | ...`: the median, then each seed; or one."""
    models = {"STL": "stl", "LSTM-s": "lstm_s", "LSTM-d": "lstm_d", "SC-LSTM": "sc_lstm", "SC-LSTM-CNN-CRF": "sc_lstm"}
    recipe = {"SC-LSTM-CNN-CRF": " recipe sc_lstm_cnn_crf"}
    words = "encoder.dropout=0.3 language.weight=0.1 training.learning_rate=0.003 training.schedule=linear"
    settings = {
        "": "",
        "tuned": " patience 12 encoder.dropout=0.3 training.learning_rate=0.003 training.schedule=linear",
        "tuned, words": f" patience 12 {words}",
        "tuned, words, joined": f" patience 12 data.join_dev=true {words}",
        "tuned, words, joined, constrained": f" patience 12 constrained=true data.join_dev=true {words}",
    }
    rows = re.findall(
        r"^\| ([\w-]+), (\d+ x \d)(?:, ([a-z, ]+))? \| (.*) \|$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE
    )
    assert len(rows) >= 16
    for name, size, setting, cells in rows:
        experiment = f"table3 {size}{recipe.get(name, '')}{settings[setting]}"
        lines = [line for line in read(RESULTS) if (line["experiment"], line["model"]) == (experiment, models[name])]
        for task, cell in zip(TASKS, cells.split(" | "), strict=True):
            found = [float(line["test"]) for line in lines if line["task"] == task]
            shown = [float(number) for number in re.findall(r"[\d.]+", cell)]
            wanted = found if len(found) == 1 else [statistics.median(found), *found]
            assert shown == pytest.approx(wanted, abs=0.0501 if task == "ner" else 0.00501), (name, size, setting, task)
