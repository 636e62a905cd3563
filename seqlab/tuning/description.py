"""What a search is about besides its space, so that who goes on with it, or shares it, can be held against it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seqlab import studies
from seqlab.settings_part import Part

SHOWN = 40  # letters of a value in a message
FILES = (
    "data.train",
    "data.dev",
    "data.test",
    "data.path",
    "words.vectors",
    "contextual.file",
    "contextual.fine_tune",
    "contextual.producer",
    "distill.teacher",
    "rules.only_listed",
)
"""The settings that name files or folders; what else looks like a path is none."""
MISSING = "no such file: "


def described(settings: Part, executions: int, compiled: bool) -> dict[str, Any]:
    """Returns what `search.json` holds: these, and the backend, on which the same seed gives other weights.

    Args:
        settings: The recipe's settings.
        executions: Trainings of each trial.
        compiled: Whether trials run as compiled epochs, whose seconds are not comparable with others'.
    """
    import keras

    found = {"settings": settings.model_dump(mode="json"), "executions": executions, "compiled": compiled}
    return found | {"backend": keras.backend.backend()}


def told(search: dict[str, Any], objective: studies.Objective) -> str:
    """Writes a description for another machine, where the same files may be at other places.

    Settings that name a file (`FILES`) hold its checksum instead, those that name a folder one of its files' names and
    sizes, and those that name neither say so.

    Args:
        search: What `described` returns.
        objective: The figure.
    """
    found = flags(search) | {"objective": objective.name, "direction": objective.direction}
    return json.dumps({name: _told(name, value) for name, value in found.items()})


def missing(found: dict[str, Any]) -> list[str]:
    """Names what a description (`told`) lacks of the files that its settings name.

    >>> missing({"data.train": "no such file: a.conll", "seed": 1})
    ['data.train']
    """
    return [name for name, value in found.items() if isinstance(value, str) and MISSING in value and _is_file(name)]


def flags(search: dict[str, Any]) -> dict[str, Any]:
    """Returns what a description (`described`) holds by the names of the command line's flags."""
    return {**_flat(search["settings"]), **{name: value for name, value in search.items() if name != "settings"}}


def differences(there: dict[str, Any], here: dict[str, Any], word: str = "here") -> list[str]:
    """Names what two descriptions by their flags (`flags`, `told`) differ in, with both values.

    >>> differences({"seed": 1, "executions": 2}, {"seed": 1, "executions": 3})
    ['executions 2, here 3']
    """
    pairs = there, here
    names = sorted({name for found in pairs for name in found})
    return [
        f"{name} {f', {word} '.join(_short(found.get(name)) for found in pairs)}"
        for name in names
        if pairs[0].get(name) != pairs[1].get(name)
    ]


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Settings by their flags, as `training.epochs`."""
    if isinstance(value, dict) and value:
        parts: Iterator[tuple[Any, Any]] = iter(value.items())
    elif isinstance(value, list) and value:
        parts = iter(enumerate(value))
    else:
        return {prefix: value}
    start = f"{prefix}." if prefix else ""
    return {name: leaf for key, part in parts for name, leaf in _flat(part, f"{start}{key}").items()}


def _is_file(flag: str) -> bool:
    """Whether a flag names a file, as `data.train`, `tasks.1.data.train` and `rules.only_listed.0` do."""
    return ".".join([part for part in flag.split(".") if not part.isdigit()][-2:]) in FILES


def _told(flag: str, value: Any) -> Any:
    if not isinstance(value, str) or not _is_file(flag):
        return value
    kind, mark, path = value.partition("=") if "only_listed" in flag else ("", "", value)
    return f"{kind}{mark}{_content(path)}"


def _content(text: str) -> str:
    path = Path(text)
    if path.is_file():
        with path.open("rb") as stream:
            return f"a file of SHA-256 {hashlib.file_digest(stream, 'sha256').hexdigest()}"
    if path.is_dir():
        files = (item for item in sorted(path.rglob("[!.]*")) if item.is_file())
        listed = "\n".join(f"{item.relative_to(path).as_posix()} {item.stat().st_size}" for item in files)
        return f"a folder of SHA-256 {hashlib.sha256(listed.encode()).hexdigest()}"
    return f"{MISSING}{text}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
