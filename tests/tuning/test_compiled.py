"""Compiled trials of a search: equal to plain ones where both draw the same numbers, and many in one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from seqlab import studies
from seqlab.cli.main import main
from seqlab.errors import SettingsError
from seqlab.frame_settings import FrameDataSettings, FrameSettings, FrameTrainingSettings, NetworkSettings
from seqlab.settings import DataSettings, Settings
from seqlab.training import frames, trials
from seqlab.tuning import compiled, trial
from seqlab.tuning.job import Job, read_result, write_job

jax_only = pytest.mark.skipif(keras.backend.backend() != "jax", reason="compiled epochs run on JAX")
UNITS = 3
FOLDER = "JAX_COMPILATION_CACHE_DIR"


def settings(path: str, **training: Any) -> FrameSettings:
    options = {"epochs": 4, "patience": 2, "learning_rate": 0.05, "momentum": 0.5} | training
    return FrameSettings(
        data=FrameDataSettings(path=path, format="piano_roll"),
        network=NetworkSettings(units=UNITS, bidirectional=False, standardize=False),
        training=FrameTrainingSettings(**options),
    )


@pytest.fixture
def rolls(tmp_path: Path) -> str:
    """One piece to learn from, twice: so that the order, which each draws for itself, is the same."""
    piece, other, third = [[50], [51, 60], [52], [50]], [[50], [51], [53]], [[60], [50], [52, 61], [50]]
    text = json.dumps({"train": [piece] * 2, "valid": [other, piece], "test": [third]})
    (tmp_path / "rolls.json").write_text(text, "utf-8")
    return str(tmp_path / "rolls.json")


def job(given: FrameSettings, *seeds: int) -> Job:
    return Job(given.model_dump(mode="json"), {}, seeds or (1,), "val_nll", "min")


@jax_only
@pytest.mark.parametrize("training", [{}, {"learning_rate": 60.0, "epochs": 9}], ids=["all epochs", "patience"])
def test_equals_the_plain_trial_from_the_same_weights(
    training: dict[str, Any], rolls: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = settings(rolls, **training)
    build = frames.build

    def built(*arguments: Any) -> Any:
        model = build(*arguments)
        pieces = compiled.pieces_of(rolls)
        program = trials._program("V", trials.width_of(UNITS), 88, pieces.train.bounds, False)
        for weight, value in zip(model.trainable_weights, program.initial(UNITS, 1), strict=True):
            weight.assign(value)
        return model

    monkeypatch.setattr(frames, "build", built)
    plain = trial.run_job(job(given), tmp_path)
    found = trial.run_job(job(given), tmp_path, compiled.execute)
    assert (found.status, found.epochs, found.weights) == (plain.status, plain.epochs, plain.weights)
    assert found.epochs == 4 or (training and found.epochs < 9)
    assert found.score == pytest.approx(plain.score, rel=1e-4) and found.test == pytest.approx(plain.test, rel=1e-4)


@jax_only
def test_rates_and_sizes_share_a_program(rolls: str, tmp_path: Path) -> None:
    trials._program.cache_clear()
    scores = set()
    for rate, units, seed in ((0.01, 3, 1), (0.3, 9, 1), (0.3, 9, 2)):
        given = settings(rolls, learning_rate=rate)
        changed = given.model_copy(update={"network": given.network.model_copy(update={"units": units})})
        found = trial.run_job(job(changed, seed, seed + 5), tmp_path, compiled.execute)
        assert (found.status, found.epochs) == ("completed", 8) and found.seconds is not None
        scores.add(found.score)
    assert len(scores) == 3 and trials._program.cache_info().misses == 1


@pytest.fixture
def varied(tmp_path: Path) -> str:
    """Several pieces to learn from, whose order matters."""
    pieces = [[[50], [51, 60], [52], [50]], [[60], [50], [52, 61], [53]]]
    text = json.dumps({"train": pieces, "valid": pieces[:1], "test": pieces[1:]})
    (tmp_path / "varied.json").write_text(text, "utf-8")
    return str(tmp_path / "varied.json")


@jax_only
def test_jobs_together_give_what_each_alone_gives(varied: str, tmp_path: Path) -> None:
    seeds = (1, 6)
    rates, sizes = (0.05, 1e38, 0.5), (3, 5, 9)
    members = []
    for rate, units in zip(rates, sizes, strict=True):
        given = settings(varied, learning_rate=rate)
        members.append(given.model_copy(update={"network": given.network.model_copy(update={"units": units})}))
    assert len(set(map(compiled.alike, members))) == 1
    folders = [tmp_path / f"trial_{number}" for number in range(3)]
    for folder, given, others in zip(folders, members, (("1", "2"), (), ()), strict=True):
        folder.mkdir()
        write_job(folder, replace(job(given, *seeds), others=others))
    compiled.work(folders[0])
    found = [read_result(folder) for folder in folders]
    alone = [trial.run_job(job(given, *seeds), tmp_path, compiled.execute) for given in members]
    for one, other in zip(found, alone, strict=True):
        assert one is not None
        same = ("status", "epochs", "weights", "error")
        assert all(getattr(one, name) == getattr(other, name) for name in same)
        for figure, wanted in ((one.score, other.score), (one.test, other.test)):
            assert figure is None is wanted or figure == pytest.approx(wanted, rel=1e-5)
    assert [one.status for one in alone] == ["completed", "diverged", "completed"]
    assert "see its output.txt" in (folders[2] / "output.txt").read_text("utf-8")
    # And what the population gives that it stands for, with the order of the seed that all share.
    left = [compiled.trial_of(given) for given in members]
    first, *_ = trials.run_population(left, compiled.pieces_of(varied), 4, 2, order_seed=1)
    second, *_ = trials.run_population([replace(one, seed=6) for one in left], compiled.pieces_of(varied), 4, 2, 6)
    assert found[0] is not None and first.score and second.score
    assert found[0].score == pytest.approx((first.score + second.score) / 2, rel=1e-6)


@jax_only
def test_what_is_alike(rolls: str) -> None:
    given = settings(rolls)
    assert compiled.alike(given) == compiled.alike(settings(rolls, learning_rate=0.5, momentum=0.1))
    for part, change in (
        ("network", {"variant": "NP"}),
        ("network", {"units": 29}),
        ("training", {"epochs": 5}),
        ("training", {"patience": 3}),
        ("data", {"path": "other.json"}),
    ):
        changed = given.model_copy(update={part: getattr(given, part).model_copy(update=change)})
        assert compiled.alike(changed) != compiled.alike(given)


@jax_only
def test_a_population_that_fails_is_tried_by_halves(
    varied: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each trial comes to what it comes to alone; with further seeds only what has trained is tried."""
    calls: list[int] = []
    run = trials.run_population

    def narrow(members: Any, *arguments: Any, **options: Any) -> Any:
        calls.append(len(members))
        if len(members) > 2:
            raise MemoryError("no room")
        return run(members, *arguments, **options)

    monkeypatch.setattr(trials, "run_population", narrow)
    given = [job(settings(varied, learning_rate=rate, epochs=2), 1, 6) for rate in (0.05, 1e38, 0.5, 0.1)]
    folders = [tmp_path / str(number) for number in range(4)]
    found = compiled.run_together(given, folders)
    assert calls == [4, 2, 2, 2] and caplog.text.count("together: no room. Each half is tried by itself.") == 1
    assert [one.status for one in found] == ["completed", "diverged", "completed", "completed"]
    for one, member in zip(found, given, strict=True):
        alone = trial.run_job(member, tmp_path, compiled.execute).score
        assert one.score is None is alone or one.score == pytest.approx(alone, rel=1e-5)


