from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seqlab.cli.reading import cut_out, data_settings, parse_columns, parse_fields, parse_separator
from seqlab.errors import SettingsError
from tests import tiny


def test_parse_columns() -> None:
    assert parse_columns(["word=0", "chunk=-1"]) == {"word": 0, "chunk": -1}
    for wrong in ("word", "word=", "=1", "word=x", "word=1.5"):
        with pytest.raises(SettingsError, match=r"--columns takes NAME=NUMBER, .*received "):
            parse_columns([wrong])


def test_a_flag_is_cut_out() -> None:
    assert cut_out("--only", ["--seed", "3"]) == (None, ["--seed", "3"])
    assert cut_out("--only", ["--seed", "3", "--only", "pos"]) == (["pos"], ["--seed", "3"])
    assert cut_out("--only", ["--only", "--seed", "3"]) == ([], ["--seed", "3"])
    with pytest.raises(SettingsError, match="write --only with a space before its values; received --only=pos"):
        cut_out("--only", ["--only=pos"])
    with pytest.raises(SettingsError, match="--only is given twice: write it once"):
        cut_out("--only", ["--only", "pos", "--seed", "3", "--only", "ner"])


def test_the_run_says_how_files_are_read_unless_told_otherwise(tmp_path: Path) -> None:
    settings = tiny.settings(tmp_path)
    (tmp_path / "settings.json").write_text(settings.model_dump_json(), encoding="utf-8")
    assert data_settings(tmp_path, "ner").columns == {"word": 0, "ner": -1}  # no run's: not its file
    (tmp_path / "versions.json").write_text("{}", encoding="utf-8")
    for place in (tmp_path, tmp_path / "model.keras"):
        assert data_settings(place, "chunk") == settings.data
    changed = data_settings(tmp_path, "chunk", columns=["word=1", "chunk=0"], separator=r"\t", encoding="latin-1")
    assert changed.columns == {"word": 1, "chunk": 0}
    assert (changed.separator, changed.encoding, changed.train) == ("\t", "latin-1", settings.data.train)
    other = data_settings(tmp_path, "chunk", fields=["chunk=misc:Chunk"], form="conllu")
    assert (other.format, other.fields, other.columns) == ("conllu", {"chunk": "misc:Chunk"}, settings.data.columns)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"form": "conllu", "columns": ["word=0"]}, "--columns is for files in the format conll, received .* conllu"),
        ({"form": "conllu", "separator": ","}, "--separator is for files in the format conll, .*with --fields"),
        ({"fields": ["pos=xpos"]}, "--fields is for files in the format conllu, received .* conll: .*with --columns"),
    ],
)
def test_options_of_the_other_format_are_refused(given: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=words):
        data_settings(tmp_path / "alone.keras", "pos", **given)


def test_parse_fields_and_separator() -> None:
    assert parse_fields(["pos=xpos", "gender=feats:Gender"]) == {"pos": "xpos", "gender": "feats:Gender"}
    for wrong in (["pos"], ["pos="], ["=xpos"], ["pos=xpos", "pos=upos"]):
        with pytest.raises(SettingsError, match=r"--fields takes NAME=FIELD, .*received "):
            parse_fields(wrong)
    assert [parse_separator(text) for text in (r"\t", "\t", ",", "")] == ["\t", "\t", ",", ""]


def test_a_model_without_a_run_takes_the_last_column(tmp_path: Path) -> None:
    data = data_settings(tmp_path / "alone.keras", "ner")
    assert data.columns == {"word": 0, "ner": -1} and data.format == "conll"
