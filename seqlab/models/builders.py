"""From a corpus to the parts of a tagger: vocabularies, labels, head; its inputs are in `seqlab.models.inputs`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from seqlab.constants import DEFAULT_RULES
from seqlab.corpora.records import Corpus
from seqlab.errors import DataError, SettingsError, suggest
from seqlab.layers.features.elmo import ElmoVectors
from seqlab.layers.heads.base import Head
from seqlab.layers.heads.crf import CRFHead
from seqlab.layers.heads.rules import Rulebook
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.models.inputs import CharMaker, Words, features_of, named, words_of
from seqlab.models.language_objective import language_objective
from seqlab.models.producers import open_producer
from seqlab.models.rules import Choice, rules_of
from seqlab.text.categories import Category
from seqlab.text.contextual import Contextual, contextual_of
from seqlab.text.vectorizer import Vectorizer
from seqlab.text.vectors import WordVectors
from seqlab.text.vocabulary import Labels, Vocabulary

RARE = 2  # occurrences in training below which a value of a categorical feature trains the unknown one's vector
HEADS: dict[str, type[Head]] = {"softmax": SoftmaxHead, "crf": CRFHead}


def vectorizer_of(
    corpus: Corpus,
    task: str,
    words: Words,
    others: Sequence[str] = (),
    categories: Sequence[Category] = (),
    contextual: Contextual | None = None,
) -> Vectorizer:
    """Builds the vectorizer of a training corpus for one task, and for others that are learnt besides.

    Args:
        corpus: The training corpus.
        task: The column to learn.
        words: What `words_of` returned; words are looked up by its rules.
        others: Columns to learn besides.
        categories: Categorical features. Their values are those that training holds twice or more; others are unknown.
        contextual: Where contextual vectors come from.

    Raises:
        DataError: The corpus lacks one of the columns.
        SettingsError: A feature is there twice, or is the column that is learnt.
    """
    tasks = (task, *others)
    columns = [category.column for category in categories if category.column is not None]
    if len(set(categories)) < len(categories) or set(columns) & set(tasks):
        raise SettingsError(
            f"Features must be different ones, and columns ({', '.join(columns) or 'none'}) others than those learnt "
            f"({', '.join(tasks)})."
        )
    for name in (*tasks, *columns):
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
        rules=words.rules,
        schemes={name: corpus.schemes.get(name) for name in tasks},
        categories={
            category: Vocabulary.from_counts(category.counts(corpus), min_count=RARE) for category in categories
        },
        contextual=contextual,
    )


def parts_of(
    corpus: Corpus,
    task: str,
    vectors: str | os.PathLike[str] | WordVectors | None,
    chars: str | CharMaker | None,
    head: str,
    unseen_vectors: int | None,
    constrained: Choice,
    constrained_loss: bool,
    categories: Sequence[Category],
    contextual: Any,
    language: Mapping[str, Any] | None = None,
    rules: Sequence[str] = DEFAULT_RULES,
) -> dict[str, Any]:
    """Builds what a tagger of a corpus is made of but for its encoder; see `Tagger.from_corpus`."""
    words = words_of(corpus, vectors, rules, unseen_vectors=unseen_vectors)
    source, elmo = sources_of(contextual)
    vectorizer = vectorizer_of(corpus, task, words, categories=categories, contextual=source)
    labels = vectorizer.labels[task]
    kept = rules_of(constrained, labels.items, vectorizer.schemes[task])
    return {
        "vectorizer": vectorizer,
        "features": features_of(vectorizer, words, chars=chars, elmo=elmo),
        "head": head_of(head, labels, kept, constrained_loss),
        "language": None if language is None else language_objective(vectorizer, corpus, **language),
    }


def sources_of(contextual: Any) -> tuple[Contextual | None, ElmoVectors | None]:
    """Tells a source of contextual vectors from a model of them that is to learn with the tagger."""
    if isinstance(contextual, ElmoVectors):
        return None, contextual
    return None if contextual is None else contextual_of(contextual, open_producer), None


def head_of(
    name: str,
    labels: Labels,
    constraints: Rulebook | None = None,
    constrained_loss: bool = False,
    label_smoothing: float = 0.0,
) -> Head:
    """Builds the head of that name.

    Args:
        name: "crf" or "softmax".
        labels: What it scores.
        constraints: What decoding must keep; `None` lets any label follow any other.
        constrained_loss: Whether the loss of a CRF keeps it too.
        label_smoothing: Of a softmax's loss.

    Raises:
        SettingsError: For a name that is not known, `constrained_loss` without a CRF or without constraints, or
            `label_smoothing` without a softmax.
    """
    kind = named(name, HEADS, "head")
    options: dict[str, Any] = {"constraints": constraints}
    if constrained_loss:
        if kind is not CRFHead:
            raise SettingsError(f"constrained_loss is for the head 'crf'; a {name} scores each token for itself.")
        options["constrained_loss"] = True
    if label_smoothing:
        if kind is not SoftmaxHead:
            raise SettingsError(f"label_smoothing is for the head 'softmax'; a {name} has one loss for all tokens.")
        options["label_smoothing"] = label_smoothing
    return kind(len(labels), name="head", **options)
