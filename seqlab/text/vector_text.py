"""Word vectors as text: GloVe, word2vec's text format, fastText's `.vec`."""

from __future__ import annotations

import codecs
import itertools
import logging
import re
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from seqlab.errors import DataError
from seqlab.text.vector_rows import Rows, shown

log = logging.getLogger(__name__)
HEADER = re.compile(rb"(\d+) (\d+)")
_NUMBER = re.compile(rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_LONGEST_LINE = 1 << 20  # bytes: a binary file without line ends must not be read into memory whole
_BLOCK = 500  # rows that are parsed at once


class TextReader:
    """One pass over a text file.

    A line is a word, then its numbers, divided by single spaces. A first line of two integers ("rows dimension") is
    the header and never a word. Numbers are counted from the right, so a word may hold spaces, but its last part may
    not be a number.

    Args:
        rows: Takes what is wanted.
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.file = rows.file
        self.width = 0
        self.pending: list[tuple[int, bytes, bool]] = []  # rows not yet parsed: line, numbers, whether to keep them

    def read(self, stream: BinaryIO, limit: int | None) -> int:
        """Reads up to `limit` rows and returns the width of the vectors."""
        header: tuple[int, int] | None = None
        row = 0
        for number, line in _lines(stream, self.file):
            if row == 0 and header is None and (found := HEADER.fullmatch(line)):
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
        return self.width

    def _set_width(self, number: int, line: bytes, header: tuple[int, int] | None) -> None:
        fields = line.split(b" ")
        numbers = sum(1 for _ in itertools.takewhile(is_number, reversed(fields[1:])))
        if not numbers or any(map(is_number, fields[1 : len(fields) - numbers])):
            raise DataError(
                f"Received {shown(line)}, expected a word and its finite numbers, divided by single spaces.",
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
        taken = self.rows.takes(word, line=number)
        if taken or self.rows.every:
            self.pending.append((number, numbers, taken))
            if len(self.pending) == _BLOCK:
                self._flush()

    def _split_from_right(self, number: int, line: bytes) -> tuple[bytes, bytes]:
        fields = line.rsplit(b" ", self.width)
        # More numbers than the width are a row too long, not a word that ends in a number.
        if len(fields) != self.width + 1 or is_number(fields[0].rpartition(b" ")[2]):
            received = len(line.split(b" ")) - 1
            raise DataError(
                f"Received {received} numbers in {shown(line)}, expected {self.width} as in the rows "
                "before. All vectors of a file must have one width; a last line that is too short was cut off.",
                self.file,
                number,
            )
        return fields[0], line[len(fields[0]) + 1 :]

    def _flush(self) -> None:
        """Parses the pending rows at once, and one by one only to say which of them is wrong."""
        try:
            block = _parsed(b" ".join(numbers for _, numbers, _ in self.pending))
            good = len(block) == len(self.pending) * self.width and bool(np.isfinite(block).all())
        except ValueError:
            good = False
        if not good:
            raise self._fault()
        self.rows.add(block.reshape(-1, self.width), [taken for _, _, taken in self.pending])
        self.pending.clear()

    def _fault(self) -> DataError:
        number, field = next(
            (number, field)
            for number, numbers, _ in self.pending
            for field in numbers.split(b" ")
            if not is_number(field) or not np.isfinite(_parsed(field)).all()
        )
        return DataError(
            f"Received {shown(field)}, expected a finite number. Fetch the file again, or take the row out.",
            self.file,
            number,
        )


def is_number(field: bytes) -> bool:
    """Whether a field is a number as these files write it."""
    return _NUMBER.fullmatch(field) is not None


def _parsed(numbers: bytes) -> NDArray[np.float32]:
    # Through Python's floats, so that a value beyond float32 becomes infinite without a warning.
    with np.errstate(over="ignore"):
        return np.fromiter(map(float, numbers.split()), np.float64).astype(np.float32)


def _lines(stream: BinaryIO, file: str) -> Iterator[tuple[int, bytes]]:
    """Yields the number and the content of each line that is not blank; warns of a last one that may be cut off."""
    number, ended = 0, True
    while line := stream.readline(_LONGEST_LINE):
        number += 1
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if b"\0" in line or len(line) == _LONGEST_LINE:
            raise DataError(
                "This looks like a binary file, expected text (a word and its numbers on each line) or word2vec's "
                "binary format, which begins with a line 'rows dimension'. Convert it first.",
                file,
                number,
            )
        ended = line.endswith(b"\n")
        if line := line.rstrip(b" \r\n"):
            yield number, line
    if not ended:
        log.warning(
            "%s:%d: The last line has no end. Should the file have been cut off there, the last number lacks digits "
            "and rows may be missing: compare its size with that of the original, or add the line's end.",
            file,
            number,
        )
