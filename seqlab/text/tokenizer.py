r"""The default tokeniser and sentence splitter, with exact character offsets.

Tokens follow the Penn Treebank: clitics and most punctuation stand alone, hyphens stay inside words, an
abbreviation keeps its period. Unlike there, nothing is rewritten: quotes and brackets stay as they are.

A text is first cut into clusters: a character with all that combines with it (accents, variation selectors,
skin tones, invisible format characters), emoji joined by U+200D, the two letters of a flag. The patterns run
over one character for each cluster, so no token can begin or end within one.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeAlias


class Token(NamedTuple):
    """A stretch of a text: `text[start:end]` of the whole is the token's `text`."""

    text: str
    start: int
    end: int


Tokenizer: TypeAlias = Callable[[str], list[list[Token]]]
"""What can be plugged in: a function from a text to its sentences, as `split_sentences` and `whitespace`."""

_EXTENDER, _JOINER, _FLAG = "\u0301", "\u200d", "\U0001f1e6"


class _Shapes(dict[int, str]):
    """Code point to the one character that stands for it in the patterns; filled as characters occur."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if 0x1F1E6 <= code <= 0x1F1FF:
            shape = _FLAG
        elif character != _JOINER and (
            unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf") or 0x1F3FB <= code <= 0x1F3FF
        ):
            shape = _EXTENDER
        else:
            shape = {"’": "'", "ʼ": "'", "‐": "-", "‑": "-"}.get(character, character)
        self[code] = shape
        return shape


_SHAPES = _Shapes()
_UNITS = {"E": _EXTENDER, "J": _JOINER, "F": _FLAG}
_CLUSTERED = re.compile("[{E}{J}{F}]".format(**_UNITS))
_CLUSTER = re.compile(r"\s|[{E}{J}]*({F}{F}|\S)(?:{E}|{J}(?:{F}{F}|\S)?)*".format(**_UNITS))

# Linear time: an alternative starts only where no earlier try can have failed over the same characters, and
# it repeats possessively (`++`) or over disjoint classes.
_TOKEN = re.compile(
    r"""
    (?<!\w)(?:(?:https?|ftp)://|www\.)                        # web address: balanced brackets belong to it,
      (?:\([^\s()<>]*+\)|[^\s()<>"])*                         # punctuation at its end does not
      (?:\([^\s()<>]*+\)|[^\s()<>".,;:!?'\]}*`”»…])
  | (?<![\w.+-])[\w.+-]++@\w[\w-]*(?:\.[\w-]+)+               # e-mail address
  | (?<!\w)(?:@\w++|\#(?=\d*[^\W\d])\w++)                     # @user, #topic
  | (?<!\S)(?:[:;=]['-]?[()\[\]DPp/\\|]|<3)(?=[\s.,!?]|$)     # :-)
  | (?<!\w)(?-i:US|HK|NZ|[ACMS])\$                            # US$5
  | -[lr][rsc]b-                                              # an escaped bracket of the treebank
  | (?<!\w)'n'(?!\w)
  | (?P<word>
      (?: (?<![^\s($£€])[-+](?=\.?\d)                         # sign
        | (?<!\w)'(?=(?:\d\ds?|em|til|tis|twas|s|m|d|re|ve|ll)(?!\w))
      )?
      (?: (?<![\w.])\.(?=\d) )?                               # .5
      \w++ (?: (?: [.%]?[-&] | \\?/ | [.'] | (?<=\d)[,:](?=\d) ) \w++ )*+
      (?: -(?=\s(?:and|or|to)\b) )?                           # pre- and post-war
    ) (?P<period>\.(?!\.))?
  | (?P<mark>[-.*=~+\#])(?P=mark)+ | [!?]+ | `` | ''          # a run of marks is one token
  | \S
    """,
    re.VERBOSE | re.IGNORECASE,
)

_CLITIC = re.compile(r"(?:n't|'(?:s|m|d|re|ve|ll))$", re.IGNORECASE)
_MERGED = {"cannot": 3, "gonna": 3, "gotta": 3, "wanna": 3, "lemme": 3, "gimme": 3, "'tis": 2, "'twas": 2}
"""Words written together, and where the treebank cuts them."""

_TITLES = frozenset(
    "Mr Mrs Ms Dr Prof Gen Sen Sens Rep Reps Gov Capt Lt Col Maj Sgt Cmdr Adm Rev Hon Messrs Mme Mlle Pres"
    " Supt v vs Vs cf viz approx ca al Mt Ft e.g i.e".split()
)
"""Abbreviations that no sentence ends with."""

_ABBREVIATIONS = frozenset(
    "Inc Corp Co Cos Ltd Bros Bhd Bancorp Jr Sr Esq Assn Dept Univ Ave Blvd Rd St etc Etc Ph.D"
    " Jan Feb Apr Aug Sept Sep Oct Nov Dec Mon Tue Tues Thu Thurs Fri"
    " Ala Ariz Ark Calif Colo Conn Del Fla Ga Ill Ind Kan Ky Md"
    " Mich Minn Mo Mont Neb Nev Okla Ore Pa Tenn Va Vt Wis Wyo".split()
)
"""Abbreviations that may end a sentence."""

_NUMBERED = frozenset("No Nos no nos Art art Fig fig Figs figs p pp Vol vol Sec sec Ch ch".split())
"""Abbreviations before a number, words elsewhere."""

_NEVER_LAST = _TITLES | _NUMBERED

_STARTERS = frozenset(
    "The A An This That These Those There Here He She It We They I You His Her Its Our Their My Your But And"
    " Or If When While As For So Yet In On At By With From To After Before Since Although However Some Many"
    " Most What Who Why How Where Is Are Was Were Not No Yes".split()
)
"""Words that, capitalised after an abbreviation, begin a sentence."""

_DOTTED = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")
_COMMA_FOLLOWS = re.compile(r"\.\s?,")
_NUMBER_FOLLOWS = re.compile(r"\.\s?\d")
_CAPITAL_FOLLOWS = re.compile(r"\.\s+(\w+)")
_END = re.compile(r"[.!?]+|…|[。！？؟।]")
_CLOSING = frozenset(["”", "’", "»", ")", "]", "}", "''", "-RRB-", "-RSB-", "-RCB-"])
_TOUCHING = _CLOSING | frozenset("\"'")  # straight quotes close only where they touch what comes before
_NEVER_FIRST = _CLOSING | frozenset(",;:")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")


def tokenize(text: str) -> list[Token]:
    """Cuts a text into tokens; every character that is not blank is in exactly one of them.

    Args:
        text: Any text, empty and blank included.

    Returns:
        The tokens in order.

    >>> [token.text for token in tokenize("Dr. Lee's team doesn't pay $1,000.50 (yet).")]
    ['Dr.', 'Lee', "'s", 'team', 'does', "n't", 'pay', '$', '1,000.50', '(', 'yet', ')', '.']
    """
    shape = text.translate(_SHAPES) if not text.isascii() else text
    if not _CLUSTERED.search(shape):
        return [Token(text[start:end], start, end) for start, end in _pieces(shape)]
    clusters = list(_CLUSTER.finditer(shape))
    starts = [cluster.start() for cluster in clusters] + [len(text)]
    bases = "".join((cluster[1] or " ")[0] for cluster in clusters)
    # A newline is a blank like any other here; the sentence splitter looks at the text itself.
    places = ((starts[start], starts[end]) for start, end in _pieces(bases))
    return [Token(text[start:end], start, end) for start, end in places]


def split_sentences(text: str) -> list[list[Token]]:
    """Cuts a text into sentences of tokens.

    A sentence ends after `.`, `!`, `?` or an ellipsis with the closing quotes and brackets that touch it,
    where a blank and no small letter follow (but not after the number that begins a list item), and at every
    blank line. A period of an abbreviation ends one only before a word that commonly begins sentences.

    Args:
        text: Any text.

    Returns:
        The sentences, none of them empty; together exactly the tokens of `tokenize(text)`.

    >>> [[t.text for t in s] for s in split_sentences("I met Mr. Lee. He left.")]
    [['I', 'met', 'Mr.', 'Lee', '.'], ['He', 'left', '.']]
    """
    tokens = tokenize(text)
    sentences: list[list[Token]] = []
    start = last = 0  # `last`: the latest token of the sentence that is no closing mark
    for index, token in enumerate(tokens):
        if index and _ends(text, tokens[last], tokens[index - 1], token):
            sentences.append(tokens[start:index])
            start = last = index
            continue
        closes = token.text in (_TOUCHING if index and token.start == tokens[index - 1].end else _CLOSING)
        numbers_item = index == start + 1 and tokens[start].text.isdecimal()  # 1. The first of a list
        if not closes and not numbers_item:
            last = index
    return [*sentences, tokens[start:]] if tokens else []


def whitespace(text: str) -> list[list[Token]]:
    """Cuts at blanks alone, one sentence for each line that holds any word: for text tokenised before.

    >>> [[t.text for t in s] for s in whitespace("Mr. Lee left .")]
    [['Mr.', 'Lee', 'left', '.']]
    """
    sentences: list[list[Token]] = []
    previous = 0
    for word in re.finditer(r"\S+", text):
        if not sentences or "\n" in text[previous : word.start()]:
            sentences.append([])
        sentences[-1].append(Token(word[0], word.start(), word.end()))
        previous = word.end()
    return sentences


def _pieces(shape: str) -> Iterator[tuple[int, int]]:
    """Yields start and end of each token."""
    for match in _TOKEN.finditer(shape):
        start, end = match.span()
        word = match["word"]
        if word is None:
            yield start, end
            continue
        if match["period"] and not _keeps_period(word, shape, end - 1):
            end -= 1
        yield from itertools.pairwise([start, *(start + cut for cut in _cuts(word)), end])
        if end < match.end():
            yield end, match.end()


def _cuts(word: str) -> Sequence[int]:
    """Returns the positions at which clitics come off a word."""
    if (cut := _MERGED.get(word.lower())) is not None:
        return (cut,)
    cuts: list[int] = []
    end = len(word)
    while "'" in word and (clitic := _CLITIC.search(word, max(1, end - 3), end)):
        end = clitic.start()
        cuts.append(end)
    return cuts[::-1]


def _keeps_period(word: str, shape: str, position: int) -> bool:
    """Says whether the period at `position`, right after the word, belongs to it."""
    last = word.rpartition("-")[2]
    if last in _TITLES or last in _ABBREVIATIONS or _DOTTED.fullmatch(last):
        return True
    if _COMMA_FOLLOWS.match(shape, position):  # no sentence ends before a comma
        return True
    if last in _NUMBERED:
        return _NUMBER_FOLLOWS.match(shape, position) is not None
    if len(last) != 1 or not last.isupper() or last == "I":
        return False
    following = _CAPITAL_FOLLOWS.match(shape, position)  # J. Smith, but not: vitamin C. The
    return following is not None and following[1][0].isupper() and following[1] not in _STARTERS


def _ends(text: str, last: Token, previous: Token, following: Token) -> bool:
    """Says whether a sentence ends between two neighbours; `last` is the latest token that closes nothing."""
    gap = text[previous.end : following.start]
    if "\n" in gap and _BLANK_LINE.search(gap):
        return True
    touches = not gap and last.text[-1] not in "。！？"
    if touches or following.text[0].islower() or following.text in _NEVER_FIRST:
        return False
    if _END.fullmatch(last.text):
        return _END.fullmatch(following.text) is None
    return last.text[-1] == "." and last.text[:-1] not in _NEVER_LAST and following.text in _STARTERS
