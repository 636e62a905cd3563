"""From a corpus to the parts of a tagger: vocabularies, vectors, features, head."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import keras
import numpy as np

from seqlab.corpora.records import Corpus
from seqlab.errors import DataError, SettingsError, suggest
from seqlab.layers.features.casing import CasingEmbedding
from seqlab.layers.features.chars import CharCNN
from seqlab.layers.features.words import WordEmbedding
from seqlab.layers.heads.base import Head
from seqlab.layers.heads.crf import CRFHead
from seqlab.layers.heads.rules import Rulebook
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.models.rules import Choice, rules_of
from seqlab.text.casing import CASING
from seqlab.text.rules import lookups
from seqlab.text.vectorizer import DEFAULT_RULES, Vectorizer
from seqlab.text.vectors import WordVectors, read_vectors
from seqlab.text.vocabulary import Labels, Vocabulary

HEADS: dict[str, type[Head]] = {"softmax": SoftmaxHead, "crf": CRFHead}
CHARS: dict[str, type[CharCNN]] = {"cnn": CharCNN}
Part = TypeVar("Part")
WIDTH = 50


@dataclass(frozen=True)
class Words:
    """A word vocabulary with the vectors that a file gives it.

    Attributes:
        vocabulary: Words seen in training first, then those that only the vector file knows.
        trained: Rows of the first kind, the two reserved ones among them.
        vectors: The file's vectors, or `None`.
        rows: Row in the vocabulary of each vector.
        sources: Row in `vectors` of each vector.
    """

    vocabulary: Vocabulary
    trained: int
    vectors: WordVectors | None = None
    rows: np.ndarray | None = None
    sources: np.ndarray | None = None


def words_of(
    corpus: Corpus,
    vectors: str | os.PathLike[str] | WordVectors | None = None,
    rules: Sequence[str] = DEFAULT_RULES,
    min_count: int = 2,
    unseen_vectors: int | None = None,
) -> Words:
    """Chooses the rows of the word table.

    A training word stands under the first of its look-up candidates that has a vector, else under the last
    (the fully normalised form), if it occurs `min_count` times; rarer ones train the unknown word's row.

    Args:
        corpus: The training corpus.
        vectors: A vector file or what `read_vectors` made of it.
        rules: Names of normalisation rules.
        min_count: Occurrences from which a word without a vector gets a row of its own.
        unseen_vectors: How many of the file's words that training does not hold travel in the model, the first of
            the file first (files are sorted by frequency); `None` for all, 0 for none. Each costs `4 * dim` bytes.

    Returns:
        The vocabulary, its split, and where vectors go.
    """
    if isinstance(vectors, str | os.PathLike):
        vectors = read_vectors(vectors)
    known = {word: row for row, word in enumerate(vectors.words)} if vectors else {}
    counts = keyed_counts(corpus, rules, known)
    kept = {word: count for word, count in counts.items() if word in known or count >= min_count}
    trained = sorted(kept, key=lambda word: (-kept[word], word))
    if vectors is None:
        return Words(Vocabulary(trained), len(trained) + 2)
    extra = [word for word in vectors.words if word not in kept][:unseen_vectors]
    vocabulary = Vocabulary([*trained, *extra])
    found = [word for word in vocabulary.items if word in known]
    return Words(
        vocabulary=vocabulary,
        trained=len(trained) + 2,
        vectors=vectors,
        rows=np.asarray([vocabulary.index(word) for word in found]),
        sources=np.asarray([known[word] for word in found]),
    )


def keyed_counts(corpus: Corpus, rules: Sequence[str], known: Container[str]) -> Counter[str]:
    """Counts a corpus' words under their keys: the first look-up candidate that is known, else the last."""
    counts: Counter[str] = Counter()
    for word, count in corpus.words().items():
        candidates = lookups(word, rules)
        counts[next((candidate for candidate in candidates if candidate in known), candidates[-1])] += count
    return counts


