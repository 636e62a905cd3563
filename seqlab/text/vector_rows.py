"""Which rows of a word-vector file are kept, whatever its format."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

from seqlab.errors import DataError

log = logging.getLogger(__name__)
_ENCODING = (
    "Pass the file's encoding (--words.encoding of seqlab train, --vector-encoding of check, encoding= in Python): "
    "latin-1 takes any byte."
)
_PASSING = (
    " Or read the vectors of your data's words alone, which passes over such rows (--words.unseen-vectors 0 of seqlab "
    "train, `words` as a set in Python)."
)

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
        self.wanted = wanted if wanted is None or callable(wanted) else set(wanted).__contains__
        # What is not text of the encoding is none of the wanted words, but who says which rows are wanted must see it.
        self.lenient = not (every or wanted is None or callable(wanted))
        self.undecodable = 0  # rows that were passed over
        self.first: str | None = None  # of them
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
            DataError: If the word cannot be decoded, unless certain words are wanted, which it is none of.
        """
        self.count += 1
        if word in self.seen:
            return False
        try:
            text = word.decode(self.encoding)
        except UnicodeDecodeError as error:
            self._pass_over(word, row, line, error)
            return False
        if self.wanted is not None and not self.wanted(text):
            return False
        self.seen.add(word)
        self.words.append(text)
        return True

    def add(self, block: NDArray[np.float32], taken: list[bool]) -> None:
        """Adds the vectors of the rows that were taken, of a block of rows that were looked at."""
        self.values += (block if all(taken) else block[taken]).tobytes()

    def warn(self) -> None:
        """Tells of the rows that were passed over since their words could not be decoded."""
        if self.first is not None:
            log.warning(
                "%s; rows passed over for this reason: %s of %s, in which wanted words may be. %s",
                self.first,
                f"{self.undecodable:,}",
                f"{self.count:,}",
                _ENCODING,
            )

    def matrix(self, width: int) -> NDArray[np.float32]:
        """Returns the vectors, `(words, width)`."""
        return np.frombuffer(self.values, np.float32).reshape(len(self.words), width)

    def _pass_over(self, word: bytes, row: int | None, line: int | None, error: UnicodeDecodeError) -> None:
        """Counts a word that cannot be decoded, and notes the first; where all words must be known it is an error."""
        place = "" if row is None else f"Row {row}: "
        what = f"{place}The word {shown(word)} is not {self.encoding}"
        if not self.lenient:
            rest = "" if self.every else _PASSING
            width = "" if row is None else " Or the header announces another width than the rows have."
            raise DataError(f"{what}. {_ENCODING}{rest}{width}", self.file, line) from error
        if self.first is None:
            self.first = f"{self.file}:{line}: {what}" if row is None else f"{self.file}: {what}"
        self.undecodable += 1


def shown(data: bytes) -> str:
    """A piece of a file as it can stand in an error."""
    text = data.decode("utf-8", errors="backslashreplace")
    return repr(text if len(text) <= 60 else text[:57] + "...")
