"""Which tag may follow which: Boolean tables over a list of tags, and the paths that they allow.

A path y of T tags is allowed when

    start[y(1)]  and  transitions[y(t-1), y(t)] for t = 2 .. T  and  end[y(T)]

and, where tokens have sets of their own, allowed[t, y(t)] for every t. `seqlab.tags.rules` makes such tables from
a tag scheme, from pairs of tags and from a function; `seqlab.tags.expansion` says what no pair of tags can say.
The tables hold no scores: a decoder adds -1e4 (see `seqlab.ops.crf`) wherever they are false.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqlab.errors import DataError, SettingsError, suggest

Table = NDArray[np.bool_]
SHOWN = 6  # tags that a message lists


@dataclass(frozen=True, eq=False)
class Automaton:
    """The tables, and whether any path satisfies them: what constraints and their expansions share.

    Args:
        tags: The tags, each once.
        start: Boolean (states,), which state may be first.
        transitions: Boolean (states, states), which may follow which, from row to column.
        end: Boolean (states,), which may be last.
    """

    tags: tuple[str, ...]
    start: Table
    transitions: Table
    end: Table

    def __post_init__(self) -> None:
        object.__setattr__(self, "tags", checked_tags(self.tags))
        n = self.states
        for name, shape in (("start", (n,)), ("transitions", (n, n)), ("end", (n,))):
            object.__setattr__(self, name, _checked(name, getattr(self, name), shape))

    @property
    def states(self) -> int:
        """The number of states; constraints have one for each tag."""
        return len(self.tags)

    @property
    def demand(self) -> str:
        """What is demanded, in the words of a message."""
        return "the constraints"

    def feasible(self, length: int, allowed: ArrayLike | None = None) -> bool:
        """Whether at least one path satisfies everything.

        Args:
            length: The number of tokens. A sentence without any has nothing to decide: it is feasible.
            allowed: Boolean (length, states), the states allowed at each token; all where absent.

        Returns:
            Whether there is such a path. Where there is none, a decoder would return a forbidden one.
        """
        return self._dead_end(length, allowed) is None

    def check_feasible(self, length: int, allowed: ArrayLike | None = None) -> None:
        """Refuses a sentence that no path satisfies; the arguments are those of `feasible`.

        Raises:
            DataError: No path of this length satisfies everything; the message says where the last one ends.
        """
        token = self._dead_end(length, allowed)
        if token is None:
            return
        if token == length:
            place = f"whatever can stand at token {length - 1}, the last one, may not end a sentence"
        else:
            place = f"nothing is left that could stand at token {token}"
        raise DataError(
            f"No path of {length} token(s) satisfies {self.demand}: {place}. "
            "Loosen the constraints or the tags forced in this sentence."
        )

    def get_config(self) -> dict[str, Any]:
        """Returns what `from_config` needs, in types that JSON has: each row of a table is a string of 0 and 1."""
        return {
            "tags": list(self.tags),
            "start": _written(self.start),
            "transitions": [_written(row) for row in self.transitions],
            "end": _written(self.end),
        }

    @classmethod
    def _tables(cls, config: Mapping[str, Any], states: int) -> tuple[tuple[str, ...], Table, Table, Table]:
        """Reads tags, start, transitions and end from a config."""
        names = [field.name for field in fields(cls)]
        if set(config) != set(names):
            raise SettingsError(f"{cls.__name__} have the keys {names}; received {list(config)}.")
        tags, rows = config["tags"], config["transitions"]
        if not isinstance(tags, list) or not isinstance(rows, list):
            raise SettingsError(f"tags and transitions are lists; received {tags!r} and {rows!r}.")
        table = np.array([_read("transitions", row, states) for row in rows], bool)
        start, end = (np.array(_read(name, config[name], states)) for name in ("start", "end"))
        return tuple(tags), start, table, end

    def _dead_end(self, length: int, allowed: ArrayLike | None) -> int | None:
        """The first token that no path reaches, `length` if none may end there, None if all is well."""
        sets = np.ones((length, self.states), bool) if allowed is None else allowed
        sets = _checked("allowed", sets, (length, self.states))
        reached = self.start
        for t in range(length):
            reached = sets[t] & (self.transitions[reached].any(axis=0) if t > 0 else reached)
            if not reached.any():
                return t
        return None if length == 0 or (reached & self.end).any() else length


@dataclass(frozen=True, eq=False)
class Constraints(Automaton):
    """Which tags may begin a sentence, follow one another and end it.

    `a & b` allows what both allow. Two are equal when tags and tables are. The tables cannot be written to.

    Args:
        tags: The tags in the order of the tables, such as the labels of a model.
        start: Boolean (tags,), which tag may be first.
        transitions: Boolean (tags, tags), which may follow which, from row to column.
        end: Boolean (tags,), which may be last.

    Raises:
        SettingsError: A tag twice, a table of another shape, or one that is not Boolean.

    >>> both = Constraints(("N", "V"), [True, False], [[True, True], [True, False]], [True, True])
    >>> both.violations(["V", "V"])
    [(0, "'V' may not be first; expected: 'N'"), (1, "'V' may not follow 'V'; expected: 'N'")]
    >>> both.feasible(2, allowed=[[True, True], [False, True]])
    True
    """

    gates: ClassVar[tuple[()]] = ()
    """What words decide: nothing; see `Expansion`."""

    def allowed(self, words: Sequence[str], sets: ArrayLike | None = None) -> Table:
        """Says which tags may stand at each token: those of `sets`, whatever the words.

        Args:
            words: The words of one sentence.
            sets: Boolean (words, tags), such as `forced_tags` makes; all tags where absent.

        Returns:
            Boolean (words, tags).
        """
        return checked_sets(len(words), len(self.tags), sets)

    def __and__(self, other: Constraints) -> Constraints:
        if not isinstance(other, Constraints):
            return NotImplemented
        check_same_tags(self, other)
        return Constraints(
            self.tags, self.start & other.start, self.transitions & other.transitions, self.end & other.end
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Constraints):
            return NotImplemented
        return self._content() == other._content()

    def __hash__(self) -> int:
        return hash(self._content())

    def violations(self, path: Sequence[str]) -> list[tuple[int, str]]:
        """Finds where a path breaks the constraints.

        Args:
            path: The tags of one sentence. One that is not among `tags` is reported and its neighbours are
                not held against it.

        Returns:
            A pair for each break, in the order of the path: the token's index and a sentence that says what
            is wrong.
        """
        index = {tag: i for i, tag in enumerate(self.tags)}
        found = []
        before: int | None = None
        for t, tag in enumerate(path):
            here = index.get(tag)
            if here is None:
                found.append((t, unknown(tag, self.tags)))
            elif t == 0 and not self.start[here]:
                found.append((t, f"{tag!r} may not be first; {self._expected(self.start)}"))
            elif before is not None and not self.transitions[before, here]:
                what = f"{tag!r} may not follow {path[t - 1]!r}"
                found.append((t, f"{what}; {self._expected(self.transitions[before])}"))
            before = here
        if before is not None and not self.end[before]:
            found.append((len(path) - 1, f"{path[-1]!r} may not be last; {self._expected(self.end)}"))
        return found

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Rebuilds constraints from `get_config()`.

        >>> Constraints(("N", "V"), [True, False], [[True, True], [True, False]], [True, True]).get_config()
        {'tags': ['N', 'V'], 'start': '10', 'transitions': ['11', '10'], 'end': '11'}

        Raises:
            SettingsError: A key is missing or unknown, or a value is not what `get_config` writes.
        """
        return cls(*cls._tables(config, len(config.get("tags", ()))))

    def _content(self) -> tuple[object, ...]:
        return self.tags, self.start.tobytes(), self.transitions.tobytes(), self.end.tobytes()

    def _expected(self, row: Table) -> str:
        legal = [repr(self.tags[i]) for i in np.flatnonzero(row)]
        more = f" and {len(legal) - SHOWN} more" if len(legal) > SHOWN else ""
        return f"expected: {', '.join(legal[:SHOWN])}{more}" if legal else "nothing may stand there"


