"""What a search can train. Real trainings: of taggers in test_trial.py, of frames here; of tasks a stand-in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from seqlab.errors import SettingsError
from seqlab.frame_settings import MEASURES, FrameDataSettings, FrameSettings, FrameTrainingSettings, NetworkSettings
from seqlab.multitask_settings import MultiTaskSettings, TaskSettings
from seqlab.pretrain_settings import PretrainSettings
from seqlab.settings import DataSettings, Settings, TrainingSettings
from seqlab.studies import Objective
from seqlab.tuning import trial
from seqlab.tuning.job import Job
from seqlab.tuning.kinds import KINDS, kind_of, settings_from
from seqlab.tuning.space import SearchSpace
from seqlab.tuning.spaces import odyssey_space

TAGGER = Settings(data=DataSettings(train="x"), training=TrainingSettings(monitor="val_loss"))
TASKS = MultiTaskSettings(
    tasks=tuple(
        TaskSettings(name=name, data=DataSettings(train="x", columns={"word": 0, name: 1}), head="softmax")
        for name in "ab"
    )
)


def frames(path: str, form: Any = "piano_roll") -> FrameSettings:
    return FrameSettings(
        data=FrameDataSettings(path=path, format=form),
        network=NetworkSettings(units=3, bidirectional=False, standardize=False),
        training=FrameTrainingSettings(epochs=2, learning_rate=0.05),
    )


def test_each_kind_has_its_figure_and_comes_back_from_json() -> None:
    wanted = {"TAGGER": Objective("val_loss", "min"), "TASKS": Objective("val_f1", "max")}
    for settings, objective in (
        (TAGGER, wanted["TAGGER"]),
        (TASKS, wanted["TASKS"]),
        *((frames("x", form), Objective(f"val_{measure}", "min")) for form, measure in MEASURES.items()),
    ):
        assert kind_of(settings).objective(settings) == objective
        assert settings_from(json.loads(settings.model_dump_json())) == settings
    assert {type(settings) for settings in (TAGGER, TASKS, frames("x"))} == {kind.settings for kind in KINDS}


def test_what_cannot_be_searched() -> None:
    with pytest.raises(SettingsError, match="PretrainSettings are not settings of a run that can be searched"):
        kind_of(PretrainSettings(text=("x",)))
    with pytest.raises(SettingsError, match="settings of no run that can be searched: speed"):
        settings_from({"speed": 3})


def test_a_trial_on_frames(tmp_path: Path) -> None:
    piece = [[50], [51], [52], [50]]
    (tmp_path / "rolls.json").write_text(json.dumps({"train": [piece] * 2, "valid": [piece], "test": [piece]}))
    settings = frames(str(tmp_path / "rolls.json"))
    job = Job(settings.model_dump(mode="json"), {}, (1,), "val_nll", "min")
    found = trial.run_job(job, tmp_path)
    assert (found.status, found.epochs, found.error) == ("completed", 2, "")
    scores = json.loads((tmp_path / "run-1" / "scores.json").read_text("utf-8"))
    assert (found.score, found.test) == (pytest.approx(scores["dev"], rel=1e-5), scores["test"])
    assert found.weights == 4 * (3 * (88 + 3) + 3) + 3 * 3 + 88 * 4


def test_a_trial_on_frames_goes_on_with_another(tmp_path: Path) -> None:
    """As Hyperband asks for; and it ends as a trial in one go."""
    piece = [[50], [51], [52], [50]]
    (tmp_path / "rolls.json").write_text(json.dumps({"train": [piece] * 2, "valid": [piece], "test": [piece]}))
    settings = frames(str(tmp_path / "rolls.json"))
    whole = Job(settings.model_dump(mode="json"), {}, (1,), "val_nll", "min", until=2)
    first = trial.run_job(replace(whole, until=1), tmp_path / "trial_0")
    second = trial.run_job(replace(whole, after="0"), tmp_path / "trial_1")
    assert (first.epochs, second.epochs) == (1, 2) and len(history(tmp_path / "trial_0")) == 1
    once = trial.run_job(whole, tmp_path / "trial_2")
    assert (second.score, second.test) == (pytest.approx(once.score, rel=1e-5), pytest.approx(once.test, rel=1e-5))


def history(folder: Path) -> list[str]:
    return (folder / "run-1" / "history.jsonl").read_text("utf-8").splitlines()


def test_a_trial_on_tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Found:
        def __init__(self, f1: float) -> None:
            self.overall, self.f1 = self, f1

    class Weight:
        shape = (2, 5)

    class Result:
        scores: dict[str, dict[str, Found]] = {"dev": {}, "test": {"a": Found(0.5), "b": Found(0.75)}}
        tagger = type("Model", (), {"trainable_weights": [Weight(), Weight()]})

    given: dict[str, Any] = {}

    def train(*_: Any, **options: Any) -> type[Result]:
        given.update(options)
        return Result

    monkeypatch.setattr("seqlab.training.multitask.train", train)
    found = kind_of(TASKS).train(TASKS, tmp_path, 4)
    assert given["until"] == 4
    assert (found.test, found.weights, found.dev) == (0.625, 20, None)
    # Tasks that share no weight: the model has the best of each, which no epoch had together.
    Result.scores = {"dev": {"a": Found(0.75), "b": Found(0.5)}}
    history = [{"loss": 1.0, "val_f1": (one + other) / 2} for one, other in ((0.75, 0.25), (0.5, 0.5))]
    (tmp_path / "run-1").mkdir()
    (tmp_path / "run-1" / "history.jsonl").write_text("\n".join(map(json.dumps, history)))
    job = Job(TASKS.model_dump(mode="json"), {}, (1,), "val_f1", "max")
    assert trial.execute(job, tmp_path, 1).score == 0.625


def test_the_space_of_the_odyssey() -> None:
    space = SearchSpace(frames("x"), odyssey_space)
    assert {parameter.name for parameter in space.parameters} == {
        *("variant", "units", "noise", "learning_rate", "one_minus_momentum")
    }
    hp = keras_tuner.HyperParameters()
    hp.values = {"one_minus_momentum": 0.25}
    assert odyssey_space(hp)["training.momentum"] == 0.75
