"""Finding a model, and how the files it is used on are to be read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from seqlab.errors import SettingsError
from seqlab.settings import DataSettings, Settings


def model_file(place: Path) -> Path:
    """Returns the model file of a run's folder, or the file itself."""
    return place / "model.keras" if place.is_dir() else place


def data_settings(
    place: Path, columns: list[str], form: str | None, encoding: str | None, task: str, lenient: bool = False
) -> DataSettings:
    """Says how labelled files are read: by the run that made the model, changed by what the command line gives.

    Args:
        place: The run's folder or the model file in it.
        columns: `NAME=NUMBER` for each column; empty keeps the run's.
        form: `conll` or `conllu`; `None` keeps the run's.
        encoding: Text encoding; `None` keeps the run's.
        lenient: Keep tags that break their scheme.
        task: The model's task, for a model without a run beside it.
    """
    stored = (place if place.is_dir() else place.parent) / "settings.json"
    if stored.is_file() and stored.with_name("versions.json").is_file():  # both: the folder of a run
        data = Settings.model_validate_json(stored.read_text("utf-8")).data
    else:
        data = DataSettings(train="", columns={"word": 0, task: -1})
    changes: dict[str, Any] = {"columns": parse_columns(columns)} if columns else {}
    changes |= {"format": form} if form else {}
    changes |= {"encoding": encoding} if encoding else {}
    changes |= {"lenient": True} if lenient else {}
    return DataSettings(**{**data.model_dump(), **changes})


def parse_columns(columns: list[str]) -> dict[str, int]:
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
