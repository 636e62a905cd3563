"""Batches of raw text for a language model in both directions: what it learns at each token are the neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from seqlab.batches.loader import Batches
from seqlab.constants import IGNORE
from seqlab.corpora.records import Corpus, Sentence
from seqlab.text.vectorizer import Encoded
from seqlab.text.vocabulary import Vocabulary

START, END = "\x02", "\x03"
"""The words `<S>` and `</S>` at the edges of a sentence: control characters, which no token of a text is."""
WORDS = "words"


def edged(sentences: Iterable[Sequence[str]]) -> list[Sentence]:
    """Puts `<S>` before and `</S>` after the words of each sentence."""
    return [Sentence((START, *words, END)) for words in sentences]


def words_of(data: Any) -> list[Sequence[str]] | None:
    """The words of each sentence of a corpus, or of a list of sentences or of lists of words; of other data `None`."""
    if isinstance(data, Corpus):
        return [sentence.words for sentence in data]
    if not isinstance(data, list | tuple):
        return None
    words = [one.words if isinstance(one, Sentence) else one for one in data]
    fits = all(isinstance(one, list | tuple) and all(isinstance(word, str) for word in one) for one in words)
    return words if fits else None


class NeighbourBatches(Batches):
    """`Batches` of sentences between their edges, whose labels (batch, time, 2) are the classes of the neighbours.

        labels[t] = [class of word t + 1, class of word t - 1]      class = row in the vocabulary - 1

    `IGNORE` stands where there is no neighbour and at padding. Class 0 is the unknown word.

    Args:
        encoded: What a vectorizer made of `edged` sentences.
        fields: Which arrays to give; the labels need `words` in any case.
        **options: As `Batches`.
    """

    def __init__(self, encoded: Encoded, fields: Sequence[str], **options: Any) -> None:
        self.wanted = tuple(fields)
        super().__init__(encoded, fields=tuple({*fields, WORDS, "mask"}), tasks=(), **options)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        (inputs,) = super().__getitem__(index)
        words, mask = inputs[WORDS], inputs["mask"]
        labels = np.full((*words.shape, 2), IGNORE, np.int32)  # (batch, time, 2)
        both = mask[:, 1:] & mask[:, :-1]
        classes = words - Vocabulary.UNKNOWN
        labels[:, :-1, 0] = np.where(both, classes[:, 1:], IGNORE)
        labels[:, 1:, 1] = np.where(both, classes[:, :-1], IGNORE)
        return {name: inputs[name] for name in self.wanted}, labels
