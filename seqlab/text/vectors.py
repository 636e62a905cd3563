"""Word vectors from text files of GloVe, word2vec and fastText, cut to what is wanted while reading."""

from __future__ import annotations

import codecs
import contextlib
import gzip
import itertools
import re
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from io import BufferedReader
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqlab.errors import DataError, SettingsError, suggest

_HEADER = re.compile(rb"(\d+) (\d+)")
_NUMBER = re.compile(rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_LONGEST_LINE = 1 << 20  # bytes: a binary file without line ends must not be read into memory whole
_BLOCK = 500  # rows that are parsed at once


@dataclass(frozen=True, eq=False)
class WordVectors:
    """Words and their vectors, row for row.

    Attributes:
        words: Distinct words, in the order of the file.
        matrix: float32, `(words, dimension)`.
    """

    words: list[str]
    matrix: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.words)

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self.matrix.shape[1])

    @cached_property
    def rows(self) -> dict[str, int]:
        """Word to its row in `matrix`."""
        return {word: row for row, word in enumerate(self.words)}


def read_vectors(
    path: str | PathLike[str],
    words: Collection[str] | Callable[[str], bool] | None = None,
    limit: int | None = None,
    encoding: str = "utf-8",
) -> WordVectors:
    """Reads a text file of word vectors, plain or gzipped, in memory that grows only with what is kept.

    A line is a word, then its numbers, divided by single spaces. A first line of two integers ("rows
    dimension", word2vec and fastText) is the header and never a word. Numbers are counted from the right, so
    a word may hold spaces, but its last part may not be a number. Of a repeated word the first row counts.

    Args:
        path: The file. Compression is recognised by content.
        words: The wanted words, or a function that says whether one is wanted; `None` keeps all.
        limit: Read only the first `limit` rows (files are sorted by frequency); `None` reads all.
        encoding: Of the words; any that contains ASCII.

    Returns:
        The kept words in the order of the file, and their vectors.

    Raises:
        DataError: With file and line, for a row of another width, something that is not a finite number,
            undecodable bytes, a header that disagrees with the rows, a file that is empty, binary or missing.
        SettingsError: If `limit` is below 1.
    """
    if limit is not None and limit < 1:
        raise SettingsError(f"limit must be None or at least 1, received {limit}.")
    reader = _Reader(Path(path), encoding, words)
    try:
        with _open(reader.path) as stream:
            reader.read(_lines(stream, reader.file), limit)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"The gzip data is damaged or cut off ({error}). Fetch it again.", reader.file) from error
    return reader.result()


