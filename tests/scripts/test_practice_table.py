from __future__ import annotations

import json
import shutil
import statistics
from pathlib import Path

import practice_table
import pytest
from practice_rows import BILM, CORPORA, ENSEMBLE, FULL, STUDENT, members_of
from practice_table import read, train, written

from seqlab.training.report import epoch_times
from tests import tiny


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Commands in place of trainings, each of which leaves what a run leaves."""
    found: list[tuple[str, ...]] = []

    def leave(*arguments: str) -> None:
        found.append(arguments)
        folder = Path(arguments[-1])
        if arguments[0] == "embed":
            folder.touch()
            return
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "scores.json").write_text("{}")

    def join(members: list[Path], folder: Path) -> None:
        leave("ensemble", *map(str, members), str(folder))

    monkeypatch.setattr(practice_table, "run", leave)
    monkeypatch.setattr(practice_table, "join", join)
    monkeypatch.setattr(
        practice_table, "figures", lambda folder, setting, members: {"dev": "90", "test": "80", "parameters": 5}
    )
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
    assert rows == [*((FULL, str(seed)) for seed in members_of(1)), (ENSEMBLE, "1"), (STUDENT, "1")]
    assert calls[-1][calls[-1].index("--distill.teacher") + 1] == calls[-2][-1]


def test_flags_are_those_of_the_command_line() -> None:
    assert written({"words.casing": False, "words.chars": None, "seed": 1}) == [
        *("--words.no-casing", "--words.chars", "None", "--seed", "1")
    ]


def test_a_language_model_is_trained_once_for_all_rows(
    calls: list[tuple[str, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(practice_table, "training_text", lambda recipe: [("of", Path(recipe).stem), ("a", "b")])
    for corpus in CORPORA:
        for seed in (1, 2):
            train(corpus, BILM, seed, tmp_path, tmp_path / "results.csv")
    assert (tmp_path / "bilm.txt").read_text("utf-8") == "of conll2000_chunking\na b\nof ud_pos\na b\n"
    verbs = [call[0] for call in calls]
    assert verbs == ["pretrain", "embed", "train", "train", "embed", "train", "train"]
    for corpus, call in zip(("chunk", "chunk", "pos", "pos"), (c for c in calls if c[0] == "train"), strict=True):
        assert call[call.index("--contextual.file") + 1] == str(tmp_path / f"bilm {corpus}.h5")
    assert calls[1][1:4] == (str(tmp_path / "bilm"), "--recipe", CORPORA["chunk"].recipe)


def test_the_text_of_a_recipe_is_what_it_trains_on(tmp_path: Path) -> None:
    (tmp_path / "recipe.py").write_text(
        "from pathlib import Path\nfrom tests import tiny\n"
        "def settings():\n    return tiny.settings(tiny.write(Path(__file__).parent / 'data'))\n",
        encoding="utf-8",
    )
    found = practice_table.training_text(str(tmp_path / "recipe.py"))
    assert found == [sentence.words for sentence in tiny.train_part()]


def test_figures_of_a_run(finished_run: Path, tmp_path: Path) -> None:
    """Those of a run are what it wrote; TensorBoard's files are not read."""
    found = practice_table.figures(finished_run, CORPORA["chunk"], [])
    scores = json.loads((finished_run / "scores.json").read_text("utf-8"))
    assert found["test"] == f"{100 * scores['test']['overall']['f1']:.2f}"
    lines = [json.loads(line) for line in (finished_run / "history.jsonl").read_text("utf-8").splitlines()]
    best = max(line["val_f1"] for line in lines)
    assert found["epochs"] == len(lines) and lines[found["best_epoch"] - 1]["val_f1"] == best
    times = epoch_times(finished_run)
    usual = statistics.median(line.training for line in times[1:])
    assert found["tokens_per_second"] == round(tiny.train_part().tokens / usual)
    assert found["minutes"] == f"{sum(line.seconds for line in times) / 60:.1f}"
    assert found["trainable"] == found["parameters"] > 0  # without vectors nothing is frozen
    joined = practice_table.figures(finished_run, CORPORA["chunk"], 3 * [finished_run])
    assert joined["minutes"] == f"{3 * sum(line.seconds for line in times) / 60:.1f}"
    assert not {"epochs", "best_epoch", "tokens_per_second"} & joined.keys()
    cut = Path(shutil.copytree(finished_run, tmp_path / "cut"))
    lines = (cut / "times.jsonl").read_text("utf-8").splitlines(keepends=True)
    (cut / "times.jsonl").write_text("".join(lines[1:]), "utf-8")  # as if an older version had trained the first epoch
    for folder, members in ((cut, []), (finished_run, [finished_run, cut])):
        assert "minutes" not in practice_table.figures(folder, CORPORA["chunk"], members)
