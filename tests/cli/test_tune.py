from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from numpy.testing import assert_allclose

from seqlab import studies
from seqlab.cli.main import main
from seqlab.errors import SettingsError
from seqlab.frame_settings import FrameDataSettings, FrameSettings, FrameTrainingSettings, NetworkSettings
from seqlab.settings import Settings
from seqlab.settings_part import Part
from seqlab.training.lock import LOCK, locked
from seqlab.tuning import search
from seqlab.tuning.job import OUTPUT, read_job
from seqlab.tuning.process import TrialProcess
from seqlab.tuning.trial import run_job
from tests import tiny
from tests.tuning.common import FAKE

RECIPE = """
from seqlab.settings import Settings


def settings():
    return Settings.model_validate_json({text!r})


def search_space(hp):
    return {{
        "encoder.units": hp.Int("encoder.units", 4, 8),
        "training.learning_rate": hp.Float("rate", 1e-3, 1e-2, sampling="log"),
    }}
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    text = tiny.settings(tiny.write(tmp_path / "data"), epochs=1).model_dump_json()
    path = tmp_path / "chunks.py"
    path.write_text(RECIPE.format(text=text), encoding="utf-8")
    return path


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials that train nothing."""

    def started(folder: Path, command: object, *rest: object) -> TrialProcess:
        return TrialProcess(folder, FAKE, *rest)

    monkeypatch.setattr(search, "TrialProcess", started)