@jax_only
def test_what_fails_alone_too_is_that_trials_own(
    rolls: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def failing(*arguments: Any, **options: Any) -> None:
        raise MemoryError("no room")

    def one(member: trials.Trial, *arguments: Any) -> trials.Outcome:
        if member.learning_rate > 0.1:
            raise MemoryError("not even alone")
        return trials.Outcome("completed", 1.0, 2.0, 4, 0.1, 0.1, 5)

    monkeypatch.setattr(trials, "run_population", failing)
    monkeypatch.setattr(trials, "run_trial", one)
    given = [job(settings(rolls, learning_rate=rate), 1, 2) for rate in (0.2, 0.1)]
    first, second = compiled.run_together(given, [tmp_path, tmp_path])
    assert (first.error, first.fatal, second.status) == ("MemoryError: not even alone", False, "completed")
    assert first.seconds is not None and "Traceback" in capfd.readouterr().err


@jax_only
def test_wrong_data_of_a_population_are_fatal_at_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = compiled.run_together([job(settings("gone.json"))] * 2, [tmp_path, tmp_path])
    assert all(one.fatal and "gone.json" in one.error for one in found) and not caplog.records


@jax_only
def test_an_epoch_to_pause_after(rolls: str, tmp_path: Path) -> None:
    given = job(settings(rolls))
    whole, part = (trial.run_job(replace(given, until=until), tmp_path, compiled.execute) for until in (None, 2))
    assert (whole.epochs, part.epochs) == (4, 2)
    assert trial.run_job(replace(given, until=9), tmp_path, compiled.execute).score == whole.score


@jax_only
def test_divergence_and_bad_data(rolls: str, tmp_path: Path) -> None:
    lost = trial.run_job(job(settings(rolls, learning_rate=1e38)), tmp_path, compiled.execute)
    assert (lost.status, lost.score, lost.epochs) == ("diverged", None, 1)
    assert lost.error == "the loss is no number from epoch 1 on, with seed 1"
    gone = trial.run_job(job(settings("gone.json")), tmp_path, compiled.execute)
    assert gone.status == "failed" and gone.fatal and "gone.json" in gone.error


@jax_only
def test_hyperparameters_come_from_the_settings(rolls: str) -> None:
    given = settings(rolls)
    network = given.network.model_copy(update={"variant": "NIG", "noise": 0.3})
    given = given.model_copy(update={"network": network, "seed": 9})
    assert compiled.trial_of(given) == trials.Trial("NIG", UNITS, 0.05, 0.5, 0.3, 9)


@jax_only
@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("network", {"bidirectional": True}),
        ("network", {"standardize": True}),
        ("network", {"initial_std": 0.2}),
        ("training", {"nesterov": False}),
        ("training", {"clip": 1.0}),
        ("training", {"batch_size": 2}),
        ("data", {"format": "timit"}),
    ],
)
def test_what_a_compiled_trial_cannot_do_is_refused(part: str, change: dict[str, Any], rolls: str) -> None:
    given = settings(rolls)
    changed = given.model_copy(update={part: getattr(given, part).model_copy(update=change)})
    ((name, value),) = change.items()
    with pytest.raises(SettingsError, match=rf"trains with {part}\.{name} .* alone, received {value}: change it"):
        compiled.trial_of(changed)


