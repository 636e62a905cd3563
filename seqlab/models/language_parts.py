"""From a text to the parts of a language model: its vocabulary, and what it reads of a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import keras

from seqlab.batches.neighbours import END, START
from seqlab.corpora.records import Corpus
from seqlab.errors import SettingsError, suggest
from seqlab.layers.features.chars import CharCNN
from seqlab.layers.features.words import WordEmbedding
from seqlab.layers.stack import RecurrentStack
from seqlab.text.vectorizer import Vectorizer
from seqlab.text.vocabulary import Vocabulary

Reads = Literal["chars", "words", "both"]
CHARS = {"dim": 16, "filters": 50, "widths": (1, 2, 3, 4, 5), "highway": 1}
"""The character encoder where nothing else is said."""


def vectorizer_of_text(
    text: Corpus | Mapping[str, int],
    min_count: int = 2,
    max_words: int | None = None,
    listed: Sequence[str] | None = None,
) -> Vectorizer:
    """Builds the vectorizer of a text: words as they are written, in the order of falling frequency, after the edges.

    Args:
        text: The training text, or how often each word comes in it.
        min_count: Occurrences from which a word is known.
        max_words: The most words to know, the most frequent ones.
        listed: The words to know, most frequent first, in place of those of the text.
    """
    counts = text.words() if isinstance(text, Corpus) else text
    if listed is None:
        listed = Vocabulary.from_counts(counts, min_count, max_words).items
    edges = (START, END)
    characters = {character for words in (counts, listed) for word in words for character in word}
    return Vectorizer(
        words=Vocabulary([*edges, *(word for word in listed if word not in edges)]),
        characters=Vocabulary([*edges, *sorted(characters - set(edges))]),
        labels={},
        rules=(),
    )


def features_of_text(
    vectorizer: Vectorizer, reads: str, dim: int, dropout: float = 0.0, chars: dict[str, Any] | None = None
) -> list[keras.layers.Layer]:
    """Makes the layers that read a word.

    Args:
        vectorizer: The vectorizer.
        reads: "chars", "words" or "both".
        dim: Width of the words' vectors.
        dropout: Share of words that are read as unknown in training (words alone).
        chars: Arguments of the `CharCNN` in place of those of `CHARS`.

    Raises:
        SettingsError: For another name.
    """
    kinds = ("chars", "words", "both")
    if reads not in kinds:
        raise SettingsError(f"reads is one of {', '.join(kinds)}, received {reads!r}.{suggest(reads, kinds)}")
    found: list[keras.layers.Layer] = []
    if reads != "words":
        found.append(CharCNN(len(vectorizer.characters), name="char_vectors", **{**CHARS, **(chars or {})}))
    if reads != "chars":
        found.append(WordEmbedding(len(vectorizer.words), dim, dropout=dropout, name="word_vectors"))
    return found


def direction_width(encoder: Any) -> int:
    """Width of one direction's output, of an encoder whose directions do not see each other.

    Raises:
        SettingsError: For any other encoder.
    """
    if not isinstance(encoder, RecurrentStack) or encoder.stacking != "per_direction" or not encoder.all_layers:
        raise SettingsError(
            "The two directions of a language model must not see each other, and all layers are wanted: give it a "
            "RecurrentStack(..., stacking='per_direction', all_layers=True)."
        )
    return int(encoder.width) // 2


def check_tied(tied: bool, features: Sequence[keras.layers.Layer], width: int) -> None:
    """Refuses word vectors that cannot serve the output, where they are to."""
    if not tied:
        return
    if len(features) != 1 or not isinstance(features[0], WordEmbedding) or features[0].frozen_rows:
        raise SettingsError("tied takes the input's word vectors for the output too: read words and nothing else.")
    if features[0].dim != width:
        raise SettingsError(
            f"tied needs word vectors as wide as one direction's output, {width}; received {features[0].dim}: make "
            "them so, or project the cells' outputs to that width."
        )