def test_one_trial_in_earnest(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "study"
    flags = ["--words.chars", "None", "--seed", "3", "--study", str(folder)]
    assert main(["tune", str(recipe), "--trials", "1", *flags]) == 0
    text = capsys.readouterr().out
    assert "trial 0: score 0" in text and "best trials" in text and "1 trials: 1 completed" in text
    (row,) = studies.read(folder).trials
    assert row.seeds == (3,) and row.epochs == 1 and row.weights and row.test is not None
    assert list((folder / "trial_0").glob("events.out.tfevents.*"))
    stored = Settings.model_validate_json((folder / "trial_0" / "run-3" / "settings.json").read_text("utf-8"))
    assert stored.encoder.units == row.values["encoder.units"] and stored.words.chars is None
    assert stored.training.learning_rate == row.values["rate"]

    shutil.copytree(folder / "trial_0" / "run-3", folder / "best")  # which saves a training here
    assert main(["tune", "--best", str(folder)]) == 0
    text = capsys.readouterr().out
    assert "trial 0: score" in text and "chunk on test" in text and f"model: {folder / 'best' / 'model.keras'}" in text


@pytest.mark.usefixtures("fake")
def test_flags_resume_and_parquet(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = [str(recipe), "--tuner", "guided", "--study", str(tmp_path / "study"), "--executions", "2", "--parquet"]
    assert main(["tune", *flags, "--trials", "2"]) == 1  # the name of the rate is another here
    assert "name ends with learning_rate" in capsys.readouterr().err
    recipe.write_text(recipe.read_text("utf-8").replace('"rate"', '"learning_rate"'), encoding="utf-8")
    assert main(["tune", *flags, "--trials", "2", "--jobs", "2"]) == 0
    study = studies.read(tmp_path / "study")
    assert len(study.trials) == 2 and study.trials[0].seeds == (1, 2) and study.tuner == "guided"
    assert study.command.startswith("seqlab tune ") and "--executions 2" in study.command
    assert (tmp_path / "study" / "trials.parquet").is_file()
    assert main(["tune", *flags, "--trials", "3"]) == 1
    assert "already holds a study" in capsys.readouterr().err
    assert main(["tune", *flags, "--trials", "3", "--resume"]) == 0
    assert len(studies.read(tmp_path / "study").trials) == 3


@pytest.mark.usefixtures("fake")
def test_a_search_without_a_completed_trial_fails(
    recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = recipe.read_text("utf-8").replace("return {\n", 'hp.Fixed("task.mode", "nan")\n    return {\n')
    recipe.write_text(text, encoding="utf-8")
    assert main(["tune", str(recipe), "--trials", "2", "--study", str(tmp_path / "study")]) == 1
    captured = capsys.readouterr()
    assert "trial 1, diverged: the loss was no number any more" in captured.out
    assert "no trial was completed" in captured.err


EPOCHS = 30
OF_VECTORS = """
from seqlab.frame_settings import FrameSettings


def settings():
    return FrameSettings.model_validate_json({text!r})


def search_space(hp):
    return {{"training.learning_rate": hp.Float("rate", 1e-3, 1e-2, sampling="log")}}
"""


def music(folder: Path) -> Part:
    """A recipe of vectors, with momentum and noise."""
    pieces = [[[50 + (start + step) % 3] for step in range(4)] for start in (0, 1, 2, 0, 1, 2)]
    path = folder / "rolls.json"
    path.write_text(json.dumps({"train": pieces, "valid": pieces[:2], "test": pieces[:2]}), encoding="utf-8")
    return FrameSettings(
        data=FrameDataSettings(path=str(path), format="piano_roll"),
        network=NetworkSettings(units=4, bidirectional=False, standardize=False, noise=0.1),
        training=FrameTrainingSettings(epochs=EPOCHS, patience=EPOCHS, momentum=0.5),
    )


def chunks(folder: Path) -> Part:
    """A recipe of sentences, with dropout and a schedule."""
    return tiny.settings(tiny.write(folder / "data"), epochs=EPOCHS, patience=EPOCHS)


def rows(run: Path) -> list[str]:
    """The lines of a run's history so far."""
    path = run / "history.jsonl"
    return path.read_text("utf-8").splitlines() if path.exists() else []


def kill_within(search: subprocess.Popen[bytes], run: Path, epochs: int) -> None:
    """Kills a search and its trial, which has so many epochs behind it; returns when both are gone."""
    deadline = time.monotonic() + 200
    while len(rows(run)) < epochs:
        assert search.poll() is None and time.monotonic() < deadline, "it ended before it could be killed"
        time.sleep(0.002)
    trial = int((run / LOCK).read_text("utf-8"))
    search.send_signal(signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):  # it ends with its search
        os.kill(trial, signal.SIGKILL)
    search.wait(30)
    while True:
        try:
            with locked(run):
                return
        except SettingsError:
            assert time.monotonic() < deadline, "the trial outlives its search"
            time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(("make", "template"), [(music, OF_VECTORS), (chunks, RECIPE)])
def test_a_trial_that_was_killed_goes_on_to_the_same_end(
    make: Callable[[Path], Part], template: str, tmp_path: Path
) -> None:
    recipe, study = tmp_path / "recipe.py", tmp_path / "study"
    recipe.write_text(template.format(text=make(tmp_path).model_dump_json()), encoding="utf-8")
    flags = ["tune", str(recipe), "--trials", "1", "--study", str(study)]
    trial, run = study / "trial_0", study / "trial_0" / "run-1"
    search = subprocess.Popen(
        [sys.executable, "-m", "seqlab.cli.main", *flags],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        kill_within(search, run, epochs=3)
    finally:
        search.kill()
    before = rows(run)
    assert 3 <= len(before) < EPOCHS and not (trial / "result.json").exists()

    assert main([*flags, "--resume"]) == 0
    after = rows(run)
    said = (trial / OUTPUT).read_text("utf-8").split("Resuming after epoch ")
    assert len(said) == 2 and int(said[1].split(".")[0]) >= len(before)
    assert len(after) == EPOCHS and after[: len(before)] == before
    (row,) = studies.read(study).trials
    assert row.status == "completed" and row.epochs == EPOCHS

    unbroken = run_job(read_job(trial), tmp_path / "unbroken" / "trial_0")
    expected = [json.loads(line) for line in rows(tmp_path / "unbroken" / "trial_0" / "run-1")]
    for one, other in zip(map(json.loads, after), expected, strict=True):
        assert one.keys() == other.keys()
        assert_allclose(list(one.values()), list(other.values()), rtol=1e-6, atol=1e-7)
    assert_allclose([row.score, row.test], [unbroken.score, unbroken.test], rtol=1e-6)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--trials", "0"], "`trials` must be a whole number of at least 1"),
        (["--jobs", "0", "--trials", "2"], "`jobs` must be"),
        (["--executions", "0", "--trials", "2"], "`executions` must be"),
        (["--timeout", "0", "--trials", "2"], "--timeout takes seconds above 0, received 0"),
        ([], "--trials: say how many"),
        (["--tuner", "hyperband", "--trials", "2"], "hyperband runs as many"),
        (["--worker", "a", "--trials", "2"], "--worker runs trials of a chief"),
        (["--chief", "here", "--trials", "2"], "--chief takes HOST:PORT"),
        (["--chief", "h:1", "--jobs", "2"], "--jobs, --timeout and --population are the workers'"),
        (["--chief", "h:1", "--compiled", "--population", "4"], "--jobs, --timeout and --population are the workers'"),
        (["--population", "4", "--trials", "2"], "with --compiled; received 4 without it"),
        (["--population", "1", "--compiled"], "a number of trials from 2 on, with --compiled; received 1."),
        (["--chief", "h:1", "--worker", "a", "--resume"], "are the chief's"),
        (["--resume", "--trials", "2", "--study", "none"], "holds no study"),
    ],
)
def test_errors_of_flags(
    flags: list[str],
    words: str,
    recipe: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["tune", str(recipe), *flags]) == 1
    error = capsys.readouterr().err
    assert error.startswith("seqlab tune: ") and words in error and error.count("\n") == 1


@pytest.mark.parametrize(
    ("old", "new", "flags", "words"),
    [
        ("def search_space", "def searchspace", [], "has a function search_space(hp)"),
        ("", "", ["--data.join-dev"], "Trials with data.join_dev learn what they are compared by"),
        ('"encoder.units":', '"encoder.unit":', [], "no setting 'encoder.unit'. Did you mean 'encoder.units'?"),
        ('"encoder.units":', '"training.epochs":', ["--tuner", "hyperband"], "hyperband shares out training.epochs"),
    ],
)
def test_errors_of_recipes(
    old: str, new: str, flags: list[str], words: str, recipe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe.write_text(recipe.read_text("utf-8").replace(old, new), encoding="utf-8")
    assert main(["tune", str(recipe), *flags]) == 1
    assert words in capsys.readouterr().err


def test_the_recipe_stands_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tune", "--trials", "3"]) == 1
    assert "name a recipe first: seqlab tune RECIPE" in capsys.readouterr().err
    assert main(["tune", "--best", str(tmp_path)]) == 1
    assert "study.json: there is no such file" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["jsb", "timit", "iam_ondb"])
def test_recipes_of_frames_have_the_space_of_the_odyssey(name: str) -> None:
    from seqlab.cli.train import read_recipe_file
    from seqlab.tuning.space import SearchSpace

    settings, module = read_recipe_file(str(Path(__file__).parents[2] / "recipes" / f"{name}.py"))
    space = SearchSpace(settings, module.search_space)
    names = ("network.variant", "network.units", "network.noise", "training.learning_rate", "training.momentum")
    assert space.changed == set(names)


@pytest.mark.parametrize("name", ["sample", "conll2000_chunking", "ud_pos"])
def test_recipes_have_a_space(name: str) -> None:
    from seqlab.cli.train import read_recipe_file
    from seqlab.tuning.space import SearchSpace

    settings, module = read_recipe_file(str(Path(__file__).parents[2] / "recipes" / f"{name}.py"))
    space = SearchSpace(settings, module.search_space)
    assert {"training.learning_rate", "encoder.units", "encoder.dropout"} <= space.changed
    assert any(item.conditions for item in space.parameters)
    assert json.dumps(space.settings({}).model_dump(mode="json"))
