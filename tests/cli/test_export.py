from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import pytest

from seqlab.cli.main import main
from tests import tiny

ROOT = Path(__file__).resolve().parents[2]
writes = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow alone writes a SavedModel")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "model.keras"
    tiny.trained().save(path)
    return path


@pytest.mark.slow
def test_a_process_of_its_own_exports_under_every_backend(model: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "seqlab.cli.main", "export", str(model), str(tmp_path / "chunker")],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert "serving_default: labels int32 (batch, time)" in done.stdout
    card = json.loads((tmp_path / "chunker" / "seqlab.json").read_text(encoding="utf-8"))
    assert card["labels"] == list(tiny.trained().labels)
    assert (tmp_path / "chunker" / "saved_model.pb").is_file()


@writes
def test_a_run_and_its_overwriting(finished_run: Path, tmp_path: Path, capsys: Any) -> None:
    folder, older = tmp_path / "chunker", tmp_path / "older.keras"
    tiny.tagger(task="pos", head="softmax", chars=None).save(older)  # whose graphs are small
    assert main(["export", str(older), str(folder)]) == 0
    assert f"{folder}: a SavedModel" in capsys.readouterr().out
    assert main(["export", str(finished_run), str(folder)]) == 1
    assert capsys.readouterr().err.startswith(f"seqlab export: {folder} is an export already")
    assert json.loads((folder / "seqlab.json").read_text(encoding="utf-8"))["task"] == "pos"
    assert main(["export", str(finished_run), str(folder), "--overwrite"]) == 0
    assert json.loads((folder / "seqlab.json").read_text(encoding="utf-8"))["task"] == "chunk"


def test_bad_model(tmp_path: Path, capsys: Any) -> None:
    assert main(["export", str(tmp_path / "nowhere.keras"), str(tmp_path / "new")]) == 1
    assert "nowhere.keras: no such file" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
