from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from seqlab.errors import SettingsError
from seqlab.training import run as runs
from seqlab.tuning import trial
from seqlab.tuning.job import Job, read_result, write_job


def job(run: Path, **changes: Any) -> Job:
    settings = runs.stored_settings(run).model_dump(mode="json")
    return Job(
        **{"settings": settings, "values": {}, "seeds": (1,), "objective": "val_f1", "direction": "max"} | changes
    )


@pytest.fixture
def folder(finished_run: Path, tmp_path: Path) -> Path:
    """A trial whose only training is over."""
    assert runs.stored_settings(finished_run).seed == 1
    shutil.copytree(finished_run, tmp_path / "trial_0" / "run-1")
    return tmp_path / "trial_0"


def test_a_real_training(folder: Path, finished_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "end_with_parent", lambda: None)  # this process has another parent
    write_job(folder, job(finished_run))
    assert trial.main([str(folder)]) == 0
    found = read_result(folder)
    assert found is not None and found.status == "completed" and found.weights and found.seconds
    history = (finished_run / "history.jsonl").read_text("utf-8").splitlines()
    assert found.epochs == len(history) and found.score == max(eval_f1(line) for line in history)
    assert found.test is not None and 0 <= found.test <= 1

    wrong = trial.run_job(job(finished_run, objective="val_f2"), folder)
    assert wrong.fatal and "the objective 'val_f2' is not among epoch, " in wrong.error
    settings = {**job(finished_run).settings, "seed": 5}
    wrong = trial.run_job(job(finished_run, settings={**settings, "head": "softmax"}), folder)
    assert wrong.fatal and "holds a run with other settings" in wrong.error


def eval_f1(line: str) -> float:
    import json

    return float(json.loads(line)["val_f1"])


def test_executions_are_averaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = {1: (0.5, 0.4, None), 2: (0.7, None, None), 3: (None, None, 1), 4: (0.3, 0.2, 6)}

    def execute(job: Job, folder: Path, seed: int) -> trial.Execution:
        return trial.Execution(*figures[seed][:2], 2, 100, figures[seed][2])

    monkeypatch.setattr(trial, "execute", execute)
    both = trial.run_job(Job({}, {}, (1, 2), "val_f1", "max"), tmp_path)
    assert (both.status, both.epochs, both.weights, both.test) == ("completed", 4, 100, 0.4)
    assert both.score == pytest.approx(0.6)
    nan = trial.run_job(Job({}, {}, (1, 3, 2), "val_f1", "max"), tmp_path)
    assert (nan.status, nan.score, nan.epochs) == ("diverged", None, 4) and "with seed 3" in nan.error
    late = trial.run_job(Job({}, {}, (4, 1), "val_f1", "max"), tmp_path)
    assert (late.status, late.score, late.test, late.epochs) == ("diverged", 0.4, pytest.approx(0.3), 4)
    assert late.error == "the loss is no number from epoch 6 on, with seed 4"


def test_seconds_are_those_that_the_trainings_tell(tmp_path: Path) -> None:
    found = trial.run_job(
        Job({}, {}, (1, 2), "val_f1", "max"), tmp_path, lambda *_: trial.Execution(0.5, None, 2, 9, seconds=40.0)
    )
    assert (found.status, found.seconds) == ("completed", 80.0)


def test_an_error_belongs_to_the_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    def execute(*_: Any) -> trial.Execution:
        raise MemoryError("no room")

    monkeypatch.setattr(trial, "execute", execute)
    found = trial.run_job(Job({}, {}, (1,), "val_f1", "max"), tmp_path)
    assert (found.status, found.error, found.fatal) == ("failed", "MemoryError: no room", False)
    assert "Traceback" in capfd.readouterr().err


def test_the_best_epoch_counts() -> None:
    history = [{"loss": 2.0, "val_loss": 3.0}, {"loss": 1.0, "val_loss": 4.0}]
    assert trial._best(history, "val_loss", "min") == (3.0, None)
    assert trial._best(history, "val_loss", "max") == (4.0, None)
    lost = {"loss": float("nan"), "val_loss": 1.0}
    assert trial._best([*history, lost, {"loss": 1.0, "val_loss": 0.5}], "val_loss", "min") == (3.0, 3)
    assert trial._best([lost], "val_loss", "min") == (None, 1)
    with pytest.raises(SettingsError, match="'val_f1' is not among loss, val_loss"):
        trial._best(history, "val_f1", "max")


def test_going_on_with_another_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "trial_0" / "run-1").mkdir(parents=True)
    for name in ("state.npz", "scores.json", "lock"):
        (tmp_path / "trial_0" / "run-1" / name).write_text(name, encoding="utf-8")
    given = {}

    class Stop(Exception):
        pass

    def train(settings: Any, place: Path, **options: Any) -> None:
        given.update(options, seed=settings.seed, files=sorted(path.name for path in place.iterdir()))
        raise Stop

    monkeypatch.setattr(runs, "train", train)
    settings = {"data": {"train": "x"}, "seed": 9}
    with pytest.raises(Stop):
        trial.execute(Job(settings, {}, (1,), "val_f1", "max", until=3, after="0"), tmp_path / "trial_4", 1)
    assert given == {"resume": True, "verbose": 2, "until": 3, "seed": 1, "files": ["state.npz"]}
