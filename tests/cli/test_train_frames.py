"""`seqlab train` for sequences of vectors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seqlab.cli.main import main
from seqlab.frame_settings import FrameSettings
from seqlab.training.folder import stored_settings

RECIPE = """
from seqlab.frame_settings import FrameDataSettings, FrameSettings, FrameTrainingSettings, NetworkSettings


def settings():
    return FrameSettings(
        data=FrameDataSettings(path={path!r}, format="piano_roll"),
        network=NetworkSettings(units=3, bidirectional=False, standardize=False),
        training=FrameTrainingSettings(epochs=1),
    )
"""


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    part = [[[60], [62], [64]], [[62], [64], [65]]]
    (tmp_path / "rolls.json").write_text(json.dumps({"train": part, "valid": part, "test": part}))
    (tmp_path / "music.py").write_text(RECIPE.format(path=str(tmp_path / "rolls.json")))
    return str(tmp_path / "music.py")


def test_recipe_flags_and_resuming(recipe: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    assert main(["train", recipe, "--network.variant", "NP", "--training.momentum", "0.5", "--run", str(folder)]) == 0
    stored = stored_settings(folder, FrameSettings)
    assert (stored.network.variant, stored.network.units, stored.training.momentum) == ("NP", 3, 0.5)
    text = capsys.readouterr().out
    assert "nll on dev: " in text and "nll on test: " in text and "best epoch: 1 of 1\n" in text
    assert f"model: {folder / 'model.keras'}" in text and "parameters: 1,456\n" in text

    scores = (folder / "scores.json").read_bytes()
    (folder / "scores.json").unlink()
    assert main(["train", "--resume", str(folder)]) == 0
    assert (folder / "scores.json").read_bytes() == scores
    assert main(["train", f"--resume={folder}"]) == 0
    capsys.readouterr()
    for flags in (["--network.units", "9"], ["--run", "other"]):
        assert main(["train", "--resume", str(folder), *flags]) == 1
        assert "leave the recipe and other flags out" in capsys.readouterr().err
    assert main(["train", recipe, "--run", str(folder)]) == 1
    assert "already holds a run: resume it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--network.variant", "NPP"], "NP"),
        (["--network.unit", "3"], "--network.units"),
        (["--encoder.units", "3"], "Unrecognized options"),
        (["--network.noise", "2"], "noise: Input should be less"),
    ],
)
def test_wrong_flags(flags: list[str], words: str, recipe: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["train", recipe, *flags])
    error = " ".join(capsys.readouterr().err.split())
    assert caught.value.code == 2 and words in error


def test_trouble_with_data_is_one_line(recipe: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--data.path", str(tmp_path / "none.json"), "--run", str(tmp_path / "run")]
    assert main(["train", recipe, *flags]) == 1
    error = capsys.readouterr().err
    assert error.startswith("seqlab train: ") and "none.json" in error and error.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("flags", [["--resume", "{}"], ["--resume={}"]])
@pytest.mark.parametrize("text", ['{"data": {', "[]", b"\xff".decode("latin-1")])
def test_damaged_settings_of_a_run(
    flags: list[str], text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "settings.json").write_text(text, encoding="latin-1")
    assert main(["train", *(flag.format(tmp_path) for flag in flags)]) == 1
    told = capsys.readouterr().err
    assert "settings.json: damaged (" in told and "train anew in another folder" in told
