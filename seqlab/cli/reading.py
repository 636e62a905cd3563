"""Finding a model, and how the files it is used on are to be read."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from seqlab.errors import SettingsError
from seqlab.files import model_file
from seqlab.multitask_settings import MultiTaskSettings
from seqlab.settings import DataSettings, Settings

CONTEXTUAL = "file of contextual vectors (.h5), or their producer, in place of what the model names"
TASK = "task, of a model of several"
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
    task: Annotated[str | None, tyro.conf.arg(help=TASK)] = None

    def settings(self, place: Path, task: str) -> DataSettings:
        """Returns the settings of the run that made a model, changed by the flags; see `data_settings`."""
        given = {item.name: getattr(self, item.name) for item in fields(ReadingFlags) if item.name != "task"}
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
    data = stored_data(place, task) or DataSettings(train="", columns={"word": 0, task: -1})
    changes: dict[str, Any] = {"columns": parse_columns(columns)} if columns else {}
    changes |= {"fields": parse_fields(fields)} if fields else {}
    changes |= {"format": form} if form else {}
    changes |= {"separator": parse_separator(separator)} if separator is not None else {}
    changes |= {"encoding": encoding} if encoding else {}
    changes |= {"lenient": True} if lenient else {}
    data = DataSettings(**{**data.model_dump(), **changes})
    refuse_unused({data.format}, columns, fields, separator)
    return data


def stored_data(place: Path, task: str) -> DataSettings | None:
    """Returns how the run that made a model read a task's files, the task's labels in the column of its name.

    Args:
        place: The run's folder or the model file in it.
        task: The task.

    Returns:
        `None` for a model without a run beside it.

    Raises:
        SettingsError: For a task that the run did not learn, of several.
    """
    stored = (place if place.is_dir() else place.parent) / "settings.json"
    if not (stored.is_file() and stored.with_name("versions.json").is_file()):  # both: the folder of a run
        return None
    text = stored.read_text("utf-8")
    if "tasks" not in json.loads(text):
        return Settings.model_validate_json(text).data
    settings = MultiTaskSettings.model_validate_json(text)
    for one in settings.tasks:
        if one.name == task:
            return _renamed(one.data, one.learnt, task)
    raise SettingsError(f"{place} is of a run of {', '.join(settings.names)}, none of them {task!r}.")


def _renamed(data: DataSettings, column: str, task: str) -> DataSettings:
    values = data.model_dump()
    for kind in ("columns", "fields"):
        others = {name: where for name, where in values[kind].items() if name not in (task, column)}
        if column in values[kind]:
            values[kind] = {**others, task: values[kind][column]}
    return DataSettings(**values)


def opened(place: Path, task: str | None) -> tuple[Any, Any]:
    """Opens a model, of one task or several.

    Args:
        place: A run's folder or a `.keras` file.
        task: The task that is asked for; needed where there are several.

    Returns:
        The whole model, and its side that tags the task: the same, where there is one task.

    Raises:
        ModelFileError: For a model that does not tag.
        SettingsError: For a task that the model lacks; without one, where there are several.
    """
    from seqlab.inference.load import load_tagger
    from seqlab.models.multitask import MultiTaskTagger

    model = load_tagger(model_file(place))
    if not isinstance(model, MultiTaskTagger):
        if task not in (None, model.task):
            raise SettingsError(f"--task {task}: the model in {place} knows {model.task!r} alone.")
        return model, model
    if task is None and len(model.tasks) > 1:
        raise SettingsError(f"the model in {place} knows {', '.join(model.tasks)}: say which with --task.")
    return model, model.view(model.tasks[0] if task is None else task)


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


def cut_out(flag: str, arguments: Sequence[str]) -> tuple[list[str] | None, list[str]]:
    """Takes a flag that other flags' names depend on out of the arguments.

    Returns:
        Its values, up to the next flag, `None` where it is not given; and the other arguments.

    >>> cut_out("--only", ["--only", "pos", "ner", "--seed", "3"])
    (['pos', 'ner'], ['--seed', '3'])

    Raises:
        SettingsError: For values that are joined to the flag by `=`, or a flag that is given twice.
    """
    joined = [item for item in arguments if item.startswith(f"{flag}=")]
    if joined:
        raise SettingsError(f"write {flag} with a space before its values; received {joined[0]}.")
    if flag not in arguments:
        return None, list(arguments)
    if list(arguments).count(flag) > 1:
        raise SettingsError(f"{flag} is given twice: write it once, with all its values.")
    start = list(arguments).index(flag) + 1
    end = next((k for k in range(start, len(arguments)) if arguments[k].startswith("--")), len(arguments))
    return list(arguments[start:end]), [*arguments[: start - 1], *arguments[end:]]


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
