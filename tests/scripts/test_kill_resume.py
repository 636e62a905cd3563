from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.kill_resume import KINDS, compare, kill_in_save, numbers, prepare
from seqlab.cli.train import read_recipe
from seqlab.corpora.conll import conll
from seqlab.models import builders
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


def test_folds_are_compared_too(tmp_path: Path) -> None:
    for name, losses in (("base", [2.0, 1.0]), ("same", [2.0, 1.0]), ("other", [2.0, 1.25]), ("less", [2.0])):
        folder(tmp_path / name, [])
        (tmp_path / name / "history.jsonl").unlink()
        folder(tmp_path / name / "fold-0", [4.0])
        folder(tmp_path / name / "fold-1", losses)
        (tmp_path / name / "fold-1" / "tensorboard").mkdir()
        (tmp_path / name / "fold-1" / "tensorboard" / f"events.{name}").touch()
    base = tmp_path / "base"
    assert compare(tmp_path / "same", base) == (0.0, "")
    assert compare(tmp_path / "other", base) == (0.25, "")
    assert compare(tmp_path / "less", base)[1] == "2 epochs in place of 3"
    (tmp_path / "same" / "fold-0" / "lock").touch()
    assert compare(tmp_path / "same", base)[1] == "files differ: ['fold-0/lock']"


def test_a_save_is_seen(tmp_path: Path) -> None:
    moment = kill_in_save(3)
    (tmp_path / ".state-1.npz").touch()
    (tmp_path / "fold-1").mkdir()
    (tmp_path / "fold-1" / ".state-2.npz").touch()
    assert not moment(tmp_path, 0.0)
    (tmp_path / ".model-1.keras").touch()
    assert moment(tmp_path, 0.0)
    assert not kill_in_save(1)(tmp_path / "not there yet", 0.0)


def test_the_recipes_can_be_read(tmp_path: Path) -> None:
    kinds = {kind: read_recipe(str(path)) for kind, path in prepare(tmp_path, epochs=2, sentences=7).items()}
    assert kinds.keys() == KINDS.keys()
    for settings in kinds.values():
        assert settings.training.epochs == 2
        train = conll(settings.data.train, settings.data.columns)
        assert [len(sentence) for sentence in train] == [6, 6, 6, 10, 10, 10, 14]
        vectors = builders.words_of(train, settings.words.vectors)
        assert vectors.vectors is not None and vectors.vectors.dimension == 8
        # Words with a vector and without one, and words that training does not hold.
        assert 0 < len(vectors.rows) < len(vectors.vocabulary) and len(vectors.vocabulary) > vectors.trained
    assert kinds["average"].training.average and kinds["average"].training.schedule == "linear"
    assert kinds["folds"].data.folds == 2 and kinds["folds"].data.dev is None
    assert kinds["halve"].training.schedule == "halve" and kinds["halve"].data.dev


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