@jax_only
def test_recipes_of_taggers_are_refused() -> None:
    with pytest.raises(SettingsError, match="is for recipes of frames .* received Settings"):
        compiled.trial_of(Settings(data=DataSettings(train="x")))


RECIPE = """
from seqlab.frame_settings import FrameSettings
from seqlab.tuning.spaces import odyssey_space


def settings():
    return FrameSettings.model_validate_json({text!r})


def search_space(hp):
    found = odyssey_space(hp)
    return {{name: found[name] for name in ("training.learning_rate", "training.momentum", "network.noise")}}
"""


@pytest.fixture
def recipe(rolls: str, tmp_path: Path) -> str:
    path = tmp_path / "music.py"
    path.write_text(RECIPE.format(text=settings(rolls).model_dump_json()), "utf-8")
    return str(path)


@jax_only
@pytest.mark.parametrize("population", [[], ["--population", "2"]], ids=["alone", "population"])
def test_a_search_by_an_oracle_of_keras_tuner(
    population: list[str],
    recipe: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SEQLAB_CACHE", str(tmp_path / "cache"))
    for name in (FOLDER, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "JAX_COMPILATION_CACHE_MAX_SIZE"):
        monkeypatch.setenv(name, "0")  # so that what the command sets is undone
        monkeypatch.delenv(name)
    monkeypatch.setenv("XLA_FLAGS", "")  # with those of the tests programs compile too soon to be kept
    if population:
        monkeypatch.setenv(FOLDER, str(tmp_path / "mine"))  # as a user may say
    flags = ["tune", recipe, "--tuner", "bayesian", "--compiled", "--study", str(tmp_path / "study")]
    assert main([*flags, "--trials", "2", *population]) == 0
    assert "2 trials: 2 completed" in capsys.readouterr().out
    kept = {path.parent.relative_to(tmp_path).as_posix() for path in tmp_path.glob("**/jit_*-cache")}
    assert kept == ({"mine"} if population else {Path(os.environ[FOLDER]).relative_to(tmp_path).as_posix()})
    study = studies.read(tmp_path / "study")
    assert study.tuner == "bayesian" and "--compiled" in study.command
    assert all(row.epochs == 4 and row.score and row.test and row.weights for row in study.trials)
    assert main([*(flag for flag in flags if flag != "--compiled"), "--trials", "2", "--resume"]) == 1
    assert "compiled True, now False" in capsys.readouterr().err
    # What the worker has found is what the same job gives here, alone.
    found = []
    for row in study.trials:
        place = tmp_path / "study" / f"trial_{row.trial}"
        found.append(trial.read_job(place))
        again = trial.run_job(found[-1], place, compiled.execute)
        assert np.isclose(again.score or 0, row.score or 1, rtol=1e-5)
    assert sorted(len(one.others) for one in found) == ([0, 1] if population else [0, 0])


@jax_only
def test_a_process_that_is_started_by_itself_keeps_its_programs(rolls: str, tmp_path: Path) -> None:
    write_job(tmp_path, job(settings(rolls, epochs=1)))
    changes = {"SEQLAB_CACHE": str(tmp_path / "cache"), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    environment = {name: value for name, value in os.environ.items() if name != FOLDER} | changes
    command = [sys.executable, "-m", "seqlab.tuning.compiled", str(tmp_path)]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE)
    limit = time.monotonic() + 60
    while read_result(tmp_path) is None and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.05)
    process.communicate()  # the end of its standard input ends it
    assert any((tmp_path / "cache").glob("programs-*/jit_*-cache")), (tmp_path / "output.txt").read_text("utf-8")


