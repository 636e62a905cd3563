"""Words as ELMo reads them: the bytes of each between marks, and sentences between marks of their own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from seqlab.errors import SettingsError

CHARACTERS = 262
"""How many numbers there are: 0 at padded tokens, 1 to 256 for bytes, then the marks below."""
BEGIN_SENTENCE, END_SENTENCE, BEGIN_WORD, END_WORD, PADDING = 257, 258, 259, 260, 261
LENGTH = 50
ELMO_FIELD = "elmo_chars"
"""Name of the array of a batch with the numbers of its distinct words, (forms, LENGTH)."""


def elmo_characters(words: Sequence[str], length: int = LENGTH) -> np.ndarray:
    """Returns the numbers of words, as bilm-tf's: `[begin word, bytes + 1, end word, padding, ...]`.

    Bytes are those of UTF-8; of a word with more than `length - 2` the first ones are read.

    Args:
        words: The words.
        length: Numbers of each word, the marks among them.

    Returns:
        (words, length) integers, all above 0.

    Raises:
        SettingsError: For a length below 3.

    >>> elmo_characters(["ab"], length=6).tolist()
    [[259, 98, 99, 260, 261, 261]]
    """
    _check_length(length)
    found = np.full((len(words), length), PADDING, np.int32)
    for row, word in zip(found, words, strict=True):
        data = word.encode("utf-8", "ignore")[: length - 2]
        row[0] = BEGIN_WORD
        row[1 : len(data) + 1] = np.frombuffer(data, np.uint8).astype(np.int32) + 1
        row[len(data) + 1] = END_WORD
    return found


@cache
def elmo_edges(length: int = LENGTH) -> tuple[np.ndarray, np.ndarray]:
    """Returns the numbers of the begin and the end of a sentence, (length,) each, which are read as words.

    >>> elmo_edges(4)[0].tolist()
    [259, 257, 260, 261]
    """
    _check_length(length)
    found = np.full((2, length), PADDING, np.int32)
    found[:, 0], found[:, 1], found[:, 2] = BEGIN_WORD, (BEGIN_SENTENCE, END_SENTENCE), END_WORD
    return found[0], found[1]


def _check_length(length: int) -> None:
    if length < 3:
        raise SettingsError(f"A word of ELMo's has at least 3 numbers, its marks among them; received length={length}.")
