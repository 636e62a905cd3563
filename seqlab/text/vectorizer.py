"""From sentences to integer arrays, once for each corpus: the only way strings enter a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from seqlab.constants import DEFAULT_RULES, IGNORE
from seqlab.corpora.records import Sentence
from seqlab.errors import DataError
from seqlab.text.casing import casing
from seqlab.text.categories import Category
from seqlab.text.contextual import Contextual, Opener
from seqlab.text.rules import lookups
from seqlab.text.vocabulary import Labels, Vocabulary


@dataclass
class Encoded:
    """A corpus as flat integer arrays: every token of every sentence in order, nothing padded.

    Attributes:
        sentences: The sentences, in the same order.
        offsets: Start of each sentence in the flat arrays, and the end of the last: `(sentences + 1,)`.
        tokens: Field name to `(tokens,)` array: `words`, `casing`, `forms` (row of each token in the table of
            distinct word forms), and one for each categorical feature under its name.
        labels: Task name to `(tokens,)` array of label indices, `IGNORE` where a label is unknown.
        characters: Characters of all distinct word forms, one after the other.
        form_offsets: Start of each form in `characters`, and the end of the last.
        unseen: Task name to the labels that the vectorizer does not know, with their counts.
        contextual: Where the contextual vectors of the sentences come from, read batch by batch.
    """

    sentences: Sequence[Sentence]
    offsets: np.ndarray
    tokens: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    characters: np.ndarray
    form_offsets: np.ndarray
    unseen: dict[str, Counter[str]] = field(default_factory=dict)
    contextual: Contextual | None = None

    @property
    def lengths(self) -> np.ndarray:
        """Number of tokens of each sentence."""
        return np.diff(self.offsets)


class Vectorizer:
    """Turns words into the integers that a model reads, by explicit rules that are saved with it.

    A word's row is that of the first of its look-up candidates (`seqlab.text.rules.lookups`) that the vocabulary
    holds, else the unknown word's. Characters beyond `char_limit` are left out of the middle of a word for the
    character encoder alone; the token itself is never cut.

    Args:
        words: Word vocabulary. The rows of words seen in training come first.
        characters: Character vocabulary.
        labels: Task name to its labels.
        rules: Names of the normalisation rules, applied one after the other.
        schemes: Task name to its tag scheme, `None` for plain labels such as parts of speech.
        char_limit: Longest word, in characters, that the character encoder reads whole.
        categories: Categorical features, each with its values.
        contextual: Where contextual vectors come from, for models that read them.
    """

    def __init__(
        self,
        words: Vocabulary,
        characters: Vocabulary,
        labels: Mapping[str, Labels],
        rules: Sequence[str] = DEFAULT_RULES,
        schemes: Mapping[str, str | None] | None = None,
        char_limit: int = 48,
        categories: Mapping[Category, Vocabulary] | None = None,
        contextual: Contextual | None = None,
    ) -> None:
        if char_limit < 2:
            raise ValueError(f"char_limit must be at least 2, received {char_limit}.")
        lookups("", rules)  # an unknown rule fails here, not in the middle of a corpus
        self.words = words
        self.characters = characters
        self.labels = dict(labels)
        self.rules = tuple(rules)
        self.schemes = dict(schemes or {})
        self.char_limit = char_limit
        self.categories = dict(categories or {})
        self.contextual = contextual

    def encode(
        self, sentences: Sequence[Sentence], strict: bool = False, tasks: Sequence[str] | None = None
    ) -> Encoded:
        """Encodes sentences, with the labels of every task whose column they carry.

        Args:
            sentences: A corpus, or any sequence of sentences.
            strict: Refuse labels that the vectorizer does not know instead of counting them.
            tasks: The tasks whose labels are wanted; all by default.

        Returns:
            The flat arrays. A label that is not known becomes `IGNORE` and is counted in `unseen`.

        Raises:
            DataError: With `strict`, naming the place of the first unknown label; a sentence that lacks a column which
                is one of the features, or that no contextual vectors can be had for.
        """
        if self.contextual is not None:
            self.contextual.check(sentences)
        offsets = np.zeros(len(sentences) + 1, np.int64)
        np.cumsum([len(sentence) for sentence in sentences], out=offsets[1:])
        forms: dict[str, int] = {}
        rows = [forms.setdefault(word, len(forms)) for sentence in sentences for word in sentence.words]
        of_token = np.asarray(rows, np.int32)
        distinct = list(forms)
        word_rows, casing_rows, characters, form_offsets = self.encode_forms(distinct)
        encoded = Encoded(
            sentences=sentences,
            offsets=offsets,
            tokens={"words": word_rows[of_token], "casing": casing_rows[of_token], "forms": of_token},
            labels={},
            characters=characters,
            form_offsets=form_offsets,
            contextual=self.contextual,
        )
        for category, values in self.categories.items():
            encoded.tokens[category.name] = self._category(category, values, sentences, distinct, of_token)
        for task in self.labels if tasks is None else tasks:
            if len(sentences) and all(task in sentence.columns for sentence in sentences):
                encoded.labels[task], encoded.unseen[task] = self._labels(task, sentences, strict)
        return encoded

    def encode_forms(self, forms: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Encodes distinct word forms: the row of each, its casing, the characters of all, and where each one's begin.

        The last two are `characters` and `form_offsets` of `Encoded`.
        """
        spelled = [self._spell(form) for form in forms]
        form_offsets = np.zeros(len(spelled) + 1, np.int64)
        np.cumsum([len(spelling) for spelling in spelled], out=form_offsets[1:])
        return (
            np.asarray([self._word(form) for form in forms], np.int32),
            np.asarray([casing(form) for form in forms], np.int32),
            np.asarray([c for spelling in spelled for c in spelling], np.int32),
            form_offsets,
        )

    def _word(self, word: str) -> int:
        for candidate in lookups(word, self.rules):
            row = self.words.index(candidate)
            if row != Vocabulary.UNKNOWN:
                return row
        return Vocabulary.UNKNOWN

    @staticmethod
    def _category(
        category: Category,
        values: Vocabulary,
        sentences: Sequence[Sentence],
        distinct: Sequence[str],
        of_token: np.ndarray,
    ) -> np.ndarray:
        if category.column is None:
            return np.asarray([values.index(category.of_word(form)) for form in distinct], np.int32)[of_token]
        given = [values.index(value) for sentence in sentences for value in category.of_sentence(sentence)]
        return np.asarray(given, np.int32)

    def _spell(self, word: str) -> list[int]:
        if len(word) > self.char_limit:
            head = self.char_limit // 2
            word = word[:head] + word[head - self.char_limit :]
        return [self.characters.index(character) for character in word]

    def _labels(self, task: str, sentences: Sequence[Sentence], strict: bool) -> tuple[np.ndarray, Counter[str]]:
        known = self.labels[task]
        rows = {label: row for row, label in enumerate(known.items)}
        unseen: Counter[str] = Counter()
        flat = [rows.get(label, IGNORE) for sentence in sentences for label in sentence.columns[task]]
        if IGNORE in flat:
            for sentence in sentences:
                for position, label in enumerate(sentence.columns[task]):
                    if label in rows:
                        continue
                    if strict:
                        raise DataError(
                            f"{sentence.place(position)}: {task} label {label!r} was not seen in training "
                            f"(known: {', '.join(known.items)}). Correct it, or read without strict to count it "
                            "as an error, or give the tagger room for it: tagger.extended(corpus)."
                        )
                    unseen[label] += 1
        return np.asarray(flat, np.int32), unseen

    def get_config(self) -> dict[str, Any]:
        """Returns everything as JSON-safe values."""
        return {
            "words": self.words.get_config(),
            "characters": self.characters.get_config(),
            "labels": {task: labels.get_config() for task, labels in self.labels.items()},
            "rules": list(self.rules),
            "schemes": self.schemes,
            "char_limit": self.char_limit,
            "categories": [
                {**category.get_config(), **values.get_config()} for category, values in self.categories.items()
            ],
            "contextual": self.contextual and self.contextual.get_config(),
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any], opener: Opener | None = None) -> Vectorizer:
        """Rebuilds a vectorizer from `get_config()`; `opener` opens the producer of contextual vectors."""
        contextual = config.get("contextual")  # models saved before there was one have none, as with categories
        return cls(
            words=Vocabulary.from_config(config["words"]),
            characters=Vocabulary.from_config(config["characters"]),
            labels={task: Labels.from_config(labels) for task, labels in config["labels"].items()},
            rules=config["rules"],
            schemes=config["schemes"],
            char_limit=config["char_limit"],
            contextual=contextual and Contextual.from_config(contextual, opener),
            categories={
                Category(part["kind"], part["of"]): Vocabulary(part["items"]) for part in config.get("categories", ())
            },
        )
