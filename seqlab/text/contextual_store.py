"""Contextual vectors of a corpus in an HDF5 file: written in blocks, read back sentence by sentence."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.constants import HDF5_ENDINGS
from seqlab.errors import DataError, SettingsError, suggest
from seqlab.files import replaced
from seqlab.text.contextual import Producer, check_vectors, shown

DATASETS = ("words", "lengths", "vectors")
FINGERPRINT = "fingerprint"
SENTENCES_AT_ONCE = 64
WORDS_AT_ONCE = 1 << 16
CHUNK = 1 << 18  # bytes of the blocks that the file is made of
CACHE = 1 << 25  # bytes of blocks that are kept for the next reading
LAYOUT = (
    "Expected `words` (tokens,) strings, `lengths` (sentences,) whole numbers that sum to the tokens, and `vectors` "
    "(tokens, layers, width) floats"
)


class ContextualStore:
    """The contextual vectors of the sentences of an HDF5 file, a producer of those that it holds and of no others.

    The layout, all sentences one after the other:

    - `words`: (tokens,) strings.
    - `lengths`: (sentences,) whole numbers, the tokens of each sentence.
    - `vectors`: (tokens, layers, width) floats of 16, 32 or 64 bits.
    - The file's attribute `fingerprint`, where it is known who made the vectors: a text, the producer's.

    A sentence is found by its words; of two with the same words the first counts. Memory holds 16 bytes and a place
    for each sentence, and `vectors` of the sentences that are asked for.

    Args:
        path: The file.

    Attributes:
        layers: Layers of each token.
        width: Width of each layer.
        fingerprint: That of the producer, `None` if the file does not say.

    Raises:
        DataError: If there is no such file, it is no HDF5 file or was cut off, or it has another layout.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        import h5py

        self.path = os.fspath(path)
        file = Path(path)
        if not file.is_file():
            near = [other.name for other in file.parent.glob("*.h5")]
            raise DataError(f"There is no such file of contextual vectors.{suggest(file.name, near)}", self.path)
        try:
            self._file = h5py.File(file, "r", rdcc_nbytes=CACHE)
        except OSError as error:
            raise DataError(
                f"This is no HDF5 file, or one that was cut off ({error}): copy or write it again.", self.path
            ) from error
        try:
            self.layers, self.width = self._check()
            self._places = self._read_places()
            self.fingerprint = self._read_fingerprint()
        except OSError as error:
            self.close()
            raise self._damaged(error) from error
        except DataError:
            self.close()
            raise

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, words: object) -> bool:
        return isinstance(words, Sequence) and (not words or key_of(words) in self._places)

    def __enter__(self) -> ContextualStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def missing(self, sentences: Sequence[Sequence[str]]) -> list[int]:
        """Returns the numbers of the sentences that the file does not hold."""
        return [number for number, words in enumerate(sentences) if words not in self]

    def vectors(self, sentences: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Reads the vectors of sentences, (layers, time, width) float32 each.

        Raises:
            DataError: For a sentence that the file does not hold; for numbers that cannot be read, or are not finite.
        """
        return [self._vectors(words) for words in sentences]

    def _vectors(self, words: Sequence[str]) -> np.ndarray:
        if not words:
            return np.zeros((self.layers, 0, self.width), "float32")
        start = self._places.get(key_of(words))
        if start is None:
            raise DataError(f"It has no vectors of the sentence {shown(words)!r}.", self.path)
        try:
            found = self._file["vectors"][start : start + len(words)]
        except OSError as error:
            raise self._damaged(error) from error
        if not np.isfinite(found).all():
            raise DataError(f"The vectors of the sentence {shown(words)!r} are not all finite numbers.", self.path)
        return np.asarray(found, "float32").transpose(1, 0, 2)

    def _check(self) -> tuple[int, int]:
        """The numbers of layers and components, once the layout is what it should be."""
        file = self._file
        lacking = [name for name in DATASETS if name not in file]
        if lacking:
            raise DataError(f"It has no dataset {' or '.join(lacking)}. {LAYOUT}.", self.path)
        words, lengths, vectors = (file[name] for name in DATASETS)
        fits = (len(words.shape), len(lengths.shape), len(vectors.shape)) == (1, 1, 3)
        kinds = words.dtype.kind in "OS", lengths.dtype.kind in "iu", vectors.dtype.kind == "f"
        if not fits or not all(kinds) or 0 in vectors.shape[1:]:
            listed = "; ".join(f"{name} {file[name].shape} of {file[name].dtype}" for name in DATASETS)
            raise DataError(f"{LAYOUT}; received {listed}.", self.path)
        counts = np.asarray(lengths, np.int64)
        total = int(counts.sum())
        if (counts < 0).any() or not total == len(words) == len(vectors):
            raise DataError(
                f"{LAYOUT}; received {len(words)} words, {len(vectors)} vectors and lengths that sum to {total}.",
                self.path,
            )
        return int(vectors.shape[1]), int(vectors.shape[2])

    def _read_places(self) -> dict[bytes, int]:
        """The first token of each sentence by the key of its words, read in blocks."""
        places: dict[bytes, int] = {}
        words, start = self._words(), 0
        for length in np.asarray(self._file["lengths"], np.int64).tolist():
            places.setdefault(key_of(list(islice(words, length))), start)
            start += length
        return places

    def _read_fingerprint(self) -> str | None:
        found = self._file.attrs.get(FINGERPRINT)
        if found is not None and not isinstance(found, str):
            raise DataError(f"Its attribute {FINGERPRINT} is {found!r}; expected a text.", self.path)
        return found

    def _words(self) -> Iterator[str]:
        stored = self._file["words"]
        for start in range(0, len(stored), WORDS_AT_ONCE):
            for word in stored[start : start + WORDS_AT_ONCE]:
                try:
                    yield word.decode("utf-8")
                except UnicodeDecodeError as error:
                    raise DataError(f"The word {word!r} is not UTF-8: {error.reason}.", self.path) from error

    def _damaged(self, error: OSError) -> DataError:
        return DataError(f"The file is damaged or was cut off ({error}): copy or write it again.", self.path)


def write_store(
    path: str | os.PathLike[str],
    producer: Producer,
    sentences: Sequence[Sequence[str]],
    half: bool = False,
    at_once: int = SENTENCES_AT_ONCE,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Writes the vectors of sentences to a file, whole or not at all, with those of `at_once` sentences in memory.

    Args:
        path: The file, which ends in .h5 or .hdf5.
        producer: What gives the vectors.
        sentences: The words of each, in the order in which the producer is to see them; one that comes again is left
            out, as are empty ones.
        half: Numbers of 16 bits in place of 32.
        at_once: Sentences that the producer is asked about at once.
        progress: Told the sentences that are done, and all of them.

    Returns:
        The number of sentences written.

    Raises:
        DataError: For a word with a NUL character, which HDF5 does not hold; for vectors that are not what a producer
            gives, or too large for `half`.
        SettingsError: For another ending, or no sentences.
    """
    if Path(path).suffix not in HDF5_ENDINGS:
        raise SettingsError(f"Contextual vectors are written to a file that ends in .h5, received {os.fspath(path)!r}.")
    distinct = list(dict.fromkeys(tuple(words) for words in sentences if len(words)))
    if not distinct:
        raise SettingsError("There are no sentences whose vectors could be written.")
    for words in distinct:
        key_of(words)
    import h5py

    with replaced(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs.update(_attributes(producer))
        kind = np.dtype("float16" if half else "float32")
        size = max(1, CHUNK // (producer.layers * producer.width * kind.itemsize))
        shape = (0, producer.layers, producer.width)
        file["words"] = [word for words in distinct for word in words]
        file["lengths"] = np.asarray([len(words) for words in distinct], np.int64)
        vectors = file.create_dataset("vectors", shape, kind, maxshape=(None, *shape[1:]), chunks=(size, *shape[1:]))
        for start in range(0, len(distinct), at_once):
            _append(vectors, producer, distinct[start : start + at_once])
            if progress is not None:
                progress(min(start + at_once, len(distinct)), len(distinct))
    return len(distinct)


def _attributes(producer: Producer) -> dict[str, str]:
    """What a file says of who made its vectors."""
    fingerprint = getattr(producer, "fingerprint", None)
    return {} if fingerprint is None else {FINGERPRINT: fingerprint}


def _append(vectors: Any, producer: Producer, sentences: Sequence[Sequence[str]]) -> None:
    """Adds the vectors of some sentences to the dataset."""
    found = check_vectors(producer.vectors(sentences), sentences, producer)
    block = np.concatenate(found, axis=1).transpose(1, 0, 2).astype(vectors.dtype)  # (tokens, layers, width)
    if not np.isfinite(block).all():
        raise DataError(f"Vectors of {type(producer).__name__} are infinite or no numbers as {vectors.dtype}.")
    start = len(vectors)
    vectors.resize(start + len(block), axis=0)
    vectors[start:] = block


def key_of(words: Sequence[str]) -> bytes:
    r"""Returns 16 bytes that tell sentences apart.

    >>> key_of(["a", "b"]) == key_of(("a", "b")), key_of(["ab"]) == key_of(["a", "b"])
    (True, False)

    Raises:
        DataError: For a word with a NUL character, which stands between words here and nowhere in HDF5's strings.
    """
    if any("\0" in word for word in words):
        raise DataError(f"A word of the sentence {shown(words)!r} holds a NUL character; no file can keep it.")
    return blake2b("\0".join(words).encode("utf-8", "surrogatepass"), digest_size=16).digest()
