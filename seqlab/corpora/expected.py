"""Expected files: their sizes and checksums, compared with what a folder holds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

State = Literal["verified", "unchecked", "missing", "wrong"]


@dataclass(frozen=True, slots=True)
class File:
    """A file that a data set is made of.

    Args:
        name: Path below the data set's folder, or a pattern such as `*.xml`; letter case is not compared.
        size: Bytes, or None where we could not confirm it.
        sha256: Checksum, or None where we could not compute it from a copy of the file.
        count: How many files the pattern must match; None for at least one.
    """

    name: str
    size: int | None = None
    sha256: str | None = None
    count: int | None = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one expected file.

    Args:
        file: What was expected.
        state: "unchecked" is there and has no known checksum; "missing" and "wrong" are the bad states.
        detail: What was received and expected.
    """

    file: File
    state: State
    detail: str

    @property
    def bad(self) -> bool:
        """Whether the file is missing or wrong."""
        return self.state in ("missing", "wrong")

    def __str__(self) -> str:
        """One line for a report."""
        return f"{self.state:<9} {self.file.name}: {self.detail}"


def find(file: File, paths: Mapping[str, Path]) -> Finding:
    """Compares one expected file with the files of a folder.

    Args:
        file: What is expected.
        paths: Lower-cased path below the folder -> file.
    """
    pattern = file.name.lower()
    matches = [path for name, path in paths.items() if fnmatchcase(name, pattern)]
    if not matches:
        return Finding(file, "missing", "not found")
    if file.count != 1:
        expected = "" if file.count is None else f", expected {file.count:,}"
        state: State = "unchecked" if file.count in (None, len(matches)) else "wrong"
        return Finding(file, state, f"{len(matches):,} files{expected}")
    size = matches[0].stat().st_size
    if file.size is not None and size != file.size:
        return Finding(file, "wrong", f"{size:,} bytes, expected {file.size:,}")
    if file.sha256 is None:
        return Finding(file, "unchecked", f"{size:,} bytes, no checksum known")
    with matches[0].open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != file.sha256:
        return Finding(file, "wrong", f"sha256 {digest}, expected {file.sha256}")
    return Finding(file, "verified", f"{size:,} bytes, sha256 {digest}")
