from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import keras
import pytest

from seqlab import studies
from seqlab.errors import DataError, SettingsError
from seqlab.settings import Settings
from seqlab.tuning import folder as folders
from seqlab.tuning.description import described
from seqlab.tuning.job import Job, write_job
from seqlab.tuning.oracles import make_oracle
from seqlab.tuning.space import SearchSpace
from tests.tuning.common import OBJECTIVE, SETTINGS, begin, rates


def wider(hp: Any) -> dict[str, Any]:
    return {**rates(hp), "training.batch_size": hp.Int("batch", 2, 10), "encoder.dropout": hp.Float("drop", 0, 0.5)}


def narrower(hp: Any) -> dict[str, Any]:
    rates(hp)
    return {}


def test_a_study_is_begun_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"holds no study .*leave --resume out"):
        begin(tmp_path, resume=True)
    begin(tmp_path)
    with pytest.raises(SettingsError, match=r"already holds a study: go on with it \(--resume\)"):
        begin(tmp_path)
    begin(tmp_path, narrower, resume=True)  # the same space, and no trial yet


def reopened(folder: Path, **changes: Any) -> None:
    space = SearchSpace(SETTINGS, changes.pop("declare", rates))
    study = studies.Study(OBJECTIVE, space.parameters, "seqlab tune", 7, "random")
    settings, executions = changes.pop("settings", SETTINGS), changes.pop("executions", 1)
    oracle = make_oracle("random", OBJECTIVE, space.hyperparameters, 9, 7, 9)
    search = described(settings, executions, False)
    folders.open_study(folder, dataclasses.replace(study, **changes), search, oracle, True, False)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"declare": wider}, r"another search space \(batch, drop\): a resumed study keeps its space"),
        ({"tuner": "grid"}, "another study \\(tuner random, now grid\\)"),
        ({"seed": 8}, "seed 7, now 8"),
        ({"objective": studies.Objective("val_loss", "min")}, "objective val_f1, now val_loss"),
        ({"executions": 2}, "executions 1, now 2"),
        ({"settings": Settings(data=SETTINGS.data, head="softmax")}, r"another study \(head crf, now softmax\)"),
    ],
)
def test_a_study_keeps_what_it_is_about(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    begin(tmp_path)
    reopened(tmp_path)  # more trials are no other study
    with pytest.raises(SettingsError, match=words):
        reopened(tmp_path, **changes)


def test_settings_that_a_study_did_not_know_have_their_defaults(tmp_path: Path) -> None:
    begin(tmp_path)
    path = tmp_path / "search.json"
    found = json.loads(path.read_text("utf-8"))
    for part, name in (("settings", "rules"), ("settings", "language"), ("training", "average"), ("words", "vectors")):
        del (found["settings"] if part == "settings" else found["settings"][part])[name]
    del found["compiled"], found["backend"]
    path.write_text(json.dumps(found), "utf-8")
    reopened(tmp_path)
    training = SETTINGS.training.model_copy(update={"average": 0.9})
    with pytest.raises(SettingsError, match=r"another study \(training\.average None, now 0\.9\)"):
        reopened(tmp_path, settings=SETTINGS.model_copy(update={"training": training}))


def test_a_study_keeps_its_backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("keras.backend.backend", lambda: "numpy")
        begin(tmp_path)
    with pytest.raises(SettingsError, match=rf"another study \(backend numpy, now {keras.backend.backend()}\)"):
        reopened(tmp_path)


def test_settings_that_are_no_more(tmp_path: Path) -> None:
    begin(tmp_path)
    path = tmp_path / "search.json"
    text = path.read_text("utf-8").replace('"learning_rate"', '"speed"')
    path.write_text(text, "utf-8")
    with pytest.raises(DataError, match=r"search\.json: cannot be read.*unknown key 'speed'"):
        reopened(tmp_path)


def test_a_damaged_description(tmp_path: Path) -> None:
    begin(tmp_path)
    (tmp_path / "search.json").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"search\.json: cannot be read"):
        reopened(tmp_path)


def test_a_folder_of_a_worker_is_for_one_study(tmp_path: Path) -> None:
    folders.claim(tmp_path, "one")
    folders.claim(tmp_path, "one")
    with pytest.raises(SettingsError, match=r"holds trials of another study: name another folder .*--study"):
        folders.claim(tmp_path, "other")
    (tmp_path / "search.json").write_text("[", "utf-8")
    with pytest.raises(DataError, match=r"search\.json: cannot be read"):
        folders.claim(tmp_path, "one")


def test_the_best_trial(tmp_path: Path) -> None:
    begin(tmp_path)
    with pytest.raises(DataError, match=r"trials\.csv: no trial is completed"):
        folders.best_job(tmp_path)
    for name, score in (("0", 0.5), ("1", 0.9), ("2", 0.7)):
        studies.write_trial(tmp_path, studies.Trial(name, "completed", score=score))
    with pytest.raises(DataError, match=r"job\.json is missing.*copy trial_1 "):
        folders.best_job(tmp_path)
    job = Job({}, {}, (1,), "val_f1", "max")
    write_job(tmp_path / "trial_1", job)
    trial, found = folders.best_job(tmp_path)
    assert (trial.trial, found) == ("1", job)
