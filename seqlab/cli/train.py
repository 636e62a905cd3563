"""`seqlab train`: from a recipe and flags to a run's folder."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import tyro

from seqlab.cli.reading import cut_out, parse_columns
from seqlab.cli.run_flags import NEITHER, RunFlags
from seqlab.cli.train_frames import train_frames
from seqlab.cli.train_multitask import train_multitask
from seqlab.errors import DataError, SettingsError, suggest
from seqlab.frame_settings import FrameSettings
from seqlab.multitask_settings import MultiTaskSettings
from seqlab.settings import DataSettings, Settings
from seqlab.settings_part import Part

NOT_CONLL = "--columns is for files in the format conll; choose the fields of CoNLL-U with --data.fields.NAME FIELD."
_FLAT = tyro.conf.arg(name="")


def main(arguments: Sequence[str]) -> int:
    """Parses the arguments and trains.

    The recipe, if there is one, is the first argument; the flags after it change its settings.
    """
    if arguments and arguments[0].startswith("-") and any(item.endswith(".py") for item in arguments):
        raise SettingsError("the recipe stands before the flags: seqlab train RECIPE [--a.b value ...].")
    if arguments and not arguments[0].startswith("-"):
        return train_recipe(arguments[0], arguments[1:])
    stored = _resumed(arguments)
    if stored is not None and not isinstance(stored, Settings):
        return TRAINERS[type(stored)](stored, arguments, "train", None)
    return train_settings(Settings(data=DataSettings(train="")), arguments, "train", recipe=None)


def train_recipe(path: str, arguments: Sequence[str]) -> int:
    """Trains as a recipe file says, changed by flags."""
    settings = read_recipe(path)
    return TRAINERS[type(settings)](settings, arguments, Path(path).stem, path)


def train_settings(default: Settings, arguments: Sequence[str], name: str, recipe: str | None = None) -> int:
    """Trains with default settings changed by flags, and prints the scores.

    Args:
        default: The recipe's settings.
        arguments: Flags.
        name: Name of the run's folder where `--run` does not give one: `runs/NAME-date-time`.
        recipe: Path of the recipe, for the help text.
    """
    with_columns = "--columns" in arguments
    default, arguments = _take_columns(default, list(arguments))
    program = f"seqlab train {recipe or '[RECIPE]'}"

    def parsed(
        settings: Annotated[Settings, _FLAT] = default,
        flags: Annotated[RunFlags, _FLAT] = NEITHER,
        strict: Annotated[bool, tyro.conf.arg(help="refuse labels that training has not seen")] = False,
        columns: Annotated[
            list[str], tyro.conf.arg(help="NAME=NUMBER of each column (conll), in place of the recipe's")
        ] = [],  # noqa: B006  (taken out by _take_columns: here for the help text)
    ) -> tuple[Settings, RunFlags, bool]:
        """Trains a tagger. A recipe is a Python file whose `settings()` returns the settings; flags change them."""
        return settings, flags, strict

    settings, flags, strict = tyro.cli(parsed, args=list(arguments), prog=program)
    if with_columns and settings.data.format != "conll":
        raise SettingsError(NOT_CONLL)
    if flags.resume is None and not settings.data.train:
        raise SettingsError("name a recipe (seqlab train RECIPE), a file (--data.train FILE), or a run (--resume RUN).")

    from seqlab.training import run as runs

    if flags.resume is not None:
        stored = runs.stored_settings(flags.resume)
        flags.check(settings == stored or (recipe is None and settings == default))
        settings = stored
    return _train_and_print(settings, flags.folder(name), flags.resume is not None, strict)


def _train_and_print(settings: Settings, folder: Path, resume: bool, strict: bool) -> int:
    """Trains and prints what came of it."""
    from seqlab.training import run as runs

    if settings.data.folds is not None:
        summary = runs.train_folds(settings, folder, resume=resume, strict=strict)
        listed = ", ".join(f"{100 * value:.2f}" for value in summary["folds"])
        print(f"\nF1 of each fold: {listed}\nmean {100 * summary['mean']:.2f}, spread {100 * summary['stdev']:.2f}")
        return 0
    result = runs.train(settings, folder, resume=resume, strict=strict)
    for part, scores in result.scores.items():
        print(f"\n{settings.task} on {part}\n{scores.table()}")
    print(f"\nmodel: {folder / runs.MODEL}")
    return 0


def _take_columns(default: Settings, arguments: list[str]) -> tuple[Settings, list[str]]:
    """Puts the columns of `--columns NAME=NUMBER ...` into the settings; the other flags' names depend on them."""
    given, arguments = cut_out("--columns", arguments)
    if given is None:
        return default, arguments
    if default.data.format != "conll":
        raise SettingsError(NOT_CONLL)
    columns = parse_columns(given)
    task = default.task if default.task in columns else list(columns)[-1]
    values = default.model_dump()
    values["data"]["columns"] = columns
    return Settings(**{**values, "task": task}), arguments


TRAINERS: dict[type[Part], Callable[[Any, Sequence[str], str, str | None], int]] = {
    Settings: train_settings,
    FrameSettings: train_frames,
    MultiTaskSettings: train_multitask,
}
"""Kind of settings to what trains by them, changed by flags."""


def _resumed(arguments: Sequence[str]) -> Part | None:
    """The settings of the run that `--resume RUN` names, whatever their kind: they have different keys."""
    places = [Path(one) for flag, one in zip(arguments, arguments[1:], strict=False) if flag == "--resume"]
    places += [Path(one.partition("=")[2]) for one in arguments if one.startswith("--resume=")]
    file = places[0] / "settings.json" if places else None
    if file is None or not file.is_file():
        return None
    try:
        text = file.read_text("utf-8")
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError(f"it holds {type(found).__name__}, expected an object")
    except ValueError as error:
        raise DataError(
            f"damaged ({error}): the run cannot be resumed. Copy it again, or train anew in another folder.", str(file)
        ) from error
    kind = next((kind for kind in TRAINERS if set(found) <= set(kind.model_fields)), Settings)
    return kind.model_validate_json(text)


def read_recipe(path: str) -> Any:
    """Runs a recipe file and returns what its `settings()` gives; see `read_recipe_file`."""
    return read_recipe_file(path)[0]


def read_recipe_file(path: str) -> tuple[Any, ModuleType]:
    """Runs a recipe file and returns what its `settings()` gives, and the module.

    Raises:
        SettingsError: If there is no such file, or it has no `settings()` that returns settings.
    """
    file = Path(path)
    if not file.is_file():
        near = suggest(file.name, [other.name for other in file.parent.glob("*.py")])
        raise SettingsError(f"{path}: no such recipe; expected a Python file with a settings() function.{near}")
    spec = importlib.util.spec_from_file_location(f"recipe_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise SettingsError(f"{path}: expected a Python file (.py).")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        found = module.settings()
    except Exception as error:  # whatever a recipe does wrong, its name belongs to the message
        raise SettingsError(f"{path}: {type(error).__name__}: {error}") from error
    if type(found) not in TRAINERS:
        kinds = " or ".join(kind.__name__ for kind in TRAINERS)
        raise SettingsError(f"{path}: settings() must return {kinds}, returned {type(found).__name__}.")
    return found, module
