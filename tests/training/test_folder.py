"""The folder of a run. What it refuses is tested where runs are: in test_run.py and test_pretraining.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seqlab.errors import SettingsError
from seqlab.pretrain_settings import PretrainSettings
from seqlab.training.folder import clean, open_folder, stored_settings, stored_text

SETTINGS = PretrainSettings(text=("x",), seed=1)


def test_settings_and_facts_are_written(tmp_path: Path) -> None:
    open_folder(SETTINGS, tmp_path, False, {"x": "1"})
    assert stored_settings(tmp_path, PretrainSettings) == SETTINGS
    facts = json.loads((tmp_path / "versions.json").read_text())
    assert facts["seed"] == 1 and facts["data"] == {"x": "1"}
    open_folder(SETTINGS, tmp_path, False, {"x": "2"})  # nothing was trained yet
    assert json.loads((tmp_path / "versions.json").read_text())["data"] == {"x": "2"}


def test_settings_of_another_version_are_named(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text(SETTINGS.model_dump_json().replace('"seed":1', '"seed":-1'), "utf-8")
    with pytest.raises(SettingsError, match=r"settings\.json: .*seed.* The run is of another version .* begin it anew"):
        stored_settings(tmp_path, PretrainSettings)


def test_an_empty_folder_holds_no_run(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"settings\.json is missing\); expected a folder that seqlab tune wrote"):
        stored_text(tmp_path, "tune")


def test_leftovers_of_a_kill_are_removed(tmp_path: Path) -> None:
    for name in (".state-x.npz", ".model-x.keras", ".other.txt"):
        (tmp_path / name).touch()
    clean(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".other.txt"]
