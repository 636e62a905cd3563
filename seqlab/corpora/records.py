"""A sentence with its columns of annotation, and a corpus as a sequence of sentences."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import overload

from seqlab.errors import DataError, SettingsError, suggest
from seqlab.tags.schemes import scheme as find_scheme
from seqlab.tags.spans import convert


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence: words, columns of the same length, and where it stands.

    Args:
        words: The words as they stand in the file.
        columns: For each annotation its name and one value for each word.
        file: The file it was read from, where there is one.
        lines: The 1-based line of each word in that file; empty where there is none.
        document: Number of the document inside its file, from 0.
        text: The original text, where it is known.
        id: The file's own name for the sentence, where it has one.

    Raises:
        DataError: A column or `lines` has another length than `words`.
    """

    words: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    file: str = ""
    lines: tuple[int, ...] = ()
    document: int = 0
    text: str | None = None
    id: str = ""

    def __post_init__(self) -> None:
        for name, column in self.columns.items():
            if len(column) != len(self.words):
                message = f"Column {name!r} has {len(column)} values for {len(self.words)} words."
                raise DataError(message, self.file, self.lines[0] if self.lines else None)
        if self.lines and len(self.lines) != len(self.words):
            raise DataError(f"{len(self.lines)} line numbers for {len(self.words)} words.", self.file)

    def __len__(self) -> int:
        return len(self.words)

    def place(self, i: int) -> str:
        """Says where token `i` stands: `file:line`, or `token i` without a file."""
        return f"{self.file}:{self.lines[i]}" if self.file and self.lines else f"token {i}"


