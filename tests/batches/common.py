"""Small encoded corpora of given sentence lengths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqlab.corpora.records import Corpus, Sentence
from seqlab.text.vectorizer import Encoded, Vectorizer
from seqlab.text.vocabulary import Labels, Vocabulary

WORDS = ("a", "of", "the", "Oslo", "1990", "sang", "committee", "co-operatives", "é")
VECTORIZER = Vectorizer(
    Vocabulary(["the", "of", "sang"]),
    Vocabulary(sorted({c for word in WORDS for c in word})),
    {"chunk": Labels(["B", "I", "O"]), "pos": Labels(["N", "V"])},
)


def corpus(lengths: Sequence[int], tasks: Sequence[str] = ("chunk",)) -> Corpus:
    """Sentences of these lengths, of words and labels drawn with a fixed seed."""
    random = np.random.default_rng(3)
    sentences = []
    for length in lengths:
        columns = {task: tuple(random.choice(VECTORIZER.labels[task].items, length)) for task in tasks}
        sentences.append(Sentence(tuple(random.choice(WORDS, length)), columns))
    return Corpus(sentences)


def encoded(lengths: Sequence[int], tasks: Sequence[str] = ("chunk",)) -> Encoded:
    """The same, encoded."""
    return VECTORIZER.encode(corpus(lengths, tasks))
