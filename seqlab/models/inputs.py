"""What a tagger knows of each word before it reads the sentence: rows of the word table, and the feature layers."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import keras
import numpy as np

from seqlab.constants import DEFAULT_RULES
from seqlab.corpora.records import Corpus
from seqlab.errors import SettingsError, suggest
from seqlab.layers.features.casing import CasingEmbedding
from seqlab.layers.features.categories import CategoryEmbedding
from seqlab.layers.features.chars import CharCNN, CharLSTM
from seqlab.layers.features.elmo import ElmoVectors
from seqlab.layers.features.scalar_mix import ScalarMix
from seqlab.layers.features.words import WordEmbedding
from seqlab.text.casing import CASING
from seqlab.text.rules import lookups
from seqlab.text.vectorizer import Vectorizer
from seqlab.text.vectors import WordVectors, read_vectors
from seqlab.text.vocabulary import Vocabulary

CHARS: dict[str, type[keras.layers.Layer]] = {"cnn": CharCNN, "lstm": CharLSTM}
CharMaker = Callable[[int], keras.layers.Layer]
"""Makes a character encoder for a number of characters, as the classes themselves do."""
TRAIN = ("all", "known", "none")
WIDTH = 50
Part = TypeVar("Part")


@dataclass(frozen=True)
class Words:
    """A word vocabulary with the vectors that a file gives it.

    Attributes:
        vocabulary: Words whose vectors learn first, then those whose vectors stay as the file has them.
        trained: Rows of the first kind, the two reserved ones among them.
        unseen: How many of the last rows are of words that training does not hold.
        vectors: The file's vectors, or `None`.
        rows: Row in the vocabulary of each vector.
        sources: Row in `vectors` of each vector.
        rules: Names of the rules by which words are looked up, for the vectorizer.
    """

    vocabulary: Vocabulary
    trained: int
    unseen: int = 0
    vectors: WordVectors | None = None
    rows: np.ndarray | None = None
    sources: np.ndarray | None = None
    rules: tuple[str, ...] = DEFAULT_RULES

    @property
    def megabytes(self) -> float:
        """What the vectors of words that training does not hold add to a saved model."""
        return 0.0 if self.vectors is None else 4 * self.vectors.dimension * self.unseen / 1e6


def words_of(
    corpus: Corpus,
    vectors: str | os.PathLike[str] | WordVectors | None = None,
    rules: Sequence[str] = DEFAULT_RULES,
    min_count: int = 2,
    unseen_vectors: int | None = None,
    train: str = "all",
) -> Words:
    """Chooses the rows of the word table.

    A training word stands under the first of its look-up candidates that has a vector, else under the last
    (the fully normalised form), if it occurs `min_count` times; rarer ones train the unknown word's row.

    Args:
        corpus: The training corpus.
        vectors: A vector file or what `read_vectors` made of it.
        rules: Names of normalisation rules, see `seqlab.text.rules`.
        min_count: Occurrences from which a word without a vector gets a row of its own.
        unseen_vectors: How many of the file's words that training does not hold travel in the model, the first of
            the file first (files are sorted by frequency); `None` for all, 0 for none. Each costs `4 * dim` bytes.
        train: Which vectors learn: "all" of training's words, those of the "known" words alone, which the file has,
            or "none". With the last two, words that the file does not have are read as unknown.

    Returns:
        The vocabulary, its split, and where vectors go.

    Raises:
        SettingsError: For another `train`, or one other than "all" without vectors.
    """
    _check_train(train, vectors)
    if isinstance(vectors, str | os.PathLike):
        vectors = read_vectors(vectors)
    known = vectors.rows if vectors is not None else {}
    counts = keyed_counts(corpus, rules, known)
    kept = {word: n for word, n in counts.items() if word in known or (train == "all" and n >= min_count)}
    seen = sorted(kept, key=lambda word: (-kept[word], word))
    if vectors is None:
        return Words(Vocabulary(seen), len(seen) + 2, rules=tuple(rules))
    extra = [word for word in vectors.words if word not in kept][:unseen_vectors]
    vocabulary = Vocabulary([*seen, *extra])
    found = [word for word in vocabulary.items if word in known]
    return Words(
        vocabulary=vocabulary,
        trained=2 if train == "none" else len(seen) + 2,
        unseen=len(extra),
        vectors=vectors,
        rows=np.asarray([vocabulary.index(word) for word in found], int),
        sources=np.asarray([known[word] for word in found], int),
        rules=tuple(rules),
    )


def _check_train(train: str, vectors: Any) -> None:
    if train not in TRAIN:
        raise SettingsError(
            f"Unknown choice {train!r} of vectors that learn; expected one of {', '.join(TRAIN)}."
            + suggest(train, TRAIN)
        )
    if train != "all" and vectors is None:
        raise SettingsError(f"train={train!r} (words.train) is about the vectors of a file: name one, or leave it out.")


def keyed_counts(corpus: Corpus, rules: Sequence[str], known: Container[str]) -> Counter[str]:
    """Counts a corpus' words under their keys: the first look-up candidate that is known, else the last."""
    counts: Counter[str] = Counter()
    for word, count in corpus.words().items():
        candidates = lookups(word, rules)
        counts[next((candidate for candidate in candidates if candidate in known), candidates[-1])] += count
    return counts


