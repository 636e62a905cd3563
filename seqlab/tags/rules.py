"""Constraints made from a tag scheme, from pairs of tags, from a function, and sets of tags for single tokens."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from seqlab.errors import DataError, SettingsError, suggest
from seqlab.tags.constraints import Constraints, Table, checked_tags
from seqlab.tags.schemes import OUTSIDE, join_tag, resolve, split_tag, violations

Pair = tuple[str | None, str | None]
"""Two neighbouring tags; None before the first token and after the last one."""


def free(tags: Sequence[str]) -> Constraints:
    """Constraints that allow every path.

    >>> free(["N", "V"]).violations(["V", "V"])
    []
    """
    n = len(checked_tags(tags))
    return Constraints(tuple(tags), np.ones(n, bool), np.ones((n, n), bool), np.ones(n, bool))


def scheme_constraints(tags: Sequence[str], scheme: str) -> Constraints:
    """Allows exactly the paths that a tag scheme would write: those without `seqlab.tags.violations`.

    In every scheme a tag is right or wrong by its left neighbour and, apart from that, by its right one, so pairs
    of tags say all there is to say. Types may hold hyphens. A tag whose partners are missing (`B-X` without `E-X`
    and `I-X` in IOBES) keeps its rows: no path through it can be finished.

    Args:
        tags: The tags, each known to the scheme.
        scheme: The name of the scheme.

    Raises:
        DataError: A tag is none of the scheme's.
        SettingsError: The scheme is unknown, or a tag is listed twice.

    >>> rules = scheme_constraints(["O", "B-PER", "I-PER"], "iob2")
    >>> rules.start.tolist(), rules.transitions[0].tolist()
    ([True, True, False], [True, True, False])
    """
    tags = known_tags(tags, scheme)
    name = resolve(scheme).name
    start = [_neighbours(OUTSIDE, tag, name) for tag in tags]
    end = [_neighbours(tag, OUTSIDE, name) for tag in tags]
    return Constraints(
        tags, np.array(start), np.array([[_neighbours(a, b, name) for b in tags] for a in tags]), np.array(end)
    )


def forbid(tags: Sequence[str], pairs: Iterable[Pair]) -> Constraints:
    """Forbids that one tag follows another.

    Args:
        tags: The tags.
        pairs: (previous, tag), each forbidden; None is the sentence's edge, so (None, "X") forbids X as the
            first tag and ("X", None) as the last.

    Raises:
        SettingsError: A pair names an unknown tag, or is no pair.

    >>> forbid(["DT", "NN"], [("DT", "DT"), ("DT", None)]).violations(["DT", "DT"])
    [(1, "'DT' may not follow 'DT'; expected: 'NN'"), (1, "'DT' may not be last; expected: 'NN'")]
    """
    tables = _Tables(tags)
    for before, after in tables.checked(pairs):
        tables.all[tables.index[before], tables.index[after]] = False
    return tables.constraints()


def require(tags: Sequence[str], pairs: Iterable[Pair]) -> Constraints:
    """Demands that every X is followed by Y; with several pairs of one X, by one of its Ys.

    Args:
        tags: The tags.
        pairs: (X, Y). (X, None) demands that X is last, and (None, Y) that Y is first.

    Raises:
        SettingsError: A pair names an unknown tag, or is no pair.

    >>> require(["DT", "NN", "VB"], [("DT", "NN")]).violations(["DT", "VB", "DT"])
    [(1, "'VB' may not follow 'DT'; expected: 'NN'"), (2, "'DT' may not be last; expected: 'NN', 'VB'")]
    """
    tables = _Tables(tags)
    followers = defaultdict(list)
    for before, after in tables.checked(pairs):
        followers[tables.index[before]].append(tables.index[after])
    for before_index, after_indices in followers.items():
        tables.all[before_index] = False
        tables.all[before_index, after_indices] = True
    return tables.constraints()


def from_predicate(tags: Sequence[str], allowed: Callable[[str | None, str | None], bool]) -> Constraints:
    """Asks a function about every pair of neighbours.

    Args:
        tags: The tags.
        allowed: Called as `allowed(previous, tag)`; `previous` is None for the first token, `tag` is None
            after the last one, never both.

    Raises:
        SettingsError: The function answers something other than True or False.

    >>> no_repeat = from_predicate(["A", "B"], lambda previous, tag: previous != tag)
    >>> no_repeat.transitions.tolist()
    [[False, True], [True, False]]
    """
    tables = _Tables(tags)
    for before, i in tables.index.items():
        for after, j in tables.index.items():
            if before is None and after is None:
                continue
            answer = allowed(before, after)
            if not isinstance(answer, bool | np.bool_):
                raise SettingsError(f"allowed({before!r}, {after!r}) answered {answer!r}; expected True or False.")
            tables.all[i, j] = answer
    return tables.constraints()


def forced_tags(tags: Sequence[str], length: int, forced: Mapping[int, str | Iterable[str]]) -> Table:
    """Restricts single tokens of one sentence to given tags.

    Args:
        tags: The tags, as in the constraints.
        length: The number of tokens.
        forced: For some positions, from 0, the tag or the tags allowed there.

    Returns:
        Boolean (length, tags), for `feasible` and for the decoder: all true where nothing is forced.

    Raises:
        SettingsError: A position outside the sentence, an unknown tag, or no tag at all.

    >>> forced_tags(["O", "B", "I"], 2, {1: {"B", "O"}}).tolist()
    [[True, True, True], [True, True, False]]
    """
    index = {tag: i for i, tag in enumerate(checked_tags(tags))}
    sets = np.ones((length, len(index)), bool)
    for position, names in forced.items():
        if isinstance(position, bool) or not isinstance(position, int | np.integer) or not 0 <= position < length:
            last = f"0 to {length - 1}" if length else "none: the sentence is empty"
            raise SettingsError(f"Tags are forced at position {position!r}; the sentence has positions {last}.")
        chosen = [names] if isinstance(names, str) else list(names)
        if not chosen:
            raise SettingsError(f"No tag is left at position {position}; name one or more, or leave it out.")
        sets[position] = False
        for tag in chosen:
            if tag not in index:
                raise SettingsError(f"Unknown tag {tag!r} is forced at position {position}.{suggest(str(tag), index)}")
            sets[position, index[tag]] = True
    return sets


def known_tags(tags: Sequence[str], scheme: str) -> tuple[str, ...]:
    """Returns the tags as a tuple, after a check that the scheme knows each.

    Raises:
        DataError: A tag is none of the scheme's.
    """
    checked = checked_tags(tags)
    row = resolve(scheme)
    for tag in checked:
        if not row.knows(tag):
            problem = violations([tag], row.name)[0][1]
            raise DataError(f"{problem}. Name the scheme that the tags are in, or leave such tags out.")
    return checked


class _Tables:
    """One square table for all pairs, with the edge of the sentence as the last row and column."""

    def __init__(self, tags: Sequence[str]) -> None:
        self.tags = checked_tags(tags)
        self.index: dict[str | None, int] = {tag: i for i, tag in enumerate((*self.tags, None))}
        self.all = np.ones((len(self.index), len(self.index)), bool)

    def checked(self, pairs: Iterable[Pair]) -> list[Pair]:
        found = []
        for pair in pairs:
            if isinstance(pair, str) or len(pair) != 2 or pair == (None, None):
                raise SettingsError(f"{pair!r} is no pair: expected (previous, tag), one of them None at an edge.")
            for tag in pair:
                if tag not in self.index:
                    raise SettingsError(f"Unknown tag {tag!r} in the pair {pair!r}.{suggest(str(tag), self.tags)}")
            found.append((pair[0], pair[1]))
        return found

    def constraints(self) -> Constraints:
        return Constraints(self.tags, self.all[-1, :-1], self.all[:-1, :-1], self.all[:-1, -1])


def _neighbours(before: str, after: str, scheme: str) -> bool:
    """Whether two tags may be neighbours: their letters decide, and whether their types are one."""
    (left, left_type), (right, right_type) = split_tag(before), split_tag(after)
    return _may_touch(left, right, left_type == right_type, scheme)


@lru_cache(maxsize=1024)
def _may_touch(left: str, right: str, same: bool, scheme: str) -> bool:
    # The validator itself is asked, with every third tag that could stand beside the two: it forbids a pair only
    # if it faults the left tag whatever stands before it, or the right tag whatever follows it.
    a = join_tag(left, "X") if left != OUTSIDE else OUTSIDE
    b = join_tag(right, "X" if same or left == OUTSIDE else "Y") if right != OUTSIDE else OUTSIDE
    others = [OUTSIDE, *(f"{letter}-{kind}" for letter in resolve(scheme).letters for kind in ("X", "Y"))]
    left_right = any(all(i != 1 for i, _ in violations([other, a, b], scheme)) for other in others)
    return left_right and any(all(i != 1 for i, _ in violations([a, b, other], scheme)) for other in others)
