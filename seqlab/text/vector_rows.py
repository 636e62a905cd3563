"""Which rows of a word-vector file are kept, whatever its format."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator

import numpy as np
from numpy.typing import NDArray

from seqlab.errors import DataError

Wanted = Collection[str] | Callable[[str], bool] | None
"""Words, or a function that says whether one is wanted, or `None` for all."""


class Rows:
    """The rows kept so far: of a repeated word the first.

    Args:
        file: The file's name, for errors.
        wanted: What to keep.
        encoding: Of the words.
        every: Whether the numbers of rows that are not kept are looked at, too.
    """

    def __init__(self, file: str, wanted: Wanted, encoding: str, every: bool = False) -> None:
        self.file = file
        self.encoding = encoding
        self.every = every
        self.count = 0  # of all rows so far
        self.predicate = wanted if callable(wanted) else None
        # Wanted words are compared as bytes: most rows are then dropped without being decoded, unless all are examined.
        self.wanted = None if wanted is None or callable(wanted) else set(_encoded(wanted, encoding))
        self.seen: set[bytes] = set()
        self.words: list[str] = []
        self.values = bytearray()  # of float32: grows in place, so the matrix is never held twice

    def takes(self, word: bytes, row: int | None = None, line: int | None = None) -> bool:
        """Keeps the word if it is wanted and new; its vector is then to be added to `values`.

        Args:
            word: The word as it stands in the file.
            row: The row's number from 1, for errors, in a file without lines.
            line: The line's number, for errors.

        Raises:
            DataError: If the word cannot be decoded, and is wanted or every row is examined.
        """
        self.count += 1
        unwanted = self.wanted is not None and word not in self.wanted
        if (unwanted and not self.every) or word in self.seen:
            return False
        try:
            text = word.decode(self.encoding)
        except UnicodeDecodeError as error:
            place = "" if row is None else f"Row {row}: "
            raise DataError(
                f"{place}The word {shown(word)} is not {self.encoding}. Pass the file's encoding: "
                "encoding='latin-1' takes any byte (--words.encoding of seqlab train, --vector-encoding of check). Or "
                "pass `words` as a set, which skips what cannot be wanted."
                + ("" if row is None else " Or the header announces another width than the rows have."),
                self.file,
                line,
            ) from error
        if unwanted or self.predicate is not None and not self.predicate(text):
            return False
        self.seen.add(word)
        self.words.append(text)
        return True

    def add(self, block: NDArray[np.float32], taken: list[bool]) -> None:
        """Adds the vectors of the rows that were taken, of a block of rows that were looked at."""
        self.values += (block if all(taken) else block[taken]).tobytes()

    def matrix(self, width: int) -> NDArray[np.float32]:
        """Returns the vectors, `(words, width)`."""
        return np.frombuffer(self.values, np.float32).reshape(len(self.words), width)


def shown(data: bytes) -> str:
    """A piece of a file as it can stand in an error."""
    text = data.decode("utf-8", errors="backslashreplace")
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _encoded(words: Collection[str], encoding: str) -> Iterator[bytes]:
    for word in words:
        with contextlib.suppress(UnicodeEncodeError):  # what an encoding cannot express is in no file of it
            yield word.encode(encoding)