def features_of(
    vectorizer: Vectorizer,
    words: Words,
    dim: int | None = None,
    dropout: float = 0.0,
    chars: str | CharMaker | None = "cnn",
    casing: bool = True,
    unknown: str = "trained",
    char_options: Mapping[str, Any] | None = None,
    category_dim: int = 20,
    mix_options: Mapping[str, Any] | None = None,
    elmo: ElmoVectors | None = None,
) -> list[keras.layers.Layer]:
    """Builds the feature layers and writes the file's vectors into the word table.

    Args:
        vectorizer: The vectorizer of the corpus.
        words: What `words_of` returned.
        dim: Width of word vectors, 50 by default; where a file gives vectors, their width and no other.
        dropout: Share of words read as unknown in training.
        chars: Name of the character encoder, or what makes one for a number of characters, or `None`.
        casing: Whether casing patterns are embedded.
        unknown: What an unknown word's vector is, see `WordEmbedding`.
        char_options: Arguments of the character encoder that is made by name.
        category_dim: Width of the vectors of each of the vectorizer's categorical features.
        mix_options: Arguments of the `ScalarMix` of contextual vectors, which is there if the vectorizer has a source.
        elmo: An ELMo model that learns with the others; a copy of it is taken.

    Raises:
        SettingsError: If `dim` differs from the width of the file's vectors, or there is no such character encoder.
    """
    features: list[keras.layers.Layer] = [word_embedding(vectorizer, words, dim, dropout, unknown)]
    if casing:
        features.append(CasingEmbedding(len(CASING), name="casing_vectors"))
    for category, values in vectorizer.categories.items():
        name = category.name
        features.append(CategoryEmbedding(len(values), category_dim, field=name, name=f"{name}_vectors"))
    if isinstance(chars, str):
        kind = named(chars, CHARS, "character encoder")
        features.append(kind(len(vectorizer.characters), name="character_vectors", **(char_options or {})))
    elif chars is not None:
        features.append(chars(len(vectorizer.characters)))
    source = vectorizer.contextual
    if source is not None:
        features.append(ScalarMix(source.layers, source.width, name="contextual_vectors", **(mix_options or {})))
    if elmo is not None:
        features.append(_copied(elmo))
    return features


def _copied(elmo: ElmoVectors) -> ElmoVectors:
    made = ElmoVectors.from_config({**elmo.get_config(), "name": "elmo_vectors"})
    for layer in (elmo, made):
        if not layer.built:
            layer.build((None, len(layer.edges[0])), (None, None))
    made.set_weights(elmo.get_weights())
    return made


def inputs_of(features: Sequence[keras.layers.Layer]) -> dict[str, Any]:
    """Makes the inputs that features read, and the mask: whole numbers but where a feature's `specs` say otherwise."""
    specs: dict[str, Any] = {field: {"shape": (None,), "dtype": "int32"} for part in features for field in part.fields}
    for feature in features:
        specs |= getattr(feature, "specs", {})
    specs["mask"] = {"shape": (None,), "dtype": "bool"}
    return {name: keras.Input(name=name, **spec) for name, spec in specs.items()}


def word_embedding(
    vectorizer: Vectorizer, words: Words, dim: int | None = None, dropout: float = 0.0, unknown: str = "trained"
) -> WordEmbedding:
    """Builds the word table and writes the file's vectors into it; arguments as of `features_of`."""
    width = (dim or WIDTH) if words.vectors is None else words.vectors.dimension
    if dim is not None and dim != width:
        raise SettingsError(
            f"dim (words.dim in a run's settings) is {dim}, but the word vectors of the file have {width} numbers "
            "each: leave dim out, or name a file of that width."
        )
    embedding = WordEmbedding(
        words.trained,
        width,
        frozen_rows=len(vectorizer.words) - words.trained,
        trainable_vectors=words.trained > 2 or unknown == "trained",  # else no row of the first table would learn
        dropout=dropout,
        unknown=unknown,
        name="word_vectors",
    )
    embedding.build((None, None))
    if words.vectors is not None and words.rows is not None and words.sources is not None:
        embedding.load_vectors(words.rows, words.vectors.matrix[words.sources])
    return embedding


def named(name: str, parts: dict[str, Part], what: str) -> Part:
    """Returns the part of that name, or says which names there are."""
    if name not in parts:
        raise SettingsError(f"Unknown {what} {name!r}; expected one of {', '.join(parts)}." + suggest(name, parts))
    return parts[name]
