"""`seqlab train` of several tasks: settings from a recipe and flags, runs that go on, the models that come of it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seqlab.cli.main import main
from seqlab.cli.reading import stored_data
from seqlab.errors import SettingsError
from seqlab.inference.load import load
from seqlab.multitask_settings import MultiTaskSettings
from seqlab.training import multitask
from tests import tiny

pytestmark = pytest.mark.usefixtures("eagerly")

RECIPE = """
from pathlib import Path
from tests import tiny

def settings():
    return tiny.task_settings(Path({folder!r}))
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "both.py"
    path.write_text(RECIPE.format(folder=str(tmp_path)), "utf-8")
    return path


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What training is asked for, in place of training."""
    found: list[Any] = []

    def train(*arguments: Any, **options: Any) -> Any:
        found.append((*arguments, options))
        return SimpleNamespace(scores={})

    monkeypatch.setattr(multitask, "train", train)
    return found


def status(*arguments: str) -> Any:
    """The exit status, by whichever way it comes."""
    try:
        return main(list(arguments))
    except SystemExit as end:
        return end.code


def test_flags_change_the_recipe(recipe: Path, calls: list[Any], capsys: Any) -> None:
    flags = ["--encoder.kind", "stl", "--tasks.0.weight", "3", "--schedule.kind", "uniform", "--run", "there"]
    assert main(["train", str(recipe), *flags, "--schedule.power", "None", "--strict"]) == 0
    ((settings, folder, options),) = calls
    assert isinstance(settings, MultiTaskSettings) and settings.encoder.kind == "stl"
    assert (settings.tasks[0].weight, settings.tasks[1].weight, settings.schedule.kind) == (3, 2, "uniform")
    assert folder == Path("there") and options == {"resume": False, "strict": True}
    assert capsys.readouterr().out == f"\nmodel: {Path('there') / 'model.keras'}\n"
    assert status("train", str(recipe), "--tasks.0.weight", "0") != 0
    assert len(calls) == 1


def test_tasks_are_left_out(recipe: Path, finished_tasks: Path, calls: list[Any], capsys: Any) -> None:
    assert main(["train", str(recipe), "--only", "chunk", "--tasks.0.weight", "3", "--run", "there"]) == 0
    ((settings, _, _),) = calls
    assert settings.names == ("chunk",) and settings.tasks[0].weight == 3
    assert main(["train", str(recipe), "--only", "chunk", "tag"]) == 0
    assert calls[1][0].names == ("tag", "chunk")  # the recipe's order
    assert main(["train", str(recipe), "--only", "chnk"]) == 1
    assert "--only chnk: no such task; expected some of tag, chunk. Did you mean 'chunk'?" in capsys.readouterr().err
    assert main(["train", str(recipe), "--only", "--seed", "3"]) == 1
    assert "--only takes names of tasks, some of tag, chunk; received none" in capsys.readouterr().err
    assert main(["train", "--resume", str(finished_tasks), "--only", "tag", "chunk"]) == 1
    assert "leave the recipe and other flags out" in capsys.readouterr().err
    assert len(calls) == 2


def test_turns_go_with_the_tasks_that_are_left(recipe: Path, calls: list[Any]) -> None:
    text = recipe.read_text("utf-8").replace("))\n", '), schedule={"kind": "alternating", "turns": (3, 1)})\n')
    recipe.write_text(text, "utf-8")
    for only, turns in ((["chunk"], (1,)), (["chunk", "tag"], (3, 1))):
        assert main(["train", str(recipe), "--only", *only, "--run", "there"]) == 0
        assert calls[-1][0].schedule.turns == turns


def test_a_run_goes_on_by_its_folder_alone(finished_tasks: Path, recipe: Path, calls: list[Any], capsys: Any) -> None:
    assert main(["train", "--resume", str(finished_tasks)]) == 0
    ((settings, folder, options),) = calls
    assert settings == tiny.finished_task_settings(finished_tasks.parent / "data")
    assert folder == finished_tasks and options == {"resume": True, "strict": False}
    assert main(["train", str(recipe), "--resume", str(finished_tasks)]) == 1
    assert "leave the recipe and other flags out" in capsys.readouterr().err


def test_scores_are_printed(finished_tasks: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    found = SimpleNamespace(scores={"dev": {"tag": SimpleNamespace(table=lambda: "a table")}})
    monkeypatch.setattr(multitask, "train", lambda *_, **__: found)
    assert main(["train", "--resume", str(finished_tasks)]) == 0
    assert capsys.readouterr().out.startswith("\ntag on dev\na table\n")


def test_a_task_is_asked_for_by_name(finished_tasks: Path, tmp_path: Path, capsys: Any) -> None:
    run, test = str(finished_tasks), str(finished_tasks.parent / "data" / "test.conll")
    scores = json.loads((finished_tasks / "scores.json").read_text("utf-8"))["test"]["tasks"]["chunk"]
    assert main(["evaluate", run, test, "--task", "chunk", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["overall"] == scores["overall"]
    assert main(["evaluate", run, test]) == 1
    assert "knows tag, chunk: say which with --task" in capsys.readouterr().err
    assert main(["tag", run, "Snow fell", "--task", "ner"]) == 1
    assert "Unknown task 'ner'; this tagger has tag, chunk" in capsys.readouterr().err
    assert main(["tag", run, "Snow fell", "--task", "tag"]) == 0
    words, tags = zip(*(line.split("\t") for line in capsys.readouterr().out.split("\n") if line), strict=True)
    assert words == ("Snow", "fell")
    assert list(tags) == list(load(finished_tasks / "model.keras").tag("Snow fell")["tag"].tags)


def test_comparison_of_a_task(finished_tasks: Path, finished_run: Path, capsys: Any) -> None:
    pair = [str(finished_run), str(finished_tasks)]  # their test files are alike
    assert main(["compare", *pair, "--task", "chunk", "--samples", "50"]) == 0
    assert capsys.readouterr().out.startswith("chunk on ")
    assert main(["compare", *pair, "--task", "tag"]) == 1
    assert f"--task tag: the model in {finished_run} knows 'chunk' alone" in capsys.readouterr().err


def test_how_a_run_read_its_tasks(finished_tasks: Path) -> None:
    data = stored_data(finished_tasks, "tag")
    assert data is not None and data.columns == {"word": 0, "chunk": 2, "ner": 3, "tag": 1}
    with pytest.raises(SettingsError, match="a run of tag, chunk, none of them 'ner'"):
        stored_data(finished_tasks / "model.keras", "ner")
    assert stored_data(finished_tasks.parent, "tag") is None
