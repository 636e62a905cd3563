"""The tag schemes as a table of rows, and what follows from a row: checking tags and detecting the scheme.

A tag is `O` or a letter, a hyphen and a type (`B-PER`; in corpora of one type the letter alone). Letters mean
the same in every scheme: B, S and U always begin a span, E, L, S and U always end one, and the others (I, M)
go on with the span before them when that has the same type. Schemes differ only in the letter they write at
each place, so a sequence is well-formed when every tag is the one its scheme writes for the spans as read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from seqlab.errors import SettingsError, suggest

OUTSIDE = "O"
OPENING = frozenset("BSU")
CLOSING = frozenset("ELSU")


@dataclass(frozen=True, slots=True)
class Scheme:
    """The letters that a scheme writes, by a token's place in its span.

    Args:
        name: The canonical name.
        begin: The first of several tokens.
        inside: A token in the middle.
        end: The last of several tokens.
        single: The only token of a span.
        begin_touching: A first token right after another span of the same type, where that differs.
        end_touching: A last token right before another span of the same type, where that differs.
    """

    name: str
    begin: str
    inside: str
    end: str
    single: str
    begin_touching: str = ""
    end_touching: str = ""

    @property
    def letters(self) -> str:
        """All letters of the scheme in alphabetical order, without O."""
        return "".join(sorted(set(self.begin + self.inside + self.end + self.single + self.touching)))

    @property
    def touching(self) -> str:
        """The letter that stands only where two spans of one type touch, or an empty string."""
        return self.begin_touching + self.end_touching

    def knows(self, tag: str) -> bool:
        """Whether `tag` can occur in this scheme at all."""
        letter, kind = split_tag(tag)
        legal = len(letter) == 1 and letter in self.letters
        return tag == OUTSIDE or (legal and tag == join_tag(letter, kind))

    def letter(self, first: bool, last: bool, follows: bool = False, followed: bool = False) -> str:
        """The letter for one token of a span.

        Args:
            first: The token is the span's first.
            last: The token is the span's last.
            follows: A span of the same type ends just before this one.
            followed: A span of the same type begins just after this one.
        """
        if first and follows and self.begin_touching:
            return self.begin_touching
        if last and followed and self.end_touching:
            return self.end_touching
        if first:
            return self.single if last else self.begin
        return self.end if last else self.inside


SCHEMES: dict[str, Scheme] = {
    row.name: row
    for row in (
        Scheme("iob2", begin="B", inside="I", end="I", single="B"),
        Scheme("iob1", begin="I", inside="I", end="I", single="I", begin_touching="B"),
        Scheme("ioe1", begin="I", inside="I", end="I", single="I", end_touching="E"),
        Scheme("ioe2", begin="I", inside="I", end="E", single="E"),
        Scheme("iobes", begin="B", inside="I", end="E", single="S"),
        Scheme("bilou", begin="B", inside="I", end="L", single="U"),
        Scheme("bmes", begin="B", inside="M", end="E", single="S"),
    )
}
"""Every scheme, in the order in which `detect` prefers them."""

ALIASES: dict[str, str] = {
    "bio": "iob2",
    "bio2": "iob2",
    "bio1": "iob1",
    "bioes": "iobes",
    "bieos": "iobes",
    "bieso": "iobes",
    "bioul": "bilou",
    "bmeso": "bmes",
    "bmeos": "bmes",
}
"""Other names in use. Plain "iob" is missing on purpose: it stands for either of two schemes."""


def scheme(name: str) -> Scheme:
    """Returns the row of a scheme.

    Args:
        name: A name of `SCHEMES` or `ALIASES`, in any case.

    Raises:
        SettingsError: No scheme has that name.

    >>> scheme("BIO").name
    'iob2'
    """
    key = name.lower()
    row = SCHEMES.get(ALIASES.get(key, key))
    if row is None:
        known = [*SCHEMES, *ALIASES]
        raise SettingsError(f"Unknown tag scheme {name!r}; known: {', '.join(known)}.{suggest(key, known)}")
    return row


resolve = scheme  # for functions with an argument of that name


@lru_cache(maxsize=65536)
def split_tag(tag: str) -> tuple[str, str]:
    """Splits a tag at its first hyphen into letter and type.

    >>> split_tag("B-creative-work")
    ('B', 'creative-work')
    >>> split_tag("O")
    ('O', '')
    """
    letter, _, kind = tag.partition("-")
    return letter, kind


def join_tag(letter: str, kind: str) -> str:
    """Writes a tag; a span without a type gets the letter alone."""
    return f"{letter}-{kind}" if kind else letter


def joined(before: str, after: str) -> bool:
    """Whether two neighbouring tags belong to one span."""
    if OUTSIDE in (before, after):
        return False
    left, left_type = split_tag(before)
    right, right_type = split_tag(after)
    return left_type == right_type and left not in CLOSING and right not in OPENING


def violations(tags: Sequence[str], scheme: str) -> list[tuple[int, str]]:
    """Finds the tags that a scheme would not write where they stand.

    Args:
        tags: The tags of one sentence.
        scheme: The scheme they should obey.

    Returns:
        A pair for each such tag: its index and a sentence that says what is wrong.

    >>> violations(["O", "I-PER", "I-PER"], "iob2")
    [(1, "'I-PER' (after 'O', before 'I-PER'): iob2 writes 'B-PER' there")]
    """
    row = resolve(scheme)
    found = []
    for i, (before, tag, after) in enumerate(_triples(tags)):
        expected = _expected(before, tag, after, row)
        if expected == tag:
            continue
        if expected is None:
            letters = ", ".join(row.letters)
            found.append((i, f"{tag!r} is no tag of {row.name}: O, or one of {letters} with a hyphen and a type"))
        else:
            left = f"after {before!r}" if i > 0 else "first"
            right = f"before {after!r}" if i + 1 < len(tags) else "last"
            found.append((i, f"{tag!r} ({left}, {right}): {row.name} writes {expected!r} there"))
    return found


def detect(sequences: Iterable[Sequence[str]]) -> str | None:
    """Finds the scheme that all sequences obey without one violation.

    Few inputs obey more than one: without any span every scheme fits, without touching spans IOB1 is IOE1,
    and with no span above two tokens IOBES is BMES. The first in the order of `SCHEMES` is then taken.

    Args:
        sequences: The tags of each sentence.

    Returns:
        The scheme's name, or None where none fits (plain labels such as parts of speech, or ill-formed tags:
        `looks_like_spans` tells them apart and `nearest` says which scheme comes closest).

    >>> detect([["O", "B-PER", "I-PER"]])
    'iob2'
    >>> detect([["DT", "NN"]])
    """
    triples = _count(sequences)
    return next((row.name for row in SCHEMES.values() if triples and not _misfits(triples, row)), None)


def nearest(sequences: Iterable[Sequence[str]]) -> tuple[str, int]:
    """Returns the scheme with the fewest violations, and their number.

    >>> nearest([["B-X", "I-X", "O", "I-X"]])
    ('iob2', 1)
    """
    triples = _count(sequences)
    return min(((name, _misfits(triples, row)) for name, row in SCHEMES.items()), key=lambda pair: pair[1])


def looks_like_spans(tags: Counter[str]) -> bool:
    """Whether labels are meant as span tags: some have a letter and a type, and at least half are such or O.

    >>> looks_like_spans(Counter({"O": 9, "B-PER": 2, "PER": 1}))
    True
    >>> looks_like_spans(Counter({"NN": 9, "B": 2}))
    False
    """
    letters = {letter for row in SCHEMES.values() for letter in row.letters}
    typed = sum(n for tag, n in tags.items() if split_tag(tag)[0] in letters and split_tag(tag)[1])
    return typed > 0 and 2 * (typed + tags[OUTSIDE]) >= tags.total()


def _triples(tags: Sequence[str]) -> Iterable[tuple[str, str, str]]:
    return zip([OUTSIDE, *tags], tags, [*tags[1:], OUTSIDE], strict=False)  # as many as there are tags


def _count(sequences: Iterable[Sequence[str]]) -> Counter[tuple[str, str, str]]:
    # A tag's two neighbours decide whether it is right, so a corpus shrinks to its few distinct triples.
    counts: Counter[tuple[str, str, str]] = Counter()
    for tags in sequences:
        counts.update(_triples(tags))
    return counts


def _misfits(triples: Counter[tuple[str, str, str]], row: Scheme) -> int:
    return sum(n for triple, n in triples.items() if _expected(*triple, row) != triple[1])


def _expected(before: str, tag: str, after: str, row: Scheme) -> str | None:
    """The tag that the scheme writes here for the spans as read; None if `tag` is none of its own."""
    if tag == OUTSIDE:
        return OUTSIDE
    if not row.knows(tag):
        return None
    before, after = (side if row.knows(side) else OUTSIDE for side in (before, after))
    first, last = not joined(before, tag), not joined(tag, after)
    kind = split_tag(tag)[1]
    follows = first and before != OUTSIDE and split_tag(before)[1] == kind
    followed = last and after != OUTSIDE and split_tag(after)[1] == kind
    return join_tag(row.letter(first, last, follows, followed), kind)