def checked_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Returns the tags as a tuple, after a check that there are some, all strings and each once."""
    if isinstance(tags, str):
        raise SettingsError(f"tags is the string {tags!r}; expected a list of tags, such as ['O', 'B-PER', 'I-PER'].")
    tags = tuple(tags)
    if not tags or not all(isinstance(tag, str) for tag in tags):
        raise SettingsError(f"Tags are a list of one or more strings; received {list(tags)!r}.")
    twice = next((tag for i, tag in enumerate(tags) if tag in tags[:i]), None)
    if twice is not None:
        raise SettingsError(f"The tag {twice!r} is listed twice; expected each tag once, as in a model's labels.")
    return tags


def check_same_tags(one: Automaton, other: Automaton) -> None:
    """Refuses to combine tables over different lists of tags."""
    if one.tags != other.tags:
        differ = sorted(set(one.tags) ^ set(other.tags))
        what = f"only one side has {', '.join(map(repr, differ[:SHOWN]))}" if differ else "their order differs"
        raise SettingsError(f"Cannot combine constraints over different lists of tags: {what}. Build both over one.")


def checked_sets(length: int, tags: int, sets: ArrayLike | None) -> Table:
    """Returns the sets of tags that tokens are limited to, Boolean (length, tags); all tags where absent."""
    return np.ones((length, tags), bool) if sets is None else _checked("sets", sets, (length, tags))


def unknown(tag: str, tags: Sequence[str]) -> str:
    """Says that a tag is not in the list, and which one may be meant."""
    return f"{tag!r} is none of the {len(tags)} tags of the constraints.{suggest(tag, tags)}"


def _checked(name: str, table: ArrayLike, shape: tuple[int, ...]) -> Table:
    """A copy that nobody can write to."""
    try:
        array = np.array(table)
    except ValueError:
        raise SettingsError(f"{name} has rows of different lengths; expected the shape {shape}.") from None
    if array.dtype != bool:
        raise SettingsError(f"{name} holds {array.dtype} values; expected True for allowed and False for forbidden.")
    if array.shape != shape:
        raise SettingsError(f"{name} has the shape {array.shape}; expected {shape}.")
    array.flags.writeable = False
    return array


def _written(row: Table) -> str:
    return "".join("1" if value else "0" for value in row)


def _read(name: str, row: object, length: int) -> list[bool]:
    if not isinstance(row, str) or len(row) != length or set(row) - {"0", "1"}:
        raise SettingsError(f"{name} has the row {row!r}; expected a string of {length} characters, each 0 or 1.")
    return [character == "1" for character in row]
