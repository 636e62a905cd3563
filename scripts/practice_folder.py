"""The folders of the runs of `practice_table.py`: whether one has the settings that are asked for, and its figures."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from practice_rows import Corpus, Flags

if TYPE_CHECKING:
    from seqlab.settings import Settings
    from seqlab.settings_part import Part

ROOT = Path(__file__).resolve().parents[1]
_REMEDY = "Move it away, or name another folder (--work)."


class Needed(NamedTuple):
    """What a row needs beside its own run.

    Attributes:
        runs: Folders of runs whose minutes count.
        seconds: Of other commands, `None` where they are not known.
        models: Folders of models whose parameters count.
    """

    runs: Sequence[Path] = ()
    seconds: float | None = 0.0
    models: Sequence[Path] = ()


def settings_of(recipe: str, flags: Flags) -> Settings:
    """The settings that `seqlab train RECIPE` takes from flags."""
    from seqlab.cli.train import read_recipe
    from seqlab.settings import Settings

    values = read_recipe(str(ROOT / recipe)).model_dump()
    for name, value in flags.items():
        part, _, option = name.replace("-", "_").rpartition(".")
        place = values[part] if part else values
        value = str(value) if isinstance(value, Path) else value
        place[option] = (value,) if isinstance(place[option], tuple) else value
    return Settings(**values)


def refuse_other(folder: Path, wanted: Part, verb: str = "train") -> None:
    """Refuses the folder of a run with other settings, which would pass for the one that is asked for."""
    from seqlab.errors import SettingsError
    from seqlab.training.folder import stored_settings

    try:
        there, here = (_flat(one) for one in (stored_settings(folder, type(wanted), verb), wanted))
    except SettingsError as error:  # of an older version, perhaps
        raise SettingsError(f"{folder}: {error} {_REMEDY}") from error
    other = [
        f"{name} {there.get(name)!r}, not {here.get(name)!r}"
        for name in here | there
        if there.get(name) != here.get(name)
    ]
    if other:
        raise SettingsError(f"{folder} holds a run with other settings ({'; '.join(other)}). {_REMEDY}")


def _flat(settings: Part) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in settings.model_dump().items():
        found |= (
            {f"{name}.{option}": part for option, part in value.items()} if isinstance(value, dict) else {name: value}
        )
    return found


def figures(folder: Path, setting: Corpus, needed: Needed = Needed()) -> dict[str, Any]:  # noqa: B008  (it cannot change)
    """What the folder of a finished run, or of an ensemble, says, with the columns of the results file."""
    import seqlab
    from seqlab.training.data import corpora
    from seqlab.training.report import epoch_times, run_seconds
    from seqlab.training.run import stored_settings

    model = seqlab.load(folder / "model.keras")
    trained = (folder / "history.jsonl").is_file()
    parameters = model.count_params() + sum(seqlab.load(one / "model.keras").count_params() for one in needed.models)
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    found: dict[str, Any] = {"parameters": parameters, "trainable": trainable}
    for part, scores in json.loads((folder / "scores.json").read_text("utf-8")).items():
        for key in setting.figure:
            scores = scores[key]
        found[part] = f"{100 * scores:.2f}"
    seconds = [needed.seconds, *map(run_seconds, [*needed.runs, *([folder] if trained else [])])]
    if None not in seconds:
        found["minutes"] = f"{sum(filter(None, seconds)) / 60:.1f}"
    if trained:
        lines = [json.loads(line) for line in (folder / "history.jsonl").read_text("utf-8").splitlines()]
        course = [line["val_" + setting.figure[-1]] for line in lines]
        found |= {"epochs": len(course), "best_epoch": 1 + course.index(max(course))}
        times = epoch_times(folder)
        # The first epoch of each part of a run compiles.
        usual = [line.training for before, line in zip(times, times[1:], strict=False) if before.part == line.part]
        if usual:
            tokens = corpora(stored_settings(folder)).train.tokens
            found["tokens_per_second"] = round(tokens / statistics.median(usual))
    return found
