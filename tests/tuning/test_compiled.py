"""Compiled trials of a search: equal to plain ones where both draw the same numbers, and many in one process."""

from __future__ import annotations

import json
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
from seqlab.tuning.job import Job

jax_only = pytest.mark.skipif(keras.backend.backend() != "jax", reason="compiled epochs run on JAX")
UNITS = 3


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
from seqlab.tuning.odyssey import odyssey_space


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
def test_a_search_by_an_oracle_of_keras_tuner(
    recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEQLAB_CACHE", str(tmp_path / "cache"))
    flags = ["tune", recipe, "--tuner", "bayesian", "--compiled", "--study", str(tmp_path / "study")]
    assert main([*flags, "--trials", "2"]) == 0
    assert "2 trials: 2 completed" in capsys.readouterr().out
    assert any((tmp_path / "cache" / "jax").iterdir())
    study = studies.read(tmp_path / "study")
    assert study.tuner == "bayesian" and "--compiled" in study.command
    assert all(row.epochs == 4 and row.score and row.test and row.weights for row in study.trials)
    assert main([*(flag for flag in flags if flag != "--compiled"), "--trials", "2", "--resume"]) == 1
    assert "compiled True, now False" in capsys.readouterr().err
    # What the worker has found is what the same job gives here.
    (row, *_) = study.trials
    place = tmp_path / "study" / f"trial_{row.trial}"
    again = trial.run_job(trial.read_job(place), place, compiled.execute)
    assert np.isclose(again.score or 0, row.score or 1, rtol=1e-5)


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
def test_another_backend_is_refused(recipe: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tune", recipe, "--compiled", "--trials", "2", "--study", str(tmp_path / "study")]) == 1
    error = capsys.readouterr().err
    assert "seqlab tune: --compiled needs the backend jax, received" in error and "KERAS_BACKEND=jax" in error
    assert not (tmp_path / "study" / "study.json").exists()
