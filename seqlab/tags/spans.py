"""Spans read from tags, tags written from spans, and conversion between schemes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqlab.errors import DataError
from seqlab.tags.schemes import OUTSIDE, join_tag, joined, resolve, split_tag, violations


class Span(NamedTuple):
    """A stretch of tokens with a type.

    Attributes:
        type: What the stretch is; empty in corpora whose tags are bare letters.
        start: Index of the first token.
        end: Index after the last token.
    """

    type: str
    start: int
    end: int


def spans(tags: Sequence[str], scheme: str) -> list[Span]:
    """Reads the spans of one sentence.

    Ill-formed tags are read as `conlleval` and seqeval's default mode read them: a span begins at B, S or U,
    after E, L, S, U or O, and wherever the type changes; it goes on until the next such place. So `O I-X I-X`
    is one span in IOB2 too, and an unfinished `B-X I-X` in IOBES counts. (seqeval does not know L and U.)

    Args:
        tags: The tags, of which each must be known to the scheme.
        scheme: The name of the scheme.

    Returns:
        The spans in order of their start.

    Raises:
        DataError: A tag has a letter that the scheme does not know.

    >>> spans(["B-PER", "I-PER", "O", "I-creative-work"], "iob2")
    [Span(type='PER', start=0, end=2), Span(type='creative-work', start=3, end=4)]
    """
    row = resolve(scheme)
    known = {tag: row.knows(tag) for tag in set(tags)}
    if not all(known.values()):
        index = next(i for i, tag in enumerate(tags) if not known[tag])
        raise DataError(_problem(tags, index, row.name))
    found = []
    start = 0
    before = OUTSIDE
    for i, tag in enumerate([*tags, OUTSIDE]):
        if not joined(before, tag):
            if before != OUTSIDE:
                found.append(Span(split_tag(before)[1], start, i))
            start = i
        before = tag
    return found


class SpanTables(NamedTuple):
    """How tags make spans, as tables of numbers.

    Attributes:
        types: The types of spans.
        kinds: Boolean (types, tags), which tags are of each type.
        joints: Boolean (tags, tags), whether the second tag goes on with the span of the first.
    """

    types: tuple[str, ...]
    kinds: NDArray[np.bool_]
    joints: NDArray[np.bool_]


def span_tables(tags: Sequence[str]) -> SpanTables:
    """Tells of all pairs of tags what `spans` looks at.

    >>> span_tables(["O", "B-X", "I-X"]).joints.astype(int).tolist()
    [[0, 0, 0], [0, 0, 1], [0, 0, 1]]
    """
    types = tuple(sorted({split_tag(tag)[1] for tag in tags if tag != OUTSIDE}))
    kinds = [[tag != OUTSIDE and split_tag(tag)[1] == kind for tag in tags] for kind in types]
    joints = [[joined(before, after) for after in tags] for before in tags]
    return SpanTables(types, np.array(kinds, bool).reshape(len(types), len(tags)), np.array(joints, bool))


def encode(spans: Iterable[Span], length: int, scheme: str) -> list[str]:
    """Writes spans as tags.

    Args:
        spans: The spans, in any order.
        length: The number of tokens.
        scheme: The name of the scheme.

    Raises:
        DataError: A span is empty, leaves the sentence or overlaps another.

    >>> encode([Span("LOC", 0, 1), Span("LOC", 1, 3)], 4, "iob1")
    ['I-LOC', 'B-LOC', 'I-LOC', 'O']
    """
    row = resolve(scheme)
    ordered = sorted((Span(*span) for span in spans), key=lambda span: span.start)
    _check(ordered, length)
    begins = {(span.type, span.start) for span in ordered}
    ends = {(span.type, span.end) for span in ordered}
    tags = [OUTSIDE] * length
    for kind, start, end in ordered:
        for i in range(start, end):
            letter = row.letter(i == start, i + 1 == end, (kind, start) in ends, (kind, end) in begins)
            tags[i] = join_tag(letter, kind)
    return tags


def convert(tags: Sequence[str], source: str, target: str) -> list[str]:
    """Rewrites tags of one scheme in another; every span keeps its place and type.

    Args:
        tags: The tags of one sentence, well-formed in `source`.
        source: The scheme they are in.
        target: The scheme to write.

    Raises:
        DataError: A tag breaks `source`. Nothing is guessed, so no span is lost or merged.

    >>> convert(["B-PER", "I-PER", "O", "B-LOC"], "iob2", "iobes")
    ['B-PER', 'E-PER', 'O', 'S-LOC']
    """
    problems = violations(tags, source)
    if problems:
        raise DataError(_problem(tags, problems[0][0], source))
    return encode(spans(tags, source), len(tags), target)


def _problem(tags: Sequence[str], index: int, scheme: str) -> str:
    sentence = next(text for i, text in violations(tags, scheme) if i == index)
    return f"Token {index}: {sentence}. Correct the tag or name the scheme that the tags are in."


def _check(ordered: Sequence[Span], length: int) -> None:
    free = 0
    for span in ordered:
        if not 0 <= span.start < span.end <= length:
            raise DataError(f"{span} is empty or leaves a sentence of {length} tokens.")
        if span.start < free:
            raise DataError(f"{span} overlaps the span before it, which ends at {free}; tags cannot show both.")
        free = span.end
