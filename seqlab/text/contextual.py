"""Vectors of tokens that depend on their sentence: who gives them, and where a model's come from."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from seqlab.constants import HDF5_ENDINGS
from seqlab.corpora.records import Sentence
from seqlab.errors import DataError, SettingsError

if TYPE_CHECKING:
    from seqlab.text.contextual_store import ContextualStore

FIELD = "contextual"
"""Name of the array that holds them in a batch, (batch, time, layers, width)."""


@runtime_checkable
class Producer(Protocol):
    """What gives contextual vectors.

    One that has a `place` too, a path that `seqlab.models.producers.open_producer` opens again, is named in saved
    models and used when they tag. One that has a `fingerprint`, a text that tells it from all that give other vectors,
    is held to it: files and models keep it.

    Attributes:
        layers: Number of vectors for each token.
        width: Width of each.
    """

    layers: int
    width: int

    def vectors(self, sentences: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Returns an array (layers, time, width) of float32 for each sentence, given by its words."""
        ...


Opener = Callable[[str], Producer]


class Contextual:
    """Where the contextual vectors of a model come from: a file first, then a producer for what it lacks.

    Both are opened when they are first needed.

    Args:
        file: A file of vectors, see `ContextualStore`, or its path.
        producer: What computes vectors, or its place.
        layers: Vectors for each token; those of the file or the producer if not given.
        width: Width of each, likewise.
        opener: Opens a producer by its place.
        fingerprint: The producer's; that of the file or the producer if not given, as far as they have one.

    Raises:
        SettingsError: For neither a file nor a producer where `layers` and `width` are not given; for others than they
            say; for a producer that is not the file's.
    """

    def __init__(
        self,
        file: str | os.PathLike[str] | ContextualStore | None = None,
        producer: str | Producer | None = None,
        layers: int | None = None,
        width: int | None = None,
        opener: Opener | None = None,
        fingerprint: str | None = None,
    ) -> None:
        from seqlab.text.contextual_store import ContextualStore

        self._store = file if isinstance(file, ContextualStore) else None
        self.file = file.path if isinstance(file, ContextualStore) else None if file is None else os.fspath(file)
        self._producer = None if isinstance(producer, str) else producer
        self.place: str | None = producer if isinstance(producer, str) else getattr(producer, "place", None)
        self.opener = opener
        if layers is None or width is None:
            known = self._opened_store(must=True) or self._opened_producer()
            if known is None:
                raise SettingsError("Contextual vectors come from a file or a producer; received neither.")
            layers, width = known.layers, known.width
        self.layers, self.width, self.fingerprint = layers, width, fingerprint
        for source in (self._store, self._producer):
            self._accept(source)

    def check(self, sentences: Sequence[Sentence]) -> None:
        """Refuses sentences whose vectors can be had nowhere.

        Raises:
            DataError: With the first of them, where it stands and what to do.
        """
        store = self._opened_store()
        missing = [n for n, one in enumerate(sentences) if one.words and (store is None or one.words not in store)]
        if not missing or self._producer is not None or self.place is not None:
            return
        first = sentences[missing[0]]
        where = f" ({first.place(0)})" if first.file and first.lines else ""
        from_file = "it was given no file of them"
        if self.file is not None:
            from_file = f"{self.file} has none" if store is not None else f"there is no file {self.file}"
        raise DataError(
            f"The model reads contextual vectors ({self.layers} layers of {self.width}), and {from_file} for "
            f"{len(missing)} of {len(sentences)} sentences, first {shown(first.words)!r}{where}. Compute them: seqlab "
            "embed PRODUCER CORPUS... --output FILE.h5, and name that file (tagger.contextual = 'FILE.h5', "
            "--contextual FILE.h5); or give the producer itself: tagger.contextual = producer."
        )

    def vectors(self, sentences: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Returns (layers, time, width) float32 for each sentence: as a producer, whatever they come from."""
        self.check([Sentence(tuple(words)) for words in sentences])
        store = self._opened_store()
        missing = range(len(sentences)) if store is None else store.missing(sentences)
        wanted = [number for number in missing if len(sentences[number])]
        computed: dict[int, np.ndarray] = {}
        if wanted:
            producer, asked = self._opened_producer(), [sentences[number] for number in wanted]
            self._accept(producer)
            arrays = check_vectors(producer.vectors(asked), asked, producer)
            computed = dict(zip(wanted, arrays, strict=True))
        empty = np.zeros((self.layers, 0, self.width), "float32")
        return [
            computed[number] if number in computed else store.vectors([words])[0] if len(words) else empty
            for number, words in enumerate(sentences)
        ]

    def same(self, other: Contextual | None) -> bool:
        """Whether another gives the same vectors, as far as can be told without asking it."""
        one, two = self._producer, None if other is None else other._producer
        if other is None or not _agree(self.fingerprint, other.fingerprint):
            return False
        alike = self.get_config() == other.get_config() | {"fingerprint": self.fingerprint}
        return alike and (one is two or self.place is not None)

    def get_config(self) -> dict[str, Any]:
        """Returns sizes, the file's path, the producer's place and fingerprint; the vectors do not travel."""
        sizes = {"layers": self.layers, "width": self.width}
        return {"file": self.file, "producer": self.place, **sizes, "fingerprint": self.fingerprint}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], opener: Opener | None = None) -> Contextual:
        """Rebuilds it; nothing is opened yet."""
        return cls(**config, opener=opener)

    def _opened_store(self, must: bool = False) -> Any:
        from seqlab.text.contextual_store import ContextualStore

        if self._store is None and self.file is not None and (must or Path(self.file).is_file()):
            store = ContextualStore(self.file)
            if not must:
                self._accept(store)
            self._store = store
        return self._store

    def _opened_producer(self) -> Any:
        if self._producer is None and self.place is not None:
            if self.opener is None:
                raise SettingsError(f"Nothing opens the producer {self.place!r} here: give it opened.")
            self._producer = self.opener(self.place)
        return self._producer

    def _accept(self, source: Any) -> None:
        """Checks a source of its own, and learns whose vectors these are."""
        self.check_source(source)
        self.fingerprint = self.fingerprint or getattr(source, "fingerprint", None)

    def check_source(self, source: Any) -> None:
        """Refuses what gives vectors of other sizes, or, where that is known, those of another producer.

        Raises:
            SettingsError: With what both are.
        """
        if source is not None and (source.layers, source.width) != (self.layers, self.width):
            raise SettingsError(
                f"Expected contextual vectors of {self.layers} layers of width {self.width}; {_name(source)} gives "
                f"{source.layers} layers of width {source.width}: use the producer that the model was trained with."
            )
        found = getattr(source, "fingerprint", None)
        if not _agree(self.fingerprint, found):
            raise SettingsError(
                f"Expected the contextual vectors of one producer (fingerprint {str(self.fingerprint)[:12]}); those of "
                f"{_name(source)} are another's ({str(found)[:12]}), though of the same sizes: use the producer that "
                "made the file and that the model was trained with, or write the file again (seqlab embed)."
            )


def contextual_of(source: Any, opener: Opener | None = None) -> Contextual:
    """Returns a source of vectors from the path of a file (.h5, .hdf5), from a producer, its place, or as it is."""
    if isinstance(source, Contextual):
        source.opener = source.opener or opener
        return source
    from seqlab.text.contextual_store import ContextualStore

    path = os.fspath(source) if isinstance(source, str | os.PathLike) else None
    if isinstance(source, ContextualStore) or (path is not None and Path(path).suffix in HDF5_ENDINGS):
        return Contextual(file=source, opener=opener)
    return Contextual(producer=source if path is None else path, opener=opener)


def _agree(one: str | None, other: str | None) -> bool:
    """Whether two fingerprints may be of one producer."""
    return one is None or other is None or one == other


def _name(source: Any) -> str:
    """What to call a source in errors."""
    if isinstance(source, Contextual):
        return source.file or source.place or _name(source._producer)
    return getattr(source, "path", None) or getattr(source, "place", None) or type(source).__name__


def check_vectors(
    found: Sequence[np.ndarray], sentences: Sequence[Sequence[str]], producer: Any
) -> Sequence[np.ndarray]:
    """Returns what a producer gave, if it is an array (layers, time, width) for each sentence."""
    name, sizes = type(producer).__name__, (producer.layers, producer.width)
    if len(found) != len(sentences):
        raise DataError(f"{name} gave {len(found)} arrays for {len(sentences)} sentences.")
    for array, words in zip(found, sentences, strict=True):
        wanted = (sizes[0], len(words), sizes[1])
        if array.shape != wanted or array.dtype != np.float32:
            raise DataError(
                f"{name} gave {array.shape} of {array.dtype} for {shown(words)!r}; expected (layers, time, width) "
                f"{wanted} of float32."
            )
    return found


def shown(words: Sequence[str]) -> str:
    """The first words of a sentence.

    >>> shown("abcdefghij")
    'a b c d e f g h ...'
    """
    return " ".join(words[:8]) + (" ..." if len(words) > 8 else "")
