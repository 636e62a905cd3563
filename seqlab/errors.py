"""Errors that seqlab raises on purpose: each says what was received, what was expected and what to do."""

from __future__ import annotations

import codecs
import difflib
import numbers
from collections.abc import Iterable


class SeqlabError(Exception):
    """Base of every error that seqlab raises on purpose."""


class DataError(SeqlabError, ValueError):
    """Input data that cannot be read as asked.

    Args:
        message: What was received, what was expected, what to do.
        file: The file it was found in, where there is one.
        line: The 1-based line in that file, where there is one.
    """

    def __init__(self, message: str, file: str = "", line: int | None = None) -> None:
        self.file = file
        self.line = line
        place = f"{file}:{line}: " if file and line is not None else f"{file}: " if file else ""
        super().__init__(place + message)


class SettingsError(SeqlabError, ValueError):
    """A setting, recipe key or name that does not exist or has a value out of range."""


class ModelFileError(SeqlabError, ValueError):
    """A model file that is missing, damaged or not one of seqlab's."""


def suggest(name: str, known: Iterable[str]) -> str:
    """Returns `" Did you mean 'x'?"` for the nearest known name, or an empty string.

    >>> suggest("iob22", ["iob1", "iob2"])
    " Did you mean 'iob2'?"
    """
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def check_count(name: str, value: object) -> None:
    """Refuses what is no whole number of at least 1.

    >>> check_count("units", 2.5)
    Traceback (most recent call last):
    seqlab.errors.SettingsError: `units` must be a whole number of at least 1. Received: units=2.5.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise SettingsError(f"`{name}` must be a whole number of at least 1. Received: {name}={value!r}.")


def check_encoding(name: str, encoding: str) -> None:
    """Refuses what is no text encoding, or one in which ASCII is written otherwise: bytes are split at blanks.

    >>> check_encoding("encoding", "latin1")
    >>> check_encoding("encoding", "utf-16")
    Traceback (most recent call last):
    seqlab.errors.SettingsError: `encoding` must be a text encoding that contains ASCII, as latin-1. Received: 'utf-16'.
    """
    try:
        codecs.lookup(encoding)
        fits = " 1\n".encode(encoding) == b" 1\n"
    except (LookupError, ValueError):
        fits = False
    if not fits:
        raise SettingsError(
            f"`{name}` must be a text encoding that contains ASCII, as latin-1. Received: {encoding!r}."
        )
