"""Text files in and out: any encoding, plain or gzip, every failure with its file and line."""

from __future__ import annotations

import codecs
import gzip
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from seqlab.errors import DataError, SettingsError, suggest
from seqlab.files import replaced

GZIP_MAGIC = b"\x1f\x8b"
LINE_END = re.compile(r"\r*\n|\r")
BLOCK = 1 << 20  # bytes read at once


def read_lines(path: str | os.PathLike[str], encoding: str = "utf-8") -> list[str]:
    """Reads all lines of a text file, without their ends.

    Lines end with LF, CR LF or CR alone, and nowhere else: other characters that Unicode counts as line ends
    may be part of a token. A byte-order mark is dropped. Content in gzip is unpacked, whatever the name.

    Args:
        path: The file.
        encoding: Its encoding; nothing is guessed or replaced.

    Raises:
        DataError: The file is missing, unreadable, empty or not in this encoding.
        SettingsError: There is no such encoding.
    """
    return list(stream_lines(path, encoding))


def stream_lines(path: str | os.PathLike[str], encoding: str = "utf-8") -> Iterator[str]:
    """As `read_lines`, a line at a time: memory holds a block of the file and the line that it ends within."""
    file, rest, decoder = os.fspath(path), "", None
    written = False
    for block in chain(_read_blocks(Path(path), file), [b""]):
        if decoder is None:
            decoder = _Decoder(block, encoding, file)
        text = decoder.decode(block)
        written = written or bool(text.strip())
        rest += text
        ready = len(rest.rstrip("\r")) if block else len(rest)  # CR may be the first half of an end
        *lines, kept = LINE_END.split(rest[:ready])
        rest = kept + rest[ready:]
        yield from lines
    if not written:
        raise DataError("The file is empty: expected at least one sentence.", file)
    yield rest


def blocks(lines: Iterable[str]) -> Iterator[list[tuple[int, str]]]:
    """Groups the numbered lines that stand between blank ones, which hold nothing but spaces and tabs."""
    block: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        if line.strip(" \t"):
            block.append((number, line))
        elif block:
            yield block
            block = []
    if block:
        yield block


def write_atomically(path: str | os.PathLike[str], text: str, encoding: str = "utf-8") -> None:
    """Writes a whole file or, on any failure, leaves the old one as it was; a name in .gz is compressed."""
    target = Path(path)
    data = text.encode(encoding)
    if target.suffix == ".gz":
        data = gzip.compress(data, mtime=0)  # without the time, equal content gives equal files
    with replaced(target) as temporary:
        temporary.write_bytes(data)


def _read_blocks(path: Path, file: str) -> Iterator[bytes]:
    try:
        with path.open("rb") as stream:
            packed = stream.peek(len(GZIP_MAGIC)).startswith(GZIP_MAGIC)
            if not packed and path.suffix == ".gz" and stream.peek(1):
                raise DataError("The name ends in .gz, but the content is not gzip: rename or compress it.", file)
            source = gzip.GzipFile(fileobj=stream) if packed else stream
            while block := source.read(BLOCK):
                yield block
    except FileNotFoundError:
        near = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        place = "" if path.parent.is_dir() else f" Its folder {str(path.parent)!r} does not exist either."
        raise DataError(f"There is no such file.{place}{suggest(path.name, near)}", file) from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"Damaged gzip content ({error}): fetch or compress the file again.", file) from None
    except OSError as error:
        raise DataError(f"Cannot be read: {error.strerror}. Expected a readable text file.", file) from None


class _Decoder:
    """Decodes a file block by block, and knows where it is.

    Args:
        first: The first block.
        encoding: Name of the encoding.
        file: Name of the file, for errors.
    """

    def __init__(self, first: bytes, encoding: str, file: str) -> None:
        try:
            codec = codecs.lookup(encoding).name
        except LookupError:
            raise SettingsError(f"Unknown encoding {encoding!r}; names are those of Python, such as 'utf-8'.") from None
        marked = first.startswith(codecs.BOM_UTF8)
        if marked and not codec.startswith("utf-8"):
            raise DataError(f"Starts with the mark of UTF-8, but encoding={encoding!r} was asked for.", file, 1)
        self.other = "utf-16" if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "latin-1"
        self.encoding, self.file = encoding, file
        self.decoder = codecs.getincrementaldecoder("utf-8-sig" if marked else encoding)()
        self.read = self.lines = 0

    def decode(self, block: bytes) -> str:
        """Decodes a block; an empty one is the end."""
        try:
            text = self.decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            data = error.object  # the block, after what the last one left over
            place = self.read + len(block) - len(data) + error.start
            raise DataError(
                f"Byte 0x{data[error.start]:02x} at offset {place} is not {self.encoding} ({error.reason}). "
                f"Pass the file's encoding, for example encoding={self.other!r}.",
                self.file,
                self.lines + data.count(b"\n", 0, error.start) + 1,
            ) from None
        self.read += len(block)
        self.lines += block.count(b"\n")
        return text
