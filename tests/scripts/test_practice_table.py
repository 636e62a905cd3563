from __future__ import annotations

import json
from pathlib import Path

import practice_table
import pytest
from practice_table import CORPORA, ENSEMBLE, FULL, STUDENT, read, rows_of, seeds_of, table, train, written

from seqlab.cli.train import read_recipe
from seqlab.settings import Settings


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Commands in place of trainings, each of which leaves what a run leaves."""
    found: list[tuple[str, ...]] = []

    def leave(*arguments: str) -> None:
        found.append(arguments)
        folder = Path(arguments[-1])
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "scores.json").write_text("{}")

    def join(members: list[Path], folder: Path) -> None:
        leave("ensemble", *map(str, members), str(folder))

    monkeypatch.setattr(practice_table, "run", leave)
    monkeypatch.setattr(practice_table, "join", join)
    monkeypatch.setattr(practice_table, "figures", lambda folder, setting: {"dev": "90", "test": "80", "parameters": 5})
    return found


def test_a_known_result_is_not_trained_again(calls: list[tuple[str, ...]], tmp_path: Path) -> None:
    results = tmp_path / "results.csv"
    for _ in range(2):
        train("pos", "+ GloVe", 1, tmp_path, results)
    assert len(calls) == 1 and [line["row"] for line in read(results)] == ["+ GloVe"]


def test_a_run_that_was_cut_off_goes_on(calls: list[tuple[str, ...]], tmp_path: Path) -> None:
    folder = train("pos", FULL, 1, tmp_path, tmp_path / "one.csv")
    (folder / "state.npz").write_bytes(b"")
    train("pos", FULL, 1, tmp_path, tmp_path / "other.csv")
    assert calls[1] == ("train", "--resume", str(folder))


def test_members_are_trained_again_where_their_models_are_not(calls: list[tuple[str, ...]], tmp_path: Path) -> None:
    results = tmp_path / "results.csv"
    train("chunk", FULL, 1, tmp_path / "first machine", results)
    train("chunk", STUDENT, 1, tmp_path / "second machine", results)
    assert [call[0] for call in calls] == ["train"] * 6 + ["ensemble", "train"]
    rows = [(line["row"], line["seed"]) for line in read(results)]
    assert rows == [*((FULL, str(seed)) for seed in seeds_of(1)), (ENSEMBLE, "1"), (STUDENT, "1")]
    assert calls[-1][calls[-1].index("--distill.teacher") + 1] == calls[-2][-1]


@pytest.mark.parametrize("corpus", CORPORA)
def test_every_row_is_a_setting_of_the_recipe(corpus: str) -> None:
    setting = CORPORA[corpus]
    recipe = read_recipe(str(practice_table.ROOT / setting.recipe))
    seen = set()
    for row in rows_of(corpus):
        values = recipe.model_dump()
        flags = {**practice_table.COMMON, **setting.flags, **{**practice_table.ROWS, **setting.only}.get(row, {})}
        for name, value in flags.items():
            part, _, option = name.replace("-", "_").partition(".")
            assert option in values[part], name
            values[part][option] = (value,) if name == "words.columns" else value
        seen.add(Settings(**values).model_dump_json())
    assert len(seen) == len(rows_of(corpus)) - len({ENSEMBLE, STUDENT})  # whose members are as FULL
    assert recipe.model_dump_json() not in seen


def test_flags_are_those_of_the_command_line() -> None:
    assert written({"words.casing": False, "words.chars": None, "seed": 1}) == [
        *("--words.no-casing", "--words.chars", "None", "--seed", "1")
    ]


def test_the_table_has_medians_and_all_figures(tmp_path: Path) -> None:
    line = {
        "corpus": "pos",
        "row": FULL,
        "parameters": "1200",
        "epochs": "10",
        "seconds_per_epoch": "",
        "best_epoch": "",
    }
    lines = [{**line, "seed": seed, "dev": "90", "test": test} for seed, test in (("1", "80.00"), ("2", "81.00"))]
    assert f"| {FULL} | 90.00 | 80.50 | 80.00, 81.00 | 1,200 |  |  |" in table(lines)
    lines[0]["seconds_per_epoch"] = "2.5"  # of the one seed that was not resumed within its only epoch
    assert "| 1,200 | 2.5 |  |" in table(lines) and "| 1,200 | 2.5 |  |" in table(lines[::-1])


def test_figures_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Model:
        def count_params(self) -> int:
            return 7

    monkeypatch.setattr("seqlab.load", lambda path: Model())
    monkeypatch.setattr("seqlab.training.report.epoch_seconds", lambda folder: [[90.0, 2.0, 4.0], [80.0, 3.0]])
    (tmp_path / "scores.json").write_text(json.dumps({"dev": {"accuracy": 0.9}, "test": {"accuracy": 0.81234}}))
    lines = [{"val_accuracy": 0.7}, {"val_accuracy": 0.9}, {"val_accuracy": 0.8}]
    (tmp_path / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = practice_table.figures(tmp_path, CORPORA["pos"])
    assert found["test"] == "81.23" and found["parameters"] == 7
    assert (found["best_epoch"], found["epochs"], found["seconds_per_epoch"]) == (2, 3, "3.0")
