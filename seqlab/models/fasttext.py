"""fastText's own models, whose sub-words give every word a vector, as a producer of vectors."""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.errors import ModelFileError, SettingsError
from seqlab.files import fingerprint_of
from seqlab.text.vector_binary import FASTTEXT

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
            ModelFileError: For a file that is no such model, or damaged.
        """
        try:
            from gensim.models.fasttext import load_facebook_vectors
        except ImportError as error:
            raise SettingsError("gensim reads fastText's .bin files: pip install 'seqlab[fasttext]'.") from error
        path = Path(place)
        if not is_fasttext(path):
            raise ModelFileError(
                f"{path} is no fastText model: those begin with the number {int.from_bytes(FASTTEXT, 'little')}. Files "
                "of word vectors without sub-words are for words.vectors (word_vectors=)."
            )
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


def is_fasttext(place: Path) -> bool:
    """Whether a file begins as fastText's own."""
    if not place.is_file():
        return False
    with place.open("rb") as stream:
        return stream.read(len(FASTTEXT)) == FASTTEXT
