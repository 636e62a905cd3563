from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.kill_resume import compare, kill_in_save, numbers, prepare
from seqlab.cli.train import read_recipe
from tests.structure.sources import ROOT


def folder(path: Path, losses: list[float], f1: float = 0.5) -> Path:
    path.mkdir()
    lines = [json.dumps({"epoch": epoch, "loss": loss}) for epoch, loss in enumerate(losses)]
    (path / "history.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (path / "scores.json").write_text(json.dumps({"dev": {"f1": f1}}), encoding="utf-8")
    return path


def test_differences_are_found(tmp_path: Path) -> None:
    base = folder(tmp_path / "base", [2.0, 1.0])
    assert compare(folder(tmp_path / "same", [2.0, 1.0]), base) == (0.0, "")
    assert compare(folder(tmp_path / "loss", [2.0, 1.5]), base) == (0.5, "")
    assert compare(folder(tmp_path / "score", [2.0, 1.0], 0.75), base) == (0.25, "")
    assert compare(folder(tmp_path / "short", [2.0]), base)[1] == "1 epochs in place of 2"
    other = folder(tmp_path / "litter", [2.0, 1.0])
    (other / ".model-x.keras").touch()
    assert compare(other, base)[1] == "files differ: ['.model-x.keras']"
    assert numbers({"b": [1, {"c": 2.5}], "a": "x"}) == [1.0, 2.5]


def test_a_save_is_seen(tmp_path: Path) -> None:
    moment = kill_in_save(2)
    (tmp_path / ".state-1.npz").touch()
    assert not moment(tmp_path, 0.0)
    (tmp_path / ".model-1.keras").touch()
    assert moment(tmp_path, 0.0)


def test_the_recipe_can_be_read(tmp_path: Path) -> None:
    settings = read_recipe(str(prepare(tmp_path, epochs=2, sentences=3)))
    assert settings.training.epochs == 2
    assert Path(settings.data.train).read_text(encoding="utf-8").count("\n\n") == 2


@pytest.mark.slow
def test_killed_runs_end_as_unbroken_ones() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/kill_resume.py", "--trials", "2", "--epochs", "4", "--seed", "5"],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 of 2 trials end as the unbroken run" in done.stdout
