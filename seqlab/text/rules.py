"""Word normalisation, as rules with names: a model saves the names of those it was trained with."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence

from seqlab.errors import SettingsError, suggest

_DIGIT = re.compile(r"\d")
_BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}"}
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'"})


def _digits(word: str) -> str:
    return _DIGIT.sub("0", word)


def _brackets(word: str) -> str:
    return _BRACKETS.get(word.upper()) or word.replace("\\/", "/").replace("\\*", "*")


def _nfc(word: str) -> str:
    return unicodedata.normalize("NFC", word)


def _quotes(word: str) -> str:
    return '"' if word in ("``", "''") else word.translate(_QUOTES)


RULES: dict[str, Callable[[str], str]] = {
    "lowercase": str.lower,
    "digits": _digits,  # every decimal digit of any script becomes 0
    "brackets": _brackets,  # the Penn Treebank's escapes: -LRB- or -lrb- to (, \/ to /, \* to *
    "nfc": _nfc,  # a letter and its combining accent become one code point
    "quotes": _quotes,  # `` and '' become ", curly quotes become straight ones
}
"""Rule name to the function that applies it to one word."""


def lookups(word: str, rules: Sequence[str]) -> list[str]:
    r"""Returns the spellings under which to look a word up, the nearest to the original first.

    Args:
        word: The word as written.
        rules: Names from `RULES`, in the order in which they are applied.

    Returns:
        The word itself, then the word after the first rule, after the first two, and so on; none twice.

    Raises:
        SettingsError: If there is no rule of a name.

    >>> lookups("1\\/2-Year", ["brackets", "lowercase", "digits"])
    ['1\\/2-Year', '1/2-Year', '1/2-year', '0/0-year']
    """
    return list(stages(word, rules))


def stages(word: str, rules: Sequence[str]) -> dict[str, str]:
    """Returns the same spellings, each with the name of the rule that led to it last, the first with none.

    >>> stages("THE", ["brackets", "lowercase", "digits"])
    {'THE': '', 'the': 'lowercase'}
    """
    found = {word: ""}
    for name in rules:
        if name not in RULES:
            known = ", ".join(RULES)
            raise SettingsError(f"Unknown word rule {name!r}; known: {known}.{suggest(name, RULES)}")
        word = RULES[name](word)
        found.setdefault(word, name)
    return found
