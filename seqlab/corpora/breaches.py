"""Gold paths that break constraints: found before training, where they would make a loss that cannot fall."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from seqlab.corpora.records import Corpus, Sentence
from seqlab.tags.constraints import Constraints
from seqlab.tags.expansion import Expansion

SHOWN = 10  # breaches that a message lists


class Breach(NamedTuple):
    """A token of a corpus that breaks a constraint.

    Attributes:
        file: The file it stands in; empty where there is none.
        line: The 1-based line in that file, where there is one.
        message: What is wrong; without a line it begins with the sentence's and the token's number, from 0.
        sentence: The sentence's number in the corpus, from 0.
    """

    file: str
    line: int | None
    message: str
    sentence: int

    def __str__(self) -> str:
        """The breach in one line, as compilers write them."""
        return self.message if self.line is None else f"{self.file}:{self.line}: {self.message}"


def breaches(corpus: Sequence[Sentence], task: str, *rules: Constraints | Expansion) -> Iterator[Breach]:
    """Finds the labels of a corpus that break constraints, in the order of the corpus.

    Args:
        corpus: The corpus, or sentences that have the column.
        task: The column to examine.
        *rules: The constraints, each examined for itself: `Constraints` report every token at fault, an
            `Expansion` the first one of a sentence.

    Yields:
        A breach for each token and rule.

    Raises:
        SettingsError: The corpus has no such column.

    >>> from seqlab.corpora.records import Sentence
    >>> from seqlab.tags.rules import scheme_constraints
    >>> corpus = Corpus([Sentence(("Hi", "Bob"), {"ner": ("O", "I-PER")}, "a.txt", (1, 2))])
    >>> next(breaches(corpus, "ner", scheme_constraints(["O", "B-PER", "I-PER"], "iob2")))
    Breach(file='a.txt', line=2, message="column 'ner': 'I-PER' may not follow 'O'; expected: 'O', 'B-PER'", sentence=0)
    """
    paths = corpus.column(task) if isinstance(corpus, Corpus) else [sentence.columns[task] for sentence in corpus]
    for number, (sentence, path) in enumerate(zip(corpus, paths, strict=True)):
        for rule in rules:
            if isinstance(rule, Expansion):
                found = rule.violations(path, sentence.words)
            else:
                found = rule.violations(path)
            for i, problem in found:
                line = sentence.lines[i] if sentence.lines else None
                place = f"sentence {number}, token {i}: " if line is None else ""
                yield Breach(sentence.file, line, f"{place}column {task!r}: {problem}", number)


def listed(found: Sequence[Breach]) -> str:
    """Counts breaches and lists the first of them, a line each."""
    count = len({breach.sentence for breach in found})
    more = f"\n... and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    lines = "".join(f"\n{breach}" for breach in found[:SHOWN])
    return f"{len(found)} token(s) in {count} sentence(s):{lines}{more}"
