"""Word vectors in word2vec's binary format."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from seqlab.errors import DataError
from seqlab.text.vector_rows import Rows, shown
from seqlab.text.vector_text import HEADER, is_number

FASTTEXT = (793_712_314).to_bytes(4, "little")  # the first bytes of fastText's own .bin
_CHUNK = 1 << 20  # bytes read at once
_LONGEST_WORD = 4096  # bytes
_BLOCK = 4096  # rows whose numbers are looked at together


def is_binary(start: bytes) -> bool:
    """Whether the first bytes of a file are word2vec's binary format: a header of text, then numbers that are none."""
    line, end, rest = start.partition(b"\n")
    header = HEADER.fullmatch(line.rstrip())
    if header is None or not end:
        return False
    row = rest.partition(b"\n")[0].rstrip().split(b" ")
    if len(row) > 1 and is_number(row[-1]):
        return False
    numbers = rest.partition(b" ")[2][: 4 * int(header[2])]
    return any(byte < 0x20 and byte not in b"\t\r\n" or byte >= 0x7F for byte in numbers)


class BinaryReader:
    """One pass over a binary file: a line `rows dimension`, then for each word its bytes, a blank and float32 numbers.

    Numbers are little-endian; a line end after them, which some programs write, is passed over.

    Args:
        rows: Takes what is wanted.
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.file = rows.file
        self.buffer = b""
        self.place = 0  # of the next byte in the buffer
        self.block = bytearray()  # numbers that are not known to be finite yet
        self.pending: list[tuple[int, bytes, bool]] = []  # their rows: number, word, whether to keep them

    def read(self, stream: BinaryIO, limit: int | None) -> int:
        """Reads up to `limit` rows and returns the width of the vectors."""
        header = HEADER.fullmatch(stream.readline(_LONGEST_WORD).rstrip())
        if header is None or not int(header[1]) or not int(header[2]):
            raise DataError("Expected a first line 'rows dimension' of two numbers above 0.", self.file, 1)
        count, width = int(header[1]), int(header[2])
        for row in range(1, min(count, limit or count) + 1):
            word = self._word(stream, row, count)
            if not self._has(stream, 4 * width):
                raise self._cut(row, count, f"only {len(self.buffer) - self.place} of {4 * width} bytes of numbers")
            taken = self.rows.takes(word, row=row)
            if taken or self.rows.every:
                self.block += self.buffer[self.place : self.place + 4 * width]
                self.pending.append((row, word, taken))
                if len(self.pending) == _BLOCK:
                    self._check(width)
            self.place += 4 * width
        self._check(width)
        if limit is None or limit >= count:
            self._end(stream, count, width)
        return width

    def _word(self, stream: BinaryIO, row: int, count: int) -> bytes:
        while (end := self.buffer.find(b" ", self.place)) < 0:
            if len(self.buffer) - self.place > _LONGEST_WORD or not self._more(stream):
                break
        if 0 <= end <= self.place + _LONGEST_WORD:
            word = self.buffer[self.place : end].lstrip(b"\n")
            if b"\n" not in word:
                self.place = end + 1
                return word
        if len(self.buffer) - self.place <= _LONGEST_WORD and end < 0:
            raise self._cut(row, count, "no word with a blank after it")
        raise DataError(
            f"Row {row}: there is no word where one should begin, received {shown(self.buffer[self.place :][:20])}. "
            "The header announces another width than the rows have, or the file is damaged: fetch it again.",
            self.file,
        )

    def _has(self, stream: BinaryIO, size: int) -> bool:
        while len(self.buffer) - self.place < size:
            if not self._more(stream):
                return False
        return True

    def _more(self, stream: BinaryIO) -> bool:
        chunk = stream.read(_CHUNK)
        self.buffer = self.buffer[self.place :] + chunk
        self.place = 0
        return bool(chunk)

    def _check(self, width: int) -> None:
        """Looks for numbers that are none in the rows since the last look, and keeps what is to be kept."""
        block = np.frombuffer(self.block, "<f4").reshape(-1, width)
        bad = np.flatnonzero(~np.isfinite(block).all(axis=1))
        if len(bad):
            row, word, _ = self.pending[bad[0]]
            raise DataError(
                f"Row {row}: the vector of {shown(word)} holds a number that is not finite. The header "
                "announces another width than the rows have, or the file is damaged: fetch it again.",
                self.file,
            )
        self.rows.add(block, [taken for _, _, taken in self.pending])
        self.block, self.pending = bytearray(), []

    def _cut(self, row: int, count: int, what: str) -> DataError:
        return DataError(
            f"Row {row} of {count}: {what}. The file was cut off, or its header announces another width or more rows "
            "than there are: fetch it again.",
            self.file,
        )

    def _end(self, stream: BinaryIO, count: int, width: int) -> None:
        while self._more(stream) and not self.buffer.strip(b"\n"):
            self.place = len(self.buffer)
        if self.buffer[self.place :].strip(b"\n"):
            raise DataError(
                f"Row {count + 1}: there are more bytes after the {count} rows of {width} numbers that the header "
                "announces. Its count or its width is wrong: fetch the file again, or pass limit to read fewer rows.",
                self.file,
            )
