"""Finding a model, and how the files it is used on are to be read."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from seqlab.errors import SettingsError
from seqlab.settings import DataSettings, Settings

CONTEXTUAL = "file of contextual vectors (.h5), or their producer, in place of what the model names"
SEPARATOR = r"what stands between columns (conll), such as , or \t"


@dataclass(frozen=True, kw_only=True)
class ReadingFlags:
    """How labelled files are read where it is not as in training: the flags of the verbs that take such files."""

    columns: Annotated[list[str], tyro.conf.arg(help="NAME=NUMBER of each column (conll), if not as in training")] = (
        field(default_factory=list)
    )
    fields: Annotated[list[str], tyro.conf.arg(help="NAME=FIELD of each column (conllu), if not as in training")] = (
        field(default_factory=list)
    )
    format: Annotated[Literal["conll", "conllu"] | None, tyro.conf.arg(help="file format, if not as in training")] = (
        None
    )
    separator: Annotated[str | None, tyro.conf.arg(help=f"{SEPARATOR}, if not as in training")] = None
    encoding: Annotated[str | None, tyro.conf.arg(help="text encoding, if not as in training")] = None
    lenient: Annotated[
        bool, tyro.conf.arg(help="keep tags that break their scheme, and read them as conlleval does")
    ] = False

    def settings(self, place: Path, task: str) -> DataSettings:
        """Returns the settings of the run that made a model, changed by the flags; see `data_settings`."""
        given = {item.name: getattr(self, item.name) for item in fields(ReadingFlags)}
        return data_settings(place, task, form=given.pop("format"), **given)


def data_settings(
    place: Path,
    task: str,
    columns: Sequence[str] = (),
    fields: Sequence[str] = (),
    form: str | None = None,
    separator: str | None = None,
    encoding: str | None = None,
    lenient: bool = False,
) -> DataSettings:
    """Says how labelled files are read: by the run that made the model, changed by what the command line gives.

    Args:
        place: The run's folder or the model file in it.
        task: The model's task, for a model without a run beside it.
        columns: `NAME=NUMBER` for each column (conll); empty keeps the run's.
        fields: `NAME=FIELD` for each column (conllu); empty keeps the run's.
        form: `conll` or `conllu`; `None` keeps the run's.
        separator: What stands between columns (conll); `None` keeps the run's.
        encoding: Text encoding; `None` keeps the run's.
        lenient: Keep tags that break their scheme.

    Raises:
        SettingsError: For an option that does not concern files of this format, or a value that cannot be read.
    """
    stored = (place if place.is_dir() else place.parent) / "settings.json"
    if stored.is_file() and stored.with_name("versions.json").is_file():  # both: the folder of a run
        data = Settings.model_validate_json(stored.read_text("utf-8")).data
    else:
        data = DataSettings(train="", columns={"word": 0, task: -1})
    changes: dict[str, Any] = {"columns": parse_columns(columns)} if columns else {}
    changes |= {"fields": parse_fields(fields)} if fields else {}
    changes |= {"format": form} if form else {}
    changes |= {"separator": parse_separator(separator)} if separator is not None else {}
    changes |= {"encoding": encoding} if encoding else {}
    changes |= {"lenient": True} if lenient else {}
    data = DataSettings(**{**data.model_dump(), **changes})
    refuse_unused({data.format}, columns, fields, separator)
    return data


def refuse_unused(
    formats: Collection[str], columns: Sequence[str], fields: Sequence[str], separator: str | None
) -> None:
    """Refuses options that concern none of the formats (`conll`, `conllu`) that files are read in."""
    given = [("--columns", bool(columns)), ("--separator", separator is not None)] if "conll" not in formats else []
    given += [("--fields", bool(fields))] if "conllu" not in formats else []
    for flag, present in given:
        if present:
            other = "conllu" if flag == "--fields" else "conll"
            instead = "choose columns with --columns" if flag == "--fields" else "choose CoNLL-U fields with --fields"
            raise SettingsError(
                f"{flag} is for files in the format {other}, received files in {', '.join(sorted(formats))}: "
                f"leave it out, say --format {other}, or {instead}."
            )


def parse_columns(columns: Sequence[str]) -> dict[str, int]:
    """Reads `word=0 chunk=-1`."""
    found = {}
    for item in columns:
        name, _, number = item.partition("=")
        if not name or not re.fullmatch(r"-?[0-9]+", number) or name in found:
            raise SettingsError(
                f"--columns takes NAME=NUMBER, each name once, as in word=0 chunk=-1; received {item!r}."
            )
        found[name] = int(number)
    return found


def parse_fields(fields: Sequence[str]) -> dict[str, str]:
    """Reads `pos=xpos gender=feats:Gender`; the reader knows which fields there are."""
    found: dict[str, str] = {}
    for item in fields:
        name, _, field = item.partition("=")
        if not name or not field or name in found:
            raise SettingsError(
                f"--fields takes NAME=FIELD, each name once, as in pos=upos gender=feats:Gender; received {item!r}."
            )
        found[name] = field
    return found


def parse_separator(separator: str) -> str:
    r"""Reads a separator as a shell passes it on: `\t`, a backslash and a letter, is a tab."""
    return separator.replace("\\t", "\t")
