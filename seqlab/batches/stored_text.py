"""Raw text as integers on disk, for texts of any length: memory holds the distinct words, and what a batch reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from seqlab.batches.neighbours import END, START, WORDS
from seqlab.text.vectorizer import Encoded, Vectorizer

BLOCK = 1 << 16  # tokens written at once
FORMS, OFFSETS = "forms", "offsets"
KINDS: dict[str, np.dtype[Any]] = {
    name: np.dtype(kind) for name, kind in ((FORMS, "i4"), (WORDS, "i4"), (OFFSETS, "i8"))
}


@dataclass(frozen=True)
class StoredText:
    """A text of which each sentence stands between its edges, in files of integers.

    Attributes:
        folder: Holds `forms`, the number of each token's word (int32), and `offsets`, where each sentence begins, and
            the end of the last (int64): 4 bytes a token and 8 a sentence. `encode` adds 4 bytes a token.
        forms: The distinct words, edges among them, in the order in which they come.
        counts: How often each comes.
    """

    folder: Path
    forms: tuple[str, ...]
    counts: np.ndarray

    def __len__(self) -> int:
        """The number of sentences."""
        return int((self.folder / OFFSETS).stat().st_size) // KINDS[OFFSETS].itemsize - 1

    def words(self) -> Counter[str]:
        """Counts the words, without the edges."""
        counted = zip(self.forms, self.counts.tolist(), strict=True)
        return Counter({word: count for word, count in counted if word not in (START, END)})

    def encode(self, vectorizer: Vectorizer) -> Encoded:
        """As `vectorizer.encode` of `edged` sentences, but for arrays that stay on disk: words and forms alone.

        The sentences themselves are not there.
        """
        words, _, characters, form_offsets = vectorizer.encode_forms(self.forms)
        forms = self._array(FORMS)
        with (self.folder / WORDS).open("wb") as stream:
            for start in range(0, len(forms), BLOCK):
                stream.write(words[forms[start : start + BLOCK]].tobytes())
        tokens = {WORDS: self._array(WORDS), FORMS: forms}
        return Encoded((), self._array(OFFSETS), tokens, {}, characters, form_offsets)

    def _array(self, name: str) -> np.ndarray:
        return np.memmap(self.folder / name, KINDS[name], mode="r")


def store_text(folder: Path, sentences: Iterable[Sequence[str]]) -> StoredText:
    """Writes a text into a folder, a sentence at a time.

    Args:
        folder: The folder; it is made, and what it holds of another text is replaced.
        sentences: The words of each sentence; at least one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known: dict[str, int] = {}
    counts = np.zeros(0, np.int64)
    end = np.zeros(1, KINDS[OFFSETS])
    with (folder / FORMS).open("wb") as tokens, (folder / OFFSETS).open("wb") as offsets:
        offsets.write(end.tobytes())
        for block in _blocks(sentences):
            rows = [known.setdefault(word, len(known)) for words in block for word in (START, *words, END)]
            forms = np.asarray(rows, KINDS[FORMS])
            ends = end + np.cumsum([len(words) + 2 for words in block], dtype=KINDS[OFFSETS])
            tokens.write(forms.tobytes())
            offsets.write(ends.tobytes())
            end = ends[-1:]
            found = np.bincount(forms, minlength=len(known))
            found[: len(counts)] += counts
            counts = found
    return StoredText(folder, tuple(known), counts)


def spread(encoded: Encoded, count: int) -> Encoded:
    """Takes so many sentences, or all if there are fewer, at equal distances from the first on, into memory.

    >>> from seqlab.text.vocabulary import Vocabulary
    >>> vectorizer = Vectorizer(Vocabulary(["a", "b"]), Vocabulary(["a", "b"]), {})
    >>> from seqlab.batches.neighbours import edged
    >>> spread(vectorizer.encode(edged([["a"], ["b"], ["a"], ["b"]])), 2).tokens["words"].tolist()
    [1, 2, 1, 1, 2, 1]
    """
    total = len(encoded.offsets) - 1
    count = min(count, total)
    numbers = np.arange(count) * total // max(count, 1)
    starts, ends = encoded.offsets[numbers], encoded.offsets[numbers + 1]
    offsets = np.concatenate([[0], np.cumsum(ends - starts)])
    places = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], ends - starts)
    sentences = [encoded.sentences[number] for number in numbers.tolist()] if len(encoded.sentences) else ()
    tokens = {name: values[places] for name, values in encoded.tokens.items()}
    labels = {task: values[places] for task, values in encoded.labels.items()}
    return replace(encoded, sentences=sentences, offsets=offsets, tokens=tokens, labels=labels)


def _blocks(sentences: Iterable[Sequence[str]]) -> Iterator[list[Sequence[str]]]:
    block: list[Sequence[str]] = []
    size = 0
    for words in sentences:
        block.append(words)
        size += len(words)
        if size >= BLOCK:
            yield block
            block, size = [], 0
    if block:
        yield block
