"""Data sets and the files that they are made of: sizes and checksums, compared with what a folder holds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from seqlab.errors import SettingsError

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


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the catalogue.

    Args:
        name: Key in `CATALOGUE` and on the command line of `scripts/prepare_data.py`.
        title: The name people use.
        source: Who distributes it and where.
        licence: Terms of use, in short.
        variants: Alternative sets of files; one complete set is enough.
        arrange: Source file -> name that `scripts/prepare_data.py` gives its copy.
        note: What a reader of the files must know.
    """

    name: str
    title: str
    source: str
    licence: str
    variants: Mapping[str, tuple[File, ...]]
    arrange: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    @property
    def prepare(self) -> str:
        """The command that verifies and prepares it."""
        return f"python scripts/prepare_data.py {self.name} FOLDER"

    @property
    def files(self) -> tuple[File, ...]:
        """The files of all variants."""
        return tuple(file for files in self.variants.values() for file in files)

    def splits(self, data: str | Path) -> dict[str, str]:
        """Where its "train", "dev" and "test" files are in the folder of all data sets.

        A path is that of the file as distributed where it is there, else of the copy that `prepare` makes.

        Raises:
            SettingsError: If this is no data set with a training and a test file.
        """
        found = {}
        for given, copy in self.arrange.items():
            places = (Path(data, self.name, given), Path(data, self.name, copy))
            found[Path(copy).stem.split("-")[-1]] = str(next((path for path in places if path.is_file()), places[1]))
        if not {"train", "test"} <= found.keys():
            raise SettingsError(
                f"{self.name} has no training and test files to be read as they are. Expected a data set that has, "
                "such as conll2000."
            )
        return found


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
