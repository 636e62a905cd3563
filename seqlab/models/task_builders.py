"""From the corpora of several tasks to one vectorizer: a shared vocabulary, labels and a scheme for each task."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from seqlab.constants import DEFAULT_RULES
from seqlab.corpora.records import Corpus
from seqlab.corpora.tasks import all_sentences
from seqlab.errors import DataError, SettingsError
from seqlab.models.builders import RARE
from seqlab.models.inputs import Words, words_of
from seqlab.text.categories import Category
from seqlab.text.contextual import Contextual
from seqlab.text.vectorizer import Vectorizer
from seqlab.text.vectors import WordVectors
from seqlab.text.vocabulary import Labels, Vocabulary


def words_of_tasks(
    corpora: Mapping[str, Corpus],
    vectors: str | os.PathLike[str] | WordVectors | None = None,
    rules: Sequence[str] = DEFAULT_RULES,
    min_count: int = 2,
    unseen_vectors: int | None = None,
    train: str = "all",
) -> Words:
    """Chooses the rows of the word table that all tasks share; arguments and errors as those of `words_of`.

    Words are counted over all tasks, those of a sentence that several tasks have once.
    """
    return words_of(all_sentences(corpora), vectors, rules, min_count, unseen_vectors, train)


def vectorizer_of_tasks(
    corpora: Mapping[str, Corpus],
    words: Words,
    categories: Sequence[Category] = (),
    contextual: Contextual | None = None,
) -> Vectorizer:
    """Builds the vectorizer of several tasks.

    Args:
        corpora: The training corpus of each task, labels in the column of its name
            (`seqlab.corpora.tasks.task_corpora`).
        words: What `words_of_tasks` returned; words are looked up by its rules.
        categories: Categorical features; columns among them must be in every corpus.
        contextual: Where contextual vectors come from.

    Returns:
        The vectorizer; its `labels` and `schemes` are by task, in the order of the corpora.

    Raises:
        DataError: A task has no sentences, or its corpus lacks a column.
        SettingsError: A feature is there twice, or is a column that is learnt; there is no task.
    """
    _check(corpora, categories)
    whole = [sentence for corpus in corpora.values() for sentence in corpus]
    characters = {character for sentence in whole for word in sentence.words for character in word}
    return Vectorizer(
        words=words.vocabulary,
        characters=Vocabulary(sorted(characters)),
        labels={task: Labels(sorted(corpus.labels(task))) for task, corpus in corpora.items()},
        rules=words.rules,
        schemes={task: corpus.schemes[task] for task, corpus in corpora.items()},
        categories={
            category: Vocabulary.from_counts(category.counts(whole), min_count=RARE) for category in categories
        },
        contextual=contextual,
    )


def _check(corpora: Mapping[str, Corpus], categories: Sequence[Category]) -> None:
    columns = [category.column for category in categories if category.column is not None]
    if len(set(categories)) < len(categories) or set(columns) & set(corpora):
        raise SettingsError(
            f"Features must be different ones, and columns ({', '.join(columns) or 'none'}) others than those learnt "
            f"({', '.join(corpora)})."
        )
    if not corpora:
        raise SettingsError("Expected at least one task, received none.")
    for task, corpus in corpora.items():
        if not len(corpus):
            raise DataError(f"The task {task!r} has no training data: give it sentences, or leave it out.")
        for name in (task, *columns):
            if name not in corpus.tasks:
                raise DataError(
                    f"The corpus of the task {task!r} has no column {name!r}; it has: "
                    f"{', '.join(corpus.tasks) or 'none'}. See seqlab.corpora.task_corpora."
                )
