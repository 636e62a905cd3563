from __future__ import annotations

from pathlib import Path

import pytest

from seqlab.cli.reading import data_settings, model_file, parse_columns
from seqlab.errors import SettingsError
from tests import tiny


def test_a_folder_stands_for_its_model(tmp_path: Path) -> None:
    assert model_file(tmp_path) == tmp_path / "model.keras"
    assert model_file(tmp_path / "my.keras") == tmp_path / "my.keras"


def test_parse_columns() -> None:
    assert parse_columns(["word=0", "chunk=-1"]) == {"word": 0, "chunk": -1}
    for wrong in ("word", "word=", "=1", "word=x", "word=1.5"):
        with pytest.raises(SettingsError, match=r"--columns takes NAME=NUMBER, .*received "):
            parse_columns([wrong])


def test_the_run_says_how_files_are_read_unless_told_otherwise(tmp_path: Path) -> None:
    settings = tiny.settings(tmp_path)
    (tmp_path / "settings.json").write_text(settings.model_dump_json(), encoding="utf-8")
    assert data_settings(tmp_path, [], None, None, "ner").columns == {"word": 0, "ner": -1}  # no run's: not its file
    (tmp_path / "versions.json").write_text("{}", encoding="utf-8")
    for place in (tmp_path, tmp_path / "model.keras"):
        assert data_settings(place, [], None, None, "chunk") == settings.data
    changed = data_settings(tmp_path, ["word=1", "chunk=0"], "conllu", "latin-1", "chunk")
    assert changed.columns == {"word": 1, "chunk": 0}
    assert (changed.format, changed.encoding, changed.train) == ("conllu", "latin-1", settings.data.train)


def test_a_model_without_a_run_takes_the_last_column(tmp_path: Path) -> None:
    data = data_settings(tmp_path / "alone.keras", [], None, None, "ner")
    assert data.columns == {"word": 0, "ner": -1} and data.format == "conll"
