"""The folder of a run. What it refuses is tested where runs are: tests/training/test_run.py and test_multitask.py."""

from __future__ import annotations

import json

import pytest

from seqlab.errors import SettingsError
from seqlab.multitask_settings import MultiTaskSettings
from seqlab.training.folder import clean, open_folder, stored_settings, stored_text

SETTINGS = MultiTaskSettings(tasks=[{"name": "label", "data": {"train": "x"}}])


def test_settings_and_facts_are_written(tmp_path):
    open_folder(SETTINGS, tmp_path, False, {"x": "1"})
    assert stored_settings(tmp_path, MultiTaskSettings) == SETTINGS
    facts = json.loads((tmp_path / "versions.json").read_text())
    assert facts["seed"] == 1 and facts["data"] == {"x": "1"}
    open_folder(SETTINGS, tmp_path, False, {"x": "2"})  # nothing was trained yet
    assert json.loads((tmp_path / "versions.json").read_text())["data"] == {"x": "2"}


def test_an_empty_folder_holds_no_run(tmp_path):
    with pytest.raises(SettingsError, match=r"holds no run \(settings\.json is missing\)"):
        stored_text(tmp_path)


def test_leftovers_of_a_kill_are_removed(tmp_path):
    for name in (".state-x.npz", ".model-x.keras", ".other.txt"):
        (tmp_path / name).touch()
    clean(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".other.txt"]
