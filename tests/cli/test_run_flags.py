from __future__ import annotations

import re
from pathlib import Path

import pytest
import tyro

from seqlab.cli.run_flags import RunFlags
from seqlab.errors import SettingsError
from seqlab.frame_settings import FrameDataSettings, FrameSettings

SETTINGS = FrameSettings(data=FrameDataSettings(path="x", format="timit"))


def test_the_folder_is_what_is_named() -> None:
    assert tyro.cli(RunFlags, args=["--run", "a"]).folder("frames") == Path("a")
    assert tyro.cli(RunFlags, args=["--resume", "b"]).folder("frames") == Path("b")
    assert re.fullmatch(r"runs/frames-\d{8}-\d{6}", RunFlags().folder("frames").as_posix())


def test_resume_stands_alone() -> None:
    RunFlags(run=Path("a")).check(False)
    RunFlags(resume=Path("a")).check(True)
    with pytest.raises(SettingsError, match="--resume a goes on with that run's folder .* leave texts out"):
        RunFlags(resume=Path("a")).check(False, "texts")
    with pytest.raises(SettingsError, match="leave the recipe and other flags out"):
        RunFlags(Path("b"), Path("a")).check(True)


def test_a_resumed_run_keeps_its_settings(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text(SETTINGS.model_dump_json(), "utf-8")
    RunFlags(resume=tmp_path).check_settings(SETTINGS)
    RunFlags(run=tmp_path).check_settings(SETTINGS.model_copy(update={"seed": 2}))
    with pytest.raises(SettingsError, match="goes on with that run's folder and settings"):
        RunFlags(resume=tmp_path).check_settings(SETTINGS.model_copy(update={"seed": 2}))
    with pytest.raises(SettingsError, match="holds no run"):
        RunFlags(resume=tmp_path / "none").check_settings(SETTINGS)
