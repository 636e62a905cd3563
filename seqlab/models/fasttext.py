"""fastText's own models, whose sub-words give every word a vector, as a producer of vectors."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from seqlab.errors import ModelFileError, SettingsError
from seqlab.files import fingerprint_of
from seqlab.text.vector_binary import FASTTEXT

HEADER = struct.Struct("<i12id3i2q")
"""Version, twelve settings (the 8th is the kind, then buckets, shortest, longest n-gram), t, sizes of what follows."""
ENTRY = 9  # bytes after each word
SUPERVISED = 3
UNREADABLE = (
    AssertionError,
    EOFError,
    IndexError,
    MemoryError,
    NotImplementedError,
    OSError,
    OverflowError,
    ValueError,
    struct.error,
)
"""What gensim raises at files that it cannot read."""


class FastText:
    """Gives each token the vector of its word in a fastText model: `Tagger.from_corpus(contextual=FastText.open(...))`.

        v(w) = mean of z(w), where the model knows w, and of all z(g), g the n-grams of "<w>"

    A word that training never saw has a vector too, when the tagger is asked. Unlike vectors of a `.vec` file these are
    never trained. gensim reads the file.

    Args:
        vectors: gensim's `FastTextKeyedVectors`.
        place: The file that they were read from; a saved tagger names it.
        fingerprint: What tells the file from others, as `seqlab.files.fingerprint_of`.

    Attributes:
        layers: 1.
        width: Width of a vector.

    Reference: Bojanowski et al., Enriching word vectors with subword information, TACL 2017.
    """

    layers = 1

    def __init__(self, vectors: Any, place: str | None = None, fingerprint: str | None = None) -> None:
        self.width = int(vectors.vector_size)
        self.place = place
        self.fingerprint = fingerprint
        self._vectors = vectors

    @classmethod
    def open(cls, place: str | os.PathLike[str]) -> FastText:
        """Opens fastText's binary format (`.bin`), as published at fasttext.cc.

        Raises:
            SettingsError: If gensim is not installed.
            ModelFileError: For a file that is no such model, has no sub-words, or is damaged.
        """
        try:
            from gensim.models.fasttext import load_facebook_vectors
        except ImportError as error:
            raise SettingsError("gensim reads fastText's .bin files: pip install 'seqlab[fasttext]'.") from error
        path = Path(place)
        check_fasttext(path)
        try:
            found = load_facebook_vectors(os.fspath(path))
        except UNREADABLE as error:
            raise ModelFileError(
                f"{path} is cut off, damaged, or quantised, which gensim does not read: {error}"
            ) from error
        return cls(found, os.fspath(path), fingerprint_of(path))

    def vectors(self, sentences: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Returns (1, time, width) float32 for each sentence, given by its words."""
        known = {word: self._vectors.get_vector(word) for words in sentences for word in words}
        return [
            np.array([[known[word] for word in words]], np.float32).reshape(1, len(words), self.width)
            for words in sentences
        ]


def check_fasttext(path: Path) -> None:
    """Looks at what stands before the vectors in a file: its settings, and words up to their ends.

    Raises:
        ModelFileError: For a file that is no fastText model, has no sub-words, or is cut off.
    """
    cut = ModelFileError(f"{path} is cut off before its vectors: fetch it again.")
    with path.open("rb") as stream:
        if stream.read(len(FASTTEXT)) != FASTTEXT:
            raise ModelFileError(
                f"{path} is no fastText model: those begin with the number {int.from_bytes(FASTTEXT, 'little')}. Files "
                "of word vectors without sub-words are for words.vectors (word_vectors=)."
            )
        start = stream.read(HEADER.size)
        if len(start) < HEADER.size:
            raise cut
        found = HEADER.unpack(start)
        kind, buckets, longest, words = found[8], found[9], found[11], found[14]
        if kind == SUPERVISED:
            raise ModelFileError(f"{path} is a classifier (fastText supervised), whose vectors gensim does not read.")
        if not buckets or not longest:
            raise ModelFileError(
                f"{path} has no sub-words (fastText -maxn 0): it knows no other words than those of its .vec file, "
                "which is for words.vectors (word_vectors=)."
            )
        for _ in range(words):  # gensim would look for the end of a cut word for ever
            if not _passes(stream):
                raise cut


def _passes(stream: BinaryIO) -> bool:
    """Reads a word of the dictionary to its end, and the count and kind that follow; false where the file ends."""
    while byte := stream.read(1):
        if byte == b"\0":
            return len(stream.read(ENTRY)) == ENTRY
    return False
