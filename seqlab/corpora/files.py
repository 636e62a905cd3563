"""Text files in and out: any encoding, plain or gzip, every failure with its file and line."""

from __future__ import annotations

import codecs
import gzip
import os
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from seqlab.errors import DataError, SettingsError, suggest
from seqlab.files import replaced

GZIP_MAGIC = b"\x1f\x8b"
LINE_END = re.compile(r"\r*\n|\r")


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
    file = os.fspath(path)
    data = _read_bytes(Path(path), file)
    try:
        codec = codecs.lookup(encoding).name
    except LookupError:
        raise SettingsError(f"Unknown encoding {encoding!r}; names are those of Python, such as 'utf-8'.") from None
    marked = data.startswith(codecs.BOM_UTF8)
    if marked and not codec.startswith("utf-8"):
        raise DataError(f"Starts with the mark of UTF-8, but encoding={encoding!r} was asked for.", file, 1)
    try:
        text = data.decode("utf-8-sig" if marked else encoding)
    except UnicodeDecodeError as error:
        raise _undecodable(data, error, encoding, file) from None
    if not text.strip():
        raise DataError("The file is empty: expected at least one sentence.", file)
    return LINE_END.split(text)


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


def _read_bytes(path: Path, file: str) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        near = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        place = "" if path.parent.is_dir() else f" Its folder {str(path.parent)!r} does not exist either."
        raise DataError(f"There is no such file.{place}{suggest(path.name, near)}", file) from None
    except OSError as error:
        raise DataError(f"Cannot be read: {error.strerror}. Expected a readable text file.", file) from None
    if not data.startswith(GZIP_MAGIC):
        if path.suffix == ".gz" and data:
            raise DataError("The name ends in .gz, but the content is not gzip: rename or compress it.", file)
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"Damaged gzip content ({error}): fetch or compress the file again.", file) from None


def _undecodable(data: bytes, error: UnicodeDecodeError, encoding: str, file: str) -> DataError:
    other = "latin-1"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        other = "utf-16"
    line = data.count(b"\n", 0, error.start) + 1
    return DataError(
        f"Byte 0x{data[error.start]:02x} at offset {error.start} is not {encoding} ({error.reason}). "
        f"Pass the file's encoding, for example encoding={other!r}.",
        file,
        line,
    )
