"""Sentences that no path of tags satisfies: found before anything is decoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from seqlab.corpora.records import Sentence
from seqlab.errors import DataError
from seqlab.tags.constraints import Constraints, Table
from seqlab.tags.expansion import Expansion

SHOWN = 8  # words of a sentence that a message quotes


def check_satisfiable(
    sentences: Sequence[Sentence], rules: Constraints | Expansion, sets: Mapping[int, Table] | None = None
) -> None:
    """Refuses sentences that no path satisfies.

    Where one tag alone may fill any sentence, as O does under every tag scheme, only those in `sets` are looked at.

    Args:
        sentences: The sentences.
        rules: The constraints.
        sets: For some sentences, by number, the tags that tokens are limited to, as `forced_tags` makes them.

    Raises:
        DataError: There is no path for a sentence; the message names the sentence, and its file and line if it has one.

    >>> from seqlab.tags.counting import at_least_one
    >>> rule = at_least_one(["O", "B-X", "B-Y"], "iob2", "X", "Y")
    >>> check_satisfiable([Sentence(("a", "b")), Sentence(("c",))], rule)
    Traceback (most recent call last):
    seqlab.errors.DataError: No tags fit the sentence 'c'. No path of 1 token(s) satisfies this: at least one span of \
each of 'X', 'Y': whatever can stand at token 0, the last one, may not end a sentence. Loosen the constraints or the \
tags forced in this sentence.
    """
    sets = sets or {}
    lengths: set[int] = set()  # those that are fine; the length decides where neither words nor forced tags do
    for number in sorted(sets) if _endless(rules) else range(len(sentences)):
        sentence = sentences[number]
        alike = number not in sets and not rules.gates
        if alike and len(sentence) in lengths:
            continue
        try:
            rules.check_feasible(len(sentence), rules.allowed(sentence.words, sets.get(number)))
        except DataError as error:
            line = sentence.lines[0] if sentence.lines else None
            raise DataError(f"No tags fit the sentence {_quoted(sentence)}. {error}", sentence.file, line) from None
        if alike:
            lengths.add(len(sentence))


def _endless(rules: Constraints | Expansion) -> bool:
    """Whether a state may begin, go on and end, whatever the words: then every sentence has a path."""
    alone = rules.start & rules.end & np.diag(rules.transitions)
    for gate in rules.gates:
        alone = alone & (gate.columns == 0)
    return bool(alone.any())


def _quoted(sentence: Sentence) -> str:
    more = " ..." if len(sentence) > SHOWN else ""
    return repr(" ".join(sentence.words[:SHOWN]) + more)
