"""Piano rolls in JSON: pieces of music as sequences of the keys that sound at each step."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqlab.corpora.files import read_lines
from seqlab.errors import DataError, suggest

LOWEST, HIGHEST = 21, 108
KEYS = HIGHEST - LOWEST + 1
PARTS = ("train", "valid", "test")


@dataclass(frozen=True, slots=True)
class PianoRolls:
    """A data set of pieces, each an array (steps, 88) of 0 and 1; column 0 is MIDI pitch 21.

    Attributes:
        train: Pieces to learn from.
        valid: Pieces to choose by.
        test: Pieces to report on.
    """

    train: tuple[np.ndarray, ...]
    valid: tuple[np.ndarray, ...]
    test: tuple[np.ndarray, ...]


def piano_rolls(path: str | os.PathLike[str]) -> PianoRolls:
    """Reads piano rolls such as those of JSB Chorales, from JSON, plain or gzip.

    The file is an object of the parts "train", "valid" and "test"; a part is a list of pieces, a piece a list of steps,
    a step the list of MIDI pitches (21 to 108, the keys of a piano) that sound, empty where none does.

    Args:
        path: The file.

    Raises:
        DataError: The file cannot be read, is no JSON, or something in it is not as above; the message names the part,
            piece and step, counted from 1.
    """
    file = os.fspath(path)
    try:
        content = json.loads("\n".join(read_lines(path)))
    except json.JSONDecodeError as error:
        raise DataError(
            f"Not JSON ({error.msg}, column {error.colno}): expected piano rolls in JSON. Pickled copies are not read; "
            "convert them first.",
            file,
            error.lineno,
        ) from None
    except RecursionError:
        raise DataError("Nested too deeply: expected parts of pieces of steps of pitches.", file) from None
    if not isinstance(content, dict):
        raise DataError(f"Holds {_kind(content)}; expected an object of the parts {', '.join(PARTS)}.", file)
    for name in content:
        if name not in PARTS:
            raise DataError(f"Unknown part {name!r}; expected {', '.join(PARTS)}.{suggest(name, PARTS)}", file)
    for name in PARTS:
        if name not in content:
            raise DataError(f"The part {name!r} is missing; there are {', '.join(content) or 'none'}.", file)
    return PianoRolls(*(tuple(_pieces(content[name], name, file)) for name in PARTS))


def next_steps(piece: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The inputs and targets of next-step prediction: all steps but the last, and all but the first.

    >>> inputs, targets = next_steps(np.eye(3))
    >>> len(inputs), targets[0].tolist()
    (2, [0.0, 1.0, 0.0])
    """
    return piece[:-1], piece[1:]


def _pieces(part: Any, name: str, file: str) -> Iterator[np.ndarray]:
    if not isinstance(part, list) or not part:
        raise DataError(f"{name} holds {_kind(part)}; expected a list of at least one piece.", file)
    for number, piece in enumerate(part, 1):
        place = f"{name}, piece {number}"
        if not isinstance(piece, list) or len(piece) < 2:
            raise DataError(f"{place} is {_kind(piece)}; expected a list of at least two steps.", file)
        roll = np.zeros((len(piece), KEYS), "uint8")
        for step, pitches in enumerate(piece):
            roll[step, _keys(pitches, f"{place}, step {step + 1}", file)] = 1
        yield roll


def _keys(pitches: Any, place: str, file: str) -> list[int]:
    if not isinstance(pitches, list):
        raise DataError(f"{place} is {_kind(pitches)}; expected a list of pitches, [] for silence.", file)
    for pitch in pitches:
        if isinstance(pitch, bool) or not isinstance(pitch, int) or not LOWEST <= pitch <= HIGHEST:
            raise DataError(
                f"{place} has the pitch {json.dumps(pitch)[:40]}; expected whole numbers from {LOWEST} to {HIGHEST}, "
                "the MIDI pitches of a piano's keys.",
                file,
            )
    return [pitch - LOWEST for pitch in pitches]


def _kind(value: Any) -> str:
    if isinstance(value, list):
        return "an empty list" if not value else f"a list of {len(value)}"
    names = {dict: "an object", str: "a string", bool: "a truth value", int: "a number", float: "a number"}
    return names.get(type(value), "null")