class _Reader:
    """State of one pass over a file."""

    def __init__(self, path: Path, encoding: str, words: Collection[str] | Callable[[str], bool] | None) -> None:
        self.path = path
        self.file = str(path)
        self.encoding = encoding
        self.predicate = words if callable(words) else None
        # Wanted words are compared as bytes: most rows are then dropped without being decoded.
        self.wanted = None if words is None or callable(words) else set(_encoded(words, encoding))
        self.width = 0
        self.seen: set[bytes] = set()
        self.words: list[str] = []
        self.values = bytearray()  # of float32: grows in place, so the matrix is never held twice
        self.pending: list[tuple[int, bytes]] = []  # line number and numbers of rows not yet parsed

    def read(self, lines: Iterator[tuple[int, bytes]], limit: int | None) -> None:
        """Reads up to `limit` rows."""
        header: tuple[int, int] | None = None
        row = 0
        for number, line in lines:
            if row == 0 and header is None and (found := _HEADER.fullmatch(line)):
                header = int(found[1]), int(found[2])
                continue
            row += 1
            if row == 1:
                self._set_width(number, line, header)
            self._row(number, line)
            if row == limit:
                break
        else:
            if header is not None and header[0] != row:
                raise DataError(
                    f"The header announces {header[0]} rows, the file has {row}. Fetch it again if it was "
                    "cut off, or correct the header.",
                    self.file,
                    1,
                )
        if not row:
            raise DataError("There are no word vectors in this file, expected lines of a word and numbers.", self.file)
        self._flush()

    def result(self) -> WordVectors:
        """Returns what was kept."""
        matrix = np.frombuffer(self.values, np.float32).reshape(len(self.words), self.width)
        return WordVectors(self.words, matrix)

    def _set_width(self, number: int, line: bytes, header: tuple[int, int] | None) -> None:
        fields = line.split(b" ")
        numbers = sum(1 for _ in itertools.takewhile(_is_number, reversed(fields[1:])))
        if not numbers or any(map(_is_number, fields[1 : len(fields) - numbers])):
            raise DataError(
                f"Received {_shown(line)}, expected a word and its finite numbers, divided by single spaces.",
                self.file,
                number,
            )
        if header is not None and header[1] != numbers:
            raise DataError(
                f"The header announces vectors of {header[1]} numbers, the first row has {numbers}. Correct "
                "the header, or fetch the file again.",
                self.file,
                number,
            )
        self.width = numbers

    def _row(self, number: int, line: bytes) -> None:
        if line.count(b" ") == self.width:
            word, _, numbers = line.partition(b" ")
        else:
            word, numbers = self._split_from_right(number, line)
        if (self.wanted is not None and word not in self.wanted) or word in self.seen:
            return
        try:
            text = word.decode(self.encoding)
        except UnicodeDecodeError as error:
            raise DataError(
                f"The word {word!r} is not {self.encoding}. Pass the file's encoding (encoding='latin-1' "
                "takes any byte), or `words` as a set, which skips what cannot be wanted.",
                self.file,
                number,
            ) from error
        if self.predicate is not None and not self.predicate(text):
            return
        self.seen.add(word)
        self.words.append(text)
        self.pending.append((number, numbers))
        if len(self.pending) == _BLOCK:
            self._flush()

    def _split_from_right(self, number: int, line: bytes) -> tuple[bytes, bytes]:
        fields = line.rsplit(b" ", self.width)
        # More numbers than the width are a row too long, not a word that ends in a number.
        if len(fields) != self.width + 1 or _is_number(fields[0].rpartition(b" ")[2]):
            received = len(line.split(b" ")) - 1
            raise DataError(
                f"Received {received} numbers in {_shown(line)}, expected {self.width} as in the rows "
                "before. All vectors of a file must have one width.",
                self.file,
                number,
            )
        return fields[0], line[len(fields[0]) + 1 :]

    def _flush(self) -> None:
        """Parses the pending rows at once, and one by one only to say which of them is wrong."""
        try:
            block = self._parsed(b" ".join(numbers for _, numbers in self.pending))
            good = len(block) == len(self.pending) * self.width and bool(np.isfinite(block).all())
        except ValueError:
            good = False
        if not good:
            raise self._fault()
        self.values += block.tobytes()
        self.pending.clear()

    @staticmethod
    def _parsed(numbers: bytes) -> NDArray[np.float32]:
        # Through Python's floats, so that a value beyond float32 becomes infinite without a warning.
        with np.errstate(over="ignore"):
            return np.fromiter(map(float, numbers.split()), np.float64).astype(np.float32)

    def _fault(self) -> DataError:
        number, field = next(
            (number, field)
            for number, numbers in self.pending
            for field in numbers.split(b" ")
            if not _is_number(field) or not np.isfinite(self._parsed(field)).all()
        )
        return DataError(
            f"Received {_shown(field)}, expected a finite number. Fetch the file again, or take the row out.",
            self.file,
            number,
        )


def _open(path: Path) -> BufferedReader | gzip.GzipFile:
    if not path.is_file():
        siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        what = "This is a folder" if path.is_dir() else "There is no such file"
        raise DataError(f"{what}, expected a text file of word vectors.{suggest(path.name, siblings)}", str(path))
    with open(path, "rb") as stream:
        start = stream.read(2)
    if start == b"PK":
        raise DataError("This is a zip archive. Unpack it, and pass the text file inside.", str(path))
    return gzip.open(path, "rb") if start == b"\x1f\x8b" else open(path, "rb")


def _lines(stream: BufferedReader | gzip.GzipFile, file: str) -> Iterator[tuple[int, bytes]]:
    """Yields the number and the content of each line that is not blank."""
    number = 0
    while line := stream.readline(_LONGEST_LINE):
        number += 1
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if b"\0" in line or len(line) == _LONGEST_LINE:
            raise DataError(
                "This looks like a binary file, expected text: a word and its numbers on each line. Convert "
                "it first (word2vec and fastText can save as text).",
                file,
                number,
            )
        if line := line.rstrip(b" \r\n"):
            yield number, line


def _is_number(field: bytes) -> bool:
    return _NUMBER.fullmatch(field) is not None


def _encoded(words: Collection[str], encoding: str) -> Iterator[bytes]:
    for word in words:
        with contextlib.suppress(UnicodeEncodeError):  # what an encoding cannot express is in no file of it
            yield word.encode(encoding)


def _shown(data: bytes) -> str:
    text = data.decode("utf-8", errors="backslashreplace")
    return repr(text if len(text) <= 60 else text[:57] + "...")