class Corpus(Sequence[Sentence]):
    """Sentences with the same columns, in a fixed order.

    Args:
        sentences: The sentences.
        schemes: For each column its tag scheme, or None for plain labels; columns not named are plain.
        name: What to call the corpus in reports.

    Raises:
        DataError: The sentences have different columns.
        SettingsError: `schemes` names a scheme or a column that does not exist.

    >>> corpus = Corpus([Sentence(("Hi", "Bob"), {"ner": ("O", "B-PER")})], {"ner": "bio"})
    >>> corpus.tokens, corpus.tasks, corpus.schemes["ner"]
    (2, ('ner',), 'iob2')
    """

    def __init__(
        self, sentences: Iterable[Sentence], schemes: Mapping[str, str | None] | None = None, name: str = ""
    ) -> None:
        self._sentences = tuple(sentences)
        self.name = name
        given = {task: row and find_scheme(row).name for task, row in (schemes or {}).items()}
        tasks = tuple(self._sentences[0].columns) if self._sentences else tuple(given)
        for sentence in self._sentences:
            if sentence.columns.keys() != set(tasks):
                where = sentence.place(0) if sentence.words else "an empty sentence"
                found = list(sentence.columns)
                raise DataError(f"Columns {found} at {where}; the first sentence has {list(tasks)}.")
        for task in given:
            _require(task, tasks)
        self.schemes: dict[str, str | None] = {task: given.get(task) for task in tasks}

    @overload
    def __getitem__(self, index: int) -> Sentence: ...

    @overload
    def __getitem__(self, index: slice) -> Corpus: ...

    def __getitem__(self, index: int | slice) -> Sentence | Corpus:
        return self._part(self._sentences[index]) if isinstance(index, slice) else self._sentences[index]

    def __len__(self) -> int:
        return len(self._sentences)

    def __iter__(self) -> Iterator[Sentence]:
        return iter(self._sentences)

    def __add__(self, other: Corpus) -> Corpus:
        if self and other and self.schemes != other.schemes:
            raise DataError(
                f"Cannot join corpora with different columns or schemes: {self.schemes} and {other.schemes}. "
                "Use converted() to bring them to one scheme."
            )
        joined = "+".join(dict.fromkeys(part.name for part in (self, other) if part.name))
        return Corpus((*self, *other), self.schemes if self else other.schemes, joined)

    def __repr__(self) -> str:
        name = f"{self.name!r}, " if self.name else ""
        tasks = ", ".join(self.tasks) or "none"
        return f"Corpus({name}{len(self)} sentences, {self.tokens} tokens, tasks {tasks})"

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of the annotation columns."""
        return tuple(self.schemes)

    @property
    def tokens(self) -> int:
        """The number of tokens."""
        return sum(map(len, self._sentences))

    def words(self) -> Counter[str]:
        """Counts the words."""
        return Counter(word for sentence in self._sentences for word in sentence.words)

    def labels(self, task: str) -> Counter[str]:
        """Counts the labels of one column."""
        return Counter(label for column in self.column(task) for label in column)

    def column(self, task: str) -> list[tuple[str, ...]]:
        """Returns one column, a tuple for each sentence."""
        _require(task, self.tasks)
        return [sentence.columns[task] for sentence in self._sentences]

    def sample(self, n: int, seed: int) -> tuple[Corpus, Corpus]:
        """Draws `n` sentences at random; both parts keep the order of the corpus.

        Args:
            n: How many to draw.
            seed: The same seed draws the same sentences.

        Returns:
            The drawn sentences and the rest.
        """
        if not 0 <= n <= len(self):
            raise SettingsError(f"Cannot draw {n} of {len(self)} sentences.")
        drawn = set(random.Random(seed).sample(range(len(self)), n))
        return self._where(drawn, True), self._where(drawn, False)

    def split(self, fraction: float, seed: int) -> tuple[Corpus, Corpus]:
        """Holds out a random fraction of the sentences, at least one.

        Args:
            fraction: The share to hold out, above 0 and below 1.
            seed: The same seed holds out the same sentences.

        Returns:
            The rest and the held-out part.
        """
        n = max(1, round(fraction * len(self)))
        if not 0 < fraction < 1 or n >= len(self):
            raise SettingsError(f"Cannot hold out a fraction of {fraction} of {len(self)} sentences.")
        held_out, rest = self.sample(n, seed)
        return rest, held_out

    def folds(self, n: int, seed: int) -> Iterator[tuple[Corpus, Corpus]]:
        """Deals the sentences into `n` parts and yields each as held-out part, with the others for training.

        Args:
            n: The number of folds, from 2 to the number of sentences.
            seed: The same seed deals the same parts.

        Returns:
            An iterator of pairs: training part and held-out part.
        """
        if not 2 <= n <= len(self):
            raise SettingsError(f"Cannot deal {len(self)} sentences into {n} folds; expected 2 to {len(self)}.")
        order = random.Random(seed).sample(range(len(self)), len(self))
        parts = [set(order[k::n]) for k in range(n)]
        return ((self._where(part, False), self._where(part, True)) for part in parts)

    def converted(self, task: str, scheme: str) -> Corpus:
        """Returns the corpus with one column in another tag scheme.

        Raises:
            DataError: A tag breaks the column's scheme, or the column holds plain labels.
        """
        _require(task, self.tasks)
        source = self.schemes[task]
        if source is None:
            raise DataError(f"Column {task!r} holds plain labels, no spans: it has no scheme to convert from.")
        target = find_scheme(scheme).name
        sentences = []
        for sentence in self._sentences:
            try:
                tags = tuple(convert(sentence.columns[task], source, target))
            except DataError as error:
                line = sentence.lines[0] if sentence.lines else None
                raise DataError(f"In the sentence that begins here: {error}", sentence.file, line) from None
            sentences.append(replace(sentence, columns={**sentence.columns, task: tags}))
        return Corpus(sentences, {**self.schemes, task: target}, self.name)

    def _where(self, indices: set[int], inside: bool) -> Corpus:
        return self._part(s for i, s in enumerate(self._sentences) if (i in indices) == inside)

    def _part(self, sentences: Iterable[Sentence]) -> Corpus:
        return Corpus(sentences, self.schemes, self.name)


def _require(task: str, tasks: Sequence[str]) -> None:
    if task not in tasks:
        known = ", ".join(tasks) or "none"
        raise SettingsError(f"Unknown column {task!r}; the corpus has: {known}.{suggest(task, tasks)}")