@jax_only
def test_a_chief_knows_that_trials_are_compiled(recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, Any]] = []

    def serve(oracle: Any, *_: Any) -> Iterator[studies.Trial]:
        told.append(json.loads(oracle.description))
        yield from ()

    monkeypatch.setattr("seqlab.tuning.distributed.serve", serve)
    flags = ["tune", recipe, "--trials", "2", "--study", str(tmp_path / "study"), "--chief", "127.0.0.1:9"]
    assert main([*flags, "--compiled"]) == 1  # no worker came
    assert told[0]["compiled"] is True and told[0]["objective"] == "val_nll"
    assert json.loads((tmp_path / "study" / "search.json").read_text("utf-8"))["compiled"] is True


@jax_only
def test_a_space_that_leaves_the_compiled_ways_is_refused(
    recipe: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(recipe)
    text = path.read_text("utf-8").replace("return {name", 'return {"training.clip": hp.Choice("c", [1.0])} | {name')
    path.write_text(text, "utf-8")
    assert main(["tune", recipe, "--compiled", "--trials", "2", "--study", str(tmp_path / "study")]) == 1
    assert "--compiled trains with training.clip None alone, received 1.0" in capsys.readouterr().err


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX is what it needs")
@pytest.mark.parametrize("chief", [[], ["--chief", "127.0.0.1:9"]], ids=["alone", "chief"])
def test_another_backend_is_refused(
    chief: list[str], recipe: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tune", recipe, "--compiled", "--trials", "2", "--study", str(tmp_path / "study"), *chief]) == 1
    error = capsys.readouterr().err
    assert "seqlab tune: --compiled needs the backend jax, received" in error and "KERAS_BACKEND=jax" in error
    assert not (tmp_path / "study" / "study.json").exists()
