"""Word vectors that have been read once, in a file that is read again in a fraction of a second.

The second reading of 400,000 words of 50 numbers is a copy of 80 MB in place of parsing 20 million numbers.
"""

from __future__ import annotations

import hashlib
import logging
import os
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from seqlab.cache import VARIABLE, user_cache
from seqlab.files import replaced

log = logging.getLogger(__name__)
SMALLEST = 4 << 20  # bytes of a file from which it is cached unasked: a smaller one is parsed in a moment
_FORMAT = 1  # of what is written below; a change makes other keys
_SAMPLES, _SAMPLE = 16, 1 << 16  # blocks that a key looks at, and their bytes
_ERRORS = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError)

Found = tuple[list[str], NDArray[np.float32]]


def cache_folder(cache: str | os.PathLike[str] | bool | None, size: int) -> Path | None:
    """Says where the cache of a file lies, `None` for nowhere.

    Args:
        cache: A folder; `False` for no cache; `None` or `True` for the user's, see `seqlab.cache`.
        size: Bytes of the file. With `None`, files below 4 MB are not cached.
    """
    if cache is False or (cache is None and size < SMALLEST):
        return None
    if cache is not None and cache is not True:
        return Path(cache)
    return user_cache()


def cache_path(folder: Path, source: Path, encoding: str, limit: int | None) -> Path:
    """Returns the cache file of a vector file: its name, and a key by what it holds.

    The key is a hash of size, time of the last change, and 16 blocks of 64 KB spread over the file, the first and the
    last among them. To hash all of a file costs seconds for each GB, which a cache should save. Another file of the
    same name, a longer or a shorter one, one cut off, converted or sorted anew differs in size or in the blocks; a
    number changed by hand between the blocks, which keeps the size, differs in time. What would be missed is a change
    of some bytes that keeps the size and has the time set back on purpose. The folder is no part of the key: a file may
    be moved.

    Args:
        folder: Of the cache.
        source: The vector file.
        encoding: As it is read.
        limit: As it is read.
    """
    facts = source.stat()
    found = hashlib.blake2b(repr((_FORMAT, facts.st_size, facts.st_mtime_ns, encoding, limit)).encode(), digest_size=16)
    last = max(facts.st_size - _SAMPLE, 0)
    with source.open("rb") as stream:
        for number in range(_SAMPLES):
            stream.seek(last * number // (_SAMPLES - 1))
            found.update(stream.read(_SAMPLE))
    return folder / f"{source.name}-{found.hexdigest()}.npz"


def read_cache(path: Path) -> Found | None:
    """Returns the words and vectors of a cache file; `None` if there is none, or it is damaged, which is told."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:  # which holds checksums
            words = stored["words"].tobytes().decode("utf-8", "surrogatepass").split("\n")
            matrix = stored["matrix"]
    except FileNotFoundError:
        return None
    except _ERRORS as error:
        log.warning("The cache %s cannot be read (%s): the vectors are read anew, and it is replaced.", path, error)
        return None
    if matrix.dtype != np.float32 or matrix.ndim != 2 or len(words) != len(matrix):
        log.warning("The cache %s does not hold word vectors: they are read anew, and it is replaced.", path)
        return None
    return words, matrix


def write_cache(path: Path, words: list[str], matrix: NDArray[np.float32]) -> None:
    """Writes a cache file, whole or not at all; where it cannot be written that is told, and nothing else happens."""
    if not words:
        return
    text = np.frombuffer("\n".join(words).encode("utf-8", "surrogatepass"), np.uint8)
    try:
        with replaced(path) as temporary:
            np.savez(temporary, words=text, matrix=matrix)
    except OSError as error:
        log.warning(
            "The word vectors cannot be cached (%s): each run will parse them. %s=FOLDER names another folder, "
            "%s=off switches the cache off.",
            error,
            VARIABLE,
            VARIABLE,
        )
