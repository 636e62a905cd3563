"""Word vectors from files of GloVe, word2vec and fastText, cut to what is wanted while reading."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from seqlab.errors import DataError, SettingsError, check_encoding, suggest
from seqlab.text.vector_binary import FASTTEXT, BinaryReader, is_binary
from seqlab.text.vector_cache import cache_folder, cache_path, read_cache, write_cache
from seqlab.text.vector_rows import Rows, Wanted
from seqlab.text.vector_text import TextReader

Progress = Callable[[int, int], None]
"""Called now and then with the bytes of the file read so far and all of them."""

_SAMPLE = 1 << 16  # bytes by which a format is told
_STEP = 1 << 22  # bytes between two calls of a progress function
_CONVERT = (
    "This is fastText's own binary format, whose sub-words give any word a vector: --contextual.producer {name} reads "
    "those (pip install 'seqlab[fasttext]'). For vectors to train read the .vec file that comes with it, or convert it "
    'once (pip install gensim): python -c "from gensim.models.fasttext import load_facebook_vectors as load; '
    "load('{name}').save_word2vec_format('{stem}.w2v.bin', binary=True)\""
)


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
    words: Wanted = None,
    limit: int | None = None,
    encoding: str = "utf-8",
    cache: str | PathLike[str] | bool | None = None,
    progress: Progress | None = None,
) -> WordVectors:
    """Reads a file of word vectors, plain or gzipped, in memory that grows only with what is kept.

    Formats are told by content: text (GloVe, word2vec, fastText's `.vec`: a line is a word, then its numbers, divided
    by single spaces, perhaps after a header "rows dimension") and word2vec's binary one. Of a repeated word the first
    row counts. A word that is not of the encoding is an error; where `words` is a collection its row is passed over,
    with a warning that counts such rows. A last line of text without an end, as many a whole file has, may be cut off
    within its last number: that is a warning. fastText's own `.bin` is refused with the command that converts it.

    What has been read whole is kept in a cache (`seqlab.text.vector_cache`), from which the next reading of the same
    file takes a fraction of a second, whatever words it wants; all its vectors pass through memory then.

    Args:
        path: The file.
        words: The wanted words, or a function that says whether one is wanted; `None` keeps all.
        limit: Read only the first `limit` rows (files are sorted by frequency); `None` reads all.
        encoding: Of the words; any that contains ASCII.
        cache: The folder of the cache; `False` for none; `None` for the user's, where the file has 4 MB or more:
            `$SEQLAB_CACHE` ("off" for none), else `~/.cache/seqlab` or what `$XDG_CACHE_HOME` has in its place.
        progress: Told of the bytes read so far.

    Returns:
        The kept words in the order of the file, and their vectors.

    Raises:
        DataError: With file and line (binary: row), for a row of another width, something that is not a finite number,
            undecodable bytes, a header that disagrees with the rows, a file that is cut off, empty or missing.
        SettingsError: If `limit` is below 1, or the encoding is none that contains ASCII.
    """
    _check_options(limit, encoding)
    path = Path(path)
    is_compressed(path)
    folder = cache_folder(cache, path.stat().st_size)
    stored = None if folder is None else cache_path(folder, path, encoding, limit)
    found = None if stored is None else read_cache(stored)
    if found is not None:
        return _cut(WordVectors(*found), words)
    vectors = _parsed(path, Rows(str(path), words, encoding), limit, progress)
    if stored is not None and words is None:
        write_cache(stored, vectors.words, vectors.matrix)
    return vectors


def examine_vectors(
    path: str | PathLike[str], words: Wanted, encoding: str = "utf-8", progress: Progress | None = None
) -> tuple[WordVectors, int]:
    """Looks at every row of a file, past the cache, also at the numbers of those that are not wanted.

    Memory grows only with what is kept, as that of `read_vectors`, which passes over the numbers of other rows.

    Args:
        path: The file.
        words: The wanted words, or a function that says whether one is wanted; `None` keeps all.
        encoding: Of the words; any that contains ASCII.
        progress: Told of the bytes read so far.

    Returns:
        The kept words and their vectors, and how many rows the file has.

    Raises:
        DataError: As `read_vectors`, for any row.
        SettingsError: If the encoding is none that contains ASCII.
    """
    _check_options(None, encoding)
    path = Path(path)
    rows = Rows(str(path), words, encoding, every=True)
    return _parsed(path, rows, None, progress), rows.count


def _check_options(limit: int | None, encoding: str) -> None:
    if limit is not None and limit < 1:
        raise SettingsError(f"limit must be None or at least 1, received {limit}.")
    check_encoding("encoding", encoding)


def _parsed(path: Path, rows: Rows, limit: int | None, progress: Progress | None) -> WordVectors:
    compressed = is_compressed(path)
    with open(path, "rb") if progress is None else io.BufferedReader(_Watched(path, progress)) as stream:
        width = _read(gzip.GzipFile(fileobj=stream) if compressed else stream, rows, limit)
    rows.warn()
    return WordVectors(rows.words, rows.matrix(width))


def _read(stream: BinaryIO | gzip.GzipFile, rows: Rows, limit: int | None) -> int:
    """Reads in the format that the first bytes tell, and returns the width of the vectors."""
    try:
        start = stream.read(_SAMPLE)
        if start.startswith(FASTTEXT):
            path = Path(rows.file)
            raise DataError(_CONVERT.format(name=rows.file, stem=path.with_suffix("")), rows.file)
        stream.seek(0)
        reader = BinaryReader(rows) if is_binary(start) else TextReader(rows)
        return reader.read(cast(BinaryIO, stream), limit)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"The gzip data is damaged or cut off ({error}). Fetch it again.", rows.file) from error


def _cut(vectors: WordVectors, words: Wanted) -> WordVectors:
    """Keeps what is wanted of vectors that are all there."""
    if words is None:
        return vectors
    wanted = words if callable(words) else set(words).__contains__
    kept = [row for row, word in enumerate(vectors.words) if wanted(word)]
    return WordVectors([vectors.words[row] for row in kept], vectors.matrix[kept])


def is_compressed(path: Path) -> bool:
    """Says whether a file of word vectors is compressed.

    Raises:
        DataError: If there is no such file, or its beginning is that of a zip archive.
    """
    if not path.is_file():
        siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        what = "This is a folder" if path.is_dir() else "There is no such file"
        raise DataError(f"{what}, expected a file of word vectors.{suggest(path.name, siblings)}", str(path))
    with open(path, "rb") as stream:
        start = stream.read(2)
    if start == b"PK":
        raise DataError("This is a zip archive. Unpack it, and pass the text file inside.", str(path))
    return start == b"\x1f\x8b"


class _Watched(io.FileIO):
    """A file that tells how much of it has been read."""

    def __init__(self, path: Path, progress: Progress) -> None:
        super().__init__(path)
        self.progress = progress
        self.size = path.stat().st_size
        self.told = 0

    def readinto(self, buffer: Any, /) -> int:
        count = super().readinto(buffer)
        place = self.tell()
        if place - self.told >= _STEP or place == self.size > self.told:
            self.told = place
            self.progress(place, self.size)
        return count
