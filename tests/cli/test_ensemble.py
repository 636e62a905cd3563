from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from seqlab.cli.main import main
from seqlab.inference.load import load
from seqlab.models.ensemble import Ensemble
from tests import tiny


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two small taggers' files."""
    folder = tmp_path_factory.mktemp("members")
    for name in ("one", "two"):
        tiny.tagger(chars=None).save(folder / f"{name}.keras")
    return [str(folder / f"{name}.keras") for name in ("one", "two")]


def test_one_file_of_several(models: list[str], finished_run: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "both.keras"
    assert main(["ensemble", *models, "--out", str(out)]) == 0
    text = capsys.readouterr().out
    found = load(out)
    assert isinstance(found, Ensemble) and len(found.members) == 2
    assert f"member 2: {models[1]}\n2 members, {found.count_params():,} parameters\nmodel: {out}" in text
    dev = str(finished_run.parent / "data" / "dev.conll")
    assert main(["evaluate", str(out), dev, "--columns", "word=0", "chunk=2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["overall"]["f1"] == found.score(tiny.dev_part()).overall.f1
    assert main(["ensemble", *models, "--out", str(out)]) == 1
    assert "both.keras exists: choose another name, or say --overwrite" in capsys.readouterr().err
    assert main(["ensemble", str(finished_run), models[0], "--out", str(out), "--overwrite"]) == 0
    assert main(["ensemble", str(out), models[0], "--out", str(tmp_path / "more.keras")]) == 1
    assert "both.keras: an ensemble is made of taggers, found Ensemble" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{one}", "--out", "new.keras"], "name at least two models, received 1"),
        (["{one}", "{one}", "--out", "new.h5"], "--out takes a path that ends in .keras, received new.h5"),
        (["{one}", "nowhere.keras", "--out", "new.keras"], "nowhere.keras: no such file"),
        (["{one}", "{other}", "--out", "new.keras"], "agree on task. That of member 1 is 'chunk', that of member 2 is"),
    ],
)
def test_bad_arguments(arguments: list[str], message: str, models: list[str], tmp_path: Path, capsys: Any) -> None:
    other = tmp_path / "other.keras"
    if "{other}" in arguments:
        tiny.tagger(task="pos", chars=None).save(other)
    assert main(["ensemble", *(item.format(one=models[0], other=other) for item in arguments)]) == 1
    assert message in capsys.readouterr().err
