"""The eight capitalisation patterns that a word is marked with."""

from __future__ import annotations

CASING: tuple[str, ...] = (
    "padding",
    "numeric",
    "mainly numeric",
    "all lower",
    "all upper",
    "initial upper",
    "contains digit",
    "other",
)
"""Names of the patterns; the position of a name is its index, and 0 is padding."""

_INDEX = {name: index for index, name in enumerate(CASING)}


def casing(word: str) -> int:
    """Returns the index in `CASING` of the first pattern that fits the word, in the order of that table.

    Digits and case are those of Unicode. "Mainly numeric" is more than half digits; no word is "padding".

    Args:
        word: The word as written.

    Returns:
        An index from 1 to 7.

    >>> [CASING[casing(word)] for word in ("1990", "1990s", "the", "EU", "Paris", "iPhone", "$")]
    ['numeric', 'mainly numeric', 'all lower', 'all upper', 'initial upper', 'other', 'other']
    """
    return _INDEX[_pattern(word)]


def _pattern(word: str) -> str:
    if word.isdigit():
        return "numeric"
    digits = sum(map(str.isdigit, word))
    if 2 * digits > len(word):
        return "mainly numeric"
    if word.islower():
        return "all lower"
    if word.isupper():
        return "all upper"
    if word[:1].isupper() or word[:1].istitle():  # a titlecase digraph such as U+01C5 is not upper
        return "initial upper"
    return "contains digit" if digits else "other"
