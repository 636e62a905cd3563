"""The folder of a run: what it holds, when it may be opened, and what must be as it was when a run goes on."""

from __future__ import annotations

import importlib.metadata
import json
import logging
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import keras

from seqlab.errors import DataError, SettingsError
from seqlab.files import write_text
from seqlab.settings_part import Part
from seqlab.training.state import RunState

log = logging.getLogger(__name__)
SETTINGS, VERSIONS, HISTORY, SCORES = "settings.json", "versions.json", "history.jsonl", "scores.json"
MODEL, STATE, TIMES = "model.keras", "state.npz", "times.jsonl"
WRITTEN = (SETTINGS, VERSIONS, HISTORY, SCORES, MODEL, STATE, TIMES, "coverage.json", "snapshot.keras")

Kind = TypeVar("Kind", bound=Part)


def open_folder(settings: Part, folder: Path, resume: bool, data: Mapping[str, str], verb: str = "train") -> None:
    """Writes the settings and facts of a new run, or holds those of an old one against them.

    Args:
        settings: The run's settings, with a `seed`.
        folder: Its folder.
        resume: Whether a run in it goes on.
        data: Checksum of each file that the run reads.
        verb: The command that makes such runs, for errors.

    Raises:
        SettingsError: If the folder holds another run, or one with other settings or of another backend.
        DataError: If its data changed.
    """
    stored = folder / SETTINGS
    facts = {
        "seed": getattr(settings, "seed", None),
        "backend": keras.backend.backend(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in ("seqlab", "keras", "tensorflow", "jax", "torch", "numpy")},
        "data": dict(data),
    }
    begun = any(folder.glob(f"**/{STATE}")) or (folder / SCORES).exists()
    if not stored.exists() or not (begun or resume):  # a start that failed before its first epoch leaves no run
        write_text(folder / VERSIONS, json.dumps(facts, indent=1) + "\n")
        write_text(stored, settings.model_dump_json(indent=1) + "\n")
        return
    if not resume:
        raise SettingsError(
            f"{folder} already holds a run: resume it (seqlab {verb} --resume {folder}) or name another folder."
        )
    if type(settings).model_validate_json(stored.read_text("utf-8")) != settings:
        raise SettingsError(f"{folder} holds a run with other settings ({stored}); a resumed run keeps its settings.")
    before = json.loads((folder / VERSIONS).read_text("utf-8"))
    changed = [path for path, value in before["data"].items() if data.get(path) != value]
    if changed:
        raise DataError(f"{folder} was trained on other data: {', '.join(changed)} changed since. Start a new run.")
    if before["backend"] != facts["backend"]:
        raise SettingsError(
            f"{folder} was trained on the {before['backend']} backend, this is {facts['backend']}: set "
            f"KERAS_BACKEND={before['backend']} to end where an unbroken run would."
        )
    if before["packages"] != facts["packages"]:
        log.warning("Other package versions than those of the run (%s): it may end differently.", folder / VERSIONS)
    clean(folder)


def clean(folder: Path) -> None:
    """Removes temporary files that a kill in the middle of a save has left."""
    for name in WRITTEN:
        for leftover in folder.glob(f".{Path(name).stem}-*"):
            leftover.unlink()


def write_history(folder: Path, state: RunState) -> None:
    """Writes a line for each epoch so far."""
    write_text(folder / HISTORY, "".join(json.dumps(row) + "\n" for row in state.history))


def stored_settings(folder: Path, kind: type[Kind], verb: str = "train") -> Kind:
    """Returns the settings of a run's folder, which are of the given kind.

    Raises:
        SettingsError: If there are none, or some that this version does not take.
    """
    text = stored_text(folder, verb)
    try:
        return kind.model_validate_json(text)
    except SettingsError as error:
        raise SettingsError(
            f"{folder / SETTINGS}: {error} The run is of another version of seqlab, or the file was changed: begin it "
            "anew in another folder."
        ) from error


def stored_text(folder: Path, verb: str = "train") -> str:
    """Returns the settings of a run's folder as they stand in their file.

    Raises:
        SettingsError: If there is no such file.
    """
    path = folder / SETTINGS
    if not path.is_file():
        raise SettingsError(
            f"{folder} holds no run ({SETTINGS} is missing); expected a folder that seqlab {verb} wrote."
        )
    return path.read_text("utf-8")


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
