"""Categorical features of a word: affixes, shape, and further columns of the corpus."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from seqlab.corpora.records import Sentence
from seqlab.errors import DataError, SettingsError, suggest

KINDS = ("prefix", "suffix", "shape", "column")
_NAME = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)


@dataclass(frozen=True)
class Category:
    """One categorical feature: from a word, or a word in its sentence, to a string.

    - `Category("prefix", 3)`, `Category("suffix", 3)`: the first or last characters of the word in small letters, the
      whole word where it is shorter.
    - `Category("shape")`: capitals as X, other letters as x, digits as d, runs of the same as one (Settles 2004).
    - `Category("column", "pos")`: what the corpus has in a column; at inference it must be given too.

    Attributes:
        kind: One of those names.
        of: How many characters, or the name of the column.

    Raises:
        SettingsError: For another kind, no number of characters, or a column whose name is not made of letters, digits,
            `_`, `-` and dots, which names of a model's inputs are made of.

    >>> [Category("suffix", 2).of_word("Oslo"), Category("shape").of_word("Oslo-2024"), Category("column", "pos").name]
    ['lo', 'Xx-d', 'column_pos']
    """

    kind: str
    of: int | str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SettingsError(
                f"Unknown kind of feature {self.kind!r}; expected one of {', '.join(KINDS)}.{suggest(self.kind, KINDS)}"
            )
        wanted: dict[str, tuple[type, str]] = {
            "shape": (type(None), "nothing"),
            "column": (str, "the name of a column, of letters, digits, _, - and dots"),
        }
        kind, what = wanted.get(self.kind, (int, "a number of characters above 0"))
        fits = isinstance(self.of, kind) and not isinstance(self.of, bool)
        if not fits or (kind is int and self.of < 1) or (kind is str and not _NAME.fullmatch(self.of)):  # type: ignore
            raise SettingsError(f"A feature of the kind {self.kind!r} is of {what}; received {self.of!r}.")

    @property
    def name(self) -> str:
        """Name of the array that holds it in a batch."""
        return self.kind if self.of is None else f"{self.kind}_{self.of}"

    @property
    def column(self) -> str | None:
        """The column that it reads, `None` for what is made of the word."""
        return str(self.of) if self.kind == "column" else None

    def of_word(self, word: str) -> str:
        """Returns the feature of a word, for all kinds but columns."""
        if self.kind == "shape":
            return word_shape(word)
        size = int(self.of or 0)
        return word.lower()[:size] if self.kind == "prefix" else word.lower()[-size:]

    def of_sentence(self, sentence: Sentence) -> Sequence[str]:
        """Returns the feature of each word of a sentence.

        Raises:
            DataError: The sentence lacks the column, with what to do.
        """
        if self.column is None:
            return [self.of_word(word) for word in sentence.words]
        if self.column not in sentence.columns:
            raise DataError(self._missing(sentence), sentence.file, sentence.lines[0] if sentence.lines else None)
        return sentence.columns[self.column]

    def counts(self, sentences: Sequence[Sentence]) -> Counter[str]:
        """Counts the values in a corpus."""
        return Counter(value for sentence in sentences for value in self.of_sentence(sentence))

    def get_config(self) -> dict[str, Any]:
        """Returns the attributes."""
        return {"kind": self.kind, "of": self.of}

    def _missing(self, sentence: Sentence) -> str:
        shown = " ".join(sentence.words[:8]) + (" ..." if len(sentence) > 8 else "")
        found = ", ".join(sentence.columns) or "none but the words, as raw text has"
        return (
            f"The model reads the column {self.column!r} besides the words; the sentence {shown!r} has {found}. "
            f"Give it: in Python as tagger.tag(Sentence(words, {{{self.column!r}: values}})), on the command line as a "
            f"column file with --columns word=0 {self.column}=1."
        )


def word_shape(word: str) -> str:
    """Returns the shape of a word: capitals as X, other letters as x, digits as d, each run of the same as one.

    >>> [word_shape(word) for word in ("McDonald", "U.S.", "1,990", "--", "e.g")]
    ['XxXx', 'X.X.', 'd,d', '-', 'x.x']
    """
    return "".join(kind for kind, _ in groupby(map(_letter, word)))


def _letter(character: str) -> str:
    if character.isupper() or character.istitle():
        return "X"
    if character.isalpha():
        return "x"
    return "d" if character.isdigit() else character
