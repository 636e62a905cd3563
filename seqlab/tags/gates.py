"""What the words of a sentence decide: at which tokens an expansion's states are open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from seqlab.errors import DataError, SettingsError
from seqlab.tags.constraints import Table


@dataclass(frozen=True, slots=True)
class Entries:
    """A list of word sequences.

    Attributes:
        entries: The sequences.
        lengths: Their different lengths in order of size.
    """

    entries: frozenset[tuple[str, ...]]
    lengths: tuple[int, ...]

    def table(self, words: Sequence[str]) -> Table:
        """Returns Boolean (words, longest + 1): whether an entry of n words begins at a word; true at n = 0."""
        found = np.zeros((len(words), self.lengths[-1] + 1), bool)
        found[:, 0] = True
        for i in range(len(words)):
            for n in self.lengths:
                found[i, n] = i + n <= len(words) and tuple(words[i : i + n]) in self.entries
        return found

    def get_config(self) -> list[list[str]]:
        """Returns the sequences in order."""
        return sorted(map(list, self.entries))


@dataclass(frozen=True, eq=False)
class Gate:
    """Opens states at those tokens where the words allow them.

    Attributes:
        entries: What is looked up for a sentence.
        columns: For each state, the column of the entries' table that must be true.
    """

    entries: Entries
    columns: NDArray[np.intp]

    def get_config(self) -> dict[str, Any]:
        """Returns what `from_config` needs, in types that JSON has."""
        return {"entries": self.entries.get_config(), "columns": self.columns.tolist()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Rebuilds a gate from `get_config()`."""
        if set(config) != {"entries", "columns"}:
            raise SettingsError(f"A gate has the keys entries and columns; received {list(config)}.")
        return cls(entries_of(config["entries"]), np.asarray(config["columns"], np.intp))


def entries_of(entries: Iterable[Sequence[str]]) -> Entries:
    """Checks a list of word sequences.

    Raises:
        DataError: An entry has no word, or is a string; there is no entry.
    """
    if isinstance(entries, str):
        raise SettingsError(f"entries is the string {entries!r}; expected a list of lists of words.")
    found = set()
    for entry in entries:
        if isinstance(entry, str):
            raise DataError(f"The entry {entry!r} is a string; expected its words, such as {entry.split()!r}.")
        if not entry:
            raise DataError("An entry has no word; expected one or more.")
        found.add(tuple(entry))
    if not found:
        raise DataError("The list has no entry. To allow no span of the type at all, leave its tags out.")
    return Entries(frozenset(found), tuple(sorted({len(entry) for entry in found})))