def vectorizer_of(
    corpus: Corpus, task: str, words: Words, rules: Sequence[str] = DEFAULT_RULES, others: Sequence[str] = ()
) -> Vectorizer:
    """Builds the vectorizer of a training corpus for one task, and for others that are learnt besides."""
    tasks = (task, *others)
    for name in tasks:
        if name not in corpus.tasks:
            raise DataError(
                f"The corpus has no column {name!r}; it has: {', '.join(corpus.tasks) or 'none'}."
                + suggest(name, corpus.tasks)
                + " Name the column when reading it."
            )
    characters = sorted({character for word in corpus.words() for character in word})
    return Vectorizer(
        words=words.vocabulary,
        characters=Vocabulary(characters),
        labels={name: Labels(sorted(corpus.labels(name))) for name in tasks},
        rules=rules,
        schemes={name: corpus.schemes.get(name) for name in tasks},
    )


def features_of(
    vectorizer: Vectorizer,
    words: Words,
    dim: int | None = None,
    dropout: float = 0.0,
    chars: str | None = "cnn",
    casing: bool = True,
) -> list[keras.layers.Layer]:
    """Builds the feature layers and writes the file's vectors into the word table.

    Args:
        vectorizer: The vectorizer of the corpus.
        words: What `words_of` returned.
        dim: Width of word vectors, 50 by default; where a file gives vectors, their width and no other.
        dropout: Share of words read as unknown in training.
        chars: Name of the character encoder, or `None`.
        casing: Whether casing patterns are embedded.

    Raises:
        SettingsError: If `dim` differs from the width of the file's vectors, or there is no such character encoder.
    """
    width = (dim or WIDTH) if words.vectors is None else words.vectors.dimension
    if dim is not None and dim != width:
        raise SettingsError(
            f"dim (words.dim in a run's settings) is {dim}, but the word vectors of the file have {width} numbers "
            "each: leave dim out, or name a file of that width."
        )
    frozen = len(vectorizer.words) - words.trained
    embedding = WordEmbedding(words.trained, width, frozen_rows=frozen, dropout=dropout, name="word_vectors")
    embedding.build((None, None))
    if words.vectors is not None and words.rows is not None and words.sources is not None:
        embedding.load_vectors(words.rows, words.vectors.matrix[words.sources])
    features: list[keras.layers.Layer] = [embedding]
    if casing:
        features.append(CasingEmbedding(len(CASING), name="casing_vectors"))
    if chars is not None:
        features.append(named(chars, CHARS, "character encoder")(len(vectorizer.characters), name="character_vectors"))
    return features


def parts_of(
    corpus: Corpus,
    task: str,
    vectors: str | os.PathLike[str] | WordVectors | None,
    chars: str | None,
    head: str,
    unseen_vectors: int | None,
    constrained: Choice,
    constrained_loss: bool,
) -> dict[str, Any]:
    """Builds what a tagger of a corpus is made of but for its encoder; see `Tagger.from_corpus`."""
    words = words_of(corpus, vectors, unseen_vectors=unseen_vectors)
    vectorizer = vectorizer_of(corpus, task, words)
    labels = vectorizer.labels[task]
    rules = rules_of(constrained, labels.items, vectorizer.schemes[task])
    return {
        "vectorizer": vectorizer,
        "features": features_of(vectorizer, words, chars=chars),
        "head": head_of(head, labels, rules, constrained_loss),
    }


def head_of(name: str, labels: Labels, constraints: Rulebook | None = None, constrained_loss: bool = False) -> Head:
    """Builds the head of that name.

    Args:
        name: "crf" or "softmax".
        labels: What it scores.
        constraints: What decoding must keep; `None` lets any label follow any other.
        constrained_loss: Whether the loss of a CRF keeps it too.

    Raises:
        SettingsError: For a name that is not known, or `constrained_loss` without a CRF or without constraints.
    """
    kind = named(name, HEADS, "head")
    options: dict[str, Any] = {"constraints": constraints}
    if constrained_loss:
        if kind is not CRFHead:
            raise SettingsError(f"constrained_loss is for the head 'crf'; a {name} scores each token for itself.")
        options["constrained_loss"] = True
    return kind(len(labels), name="head", **options)


def named(name: str, parts: dict[str, Part], what: str) -> Part:
    """Returns the part of that name, or says which names there are."""
    if name not in parts:
        raise SettingsError(f"Unknown {what} {name!r}; expected one of {', '.join(parts)}." + suggest(name, parts))
    return parts[name]
