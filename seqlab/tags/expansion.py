"""Constraints that no pair of tags can say: each tag is copied into states that remember what came before.

An expansion is a finite automaton over tags. Each of its states stands for one tag, and a path of states is
allowed as a path of tags is by `Constraints`. Every allowed path of tags has exactly one allowed path of states, so
the best path of states is the best path of tags, and sums over states are sums over tags. To decode, give every
state the score of its tag (`expand`), add -1e4 where the tables are false, and read the tags back (`collapse`).
Expansions are made by `seqlab.tags.counting` and `seqlab.tags.listed`, and combined by `&`.

Reference: Papay, Klinger and Padó, Constraining linear-chain CRFs to regular languages, ICLR 2022.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqlab.constants import IGNORE
from seqlab.errors import DataError, SettingsError
from seqlab.tags.constraints import Automaton, Constraints, Table, check_same_tags, checked_sets, unknown
from seqlab.tags.gates import Gate
from seqlab.tags.schemes import OUTSIDE, split_tag

MOST_STATES = 4096  # a table of transitions then has 16 million entries


@dataclass(frozen=True, eq=False)
class Expansion(Automaton):
    """An automaton whose states are copies of tags.

    `a & b` allows what both allow; `b` may be `Constraints` too. Use `expansion` to make one from tables.

    Args:
        tags: The tags in the order of the scores.
        start: Boolean (states,), which state may be first.
        transitions: Boolean (states, states), which may follow which, from row to column.
        end: Boolean (states,), which may be last.
        origins: For each state, the index of its tag.
        rule: What is demanded, for messages.
        gates: What the words of a sentence decide; see `allowed`.

    >>> from seqlab.tags.counting import at_most_one
    >>> from seqlab.tags.rules import scheme_constraints
    >>> tags = ("O", "B-X", "I-X")
    >>> rules = at_most_one(tags, "iob2", "X") & scheme_constraints(tags, "iob2")
    >>> [tags[i] for i in rules.origins]  # an O before the span and one after it
    ['O', 'O', 'B-X', 'I-X']
    >>> rules.violations(["B-X", "O", "B-X"])
    [(2, "'B-X' breaks this: at most one span of 'X', and the constraints")]
    """

    origins: NDArray[np.intp]
    rule: str
    gates: tuple[Gate, ...] = ()

    def __post_init__(self) -> None:
        origins = np.array(self.origins, np.intp)
        origins.flags.writeable = False
        object.__setattr__(self, "origins", origins)
        if self.states > MOST_STATES:
            raise SettingsError(_too_many(self.states, self.rule))
        super().__post_init__()

    @property
    def states(self) -> int:
        """The number of states."""
        return len(self.origins)

    @property
    def demand(self) -> str:
        """What is demanded, in the words of a message."""
        return f"this: {self.rule}"

    def __and__(self, other: Expansion | Constraints) -> Expansion:
        if isinstance(other, Constraints):
            other = from_constraints(other)
        return _product(self, other) if isinstance(other, Expansion) else NotImplemented

    def __rand__(self, other: Constraints) -> Expansion:
        return from_constraints(other) & self if isinstance(other, Constraints) else NotImplemented

    def expand(self, scores: ArrayLike) -> NDArray[Any]:
        """Gives every state what its tag has: (..., tags) becomes (..., states).

        For tensors of a backend: `keras.ops.take(scores, expansion.origins, axis=-1)`.
        """
        return np.take(np.asarray(scores), self.origins, axis=-1)

    def expand_pairs(self, transitions: ArrayLike) -> NDArray[Any]:
        """Gives every pair of states what its pair of tags has: (tags, tags) becomes (states, states)."""
        return np.asarray(transitions)[np.ix_(self.origins, self.origins)]

    def collapse(self, path: ArrayLike) -> NDArray[np.intp]:
        """Reads tags from states, of any shape; `IGNORE` stays what it is."""
        states = np.asarray(path)
        return np.where(states == IGNORE, IGNORE, self.origins[states])

    def allowed(self, words: Sequence[str], sets: ArrayLike | None = None) -> Table:
        """Says which states the words of one sentence allow at each token.

        Args:
            words: The words, as the lists have them.
            sets: Boolean (words, tags), such as `forced_tags` makes; all tags where absent.

        Returns:
            Boolean (words, states). All true without gates and sets.
        """
        table = self.expand(checked_sets(len(words), len(self.tags), sets))
        for gate in self.gates:
            table = table & gate.entries.table(words)[:, gate.columns]
        return table

    def violations(self, path: Sequence[str], words: Sequence[str] | None = None) -> list[tuple[int, str]]:
        """Finds the first token at which a path of tags breaks the rule.

        Args:
            path: The tags of one sentence.
            words: Its words; needed where a list of spans is among the rules.

        Returns:
            An empty list, or one pair: the first token that cannot stand where it does after what came before
            (the last one, where the sentence may not end there), and a sentence that says so.

        Raises:
            SettingsError: The words decide, and they are not given.
        """
        if words is None and self.gates:
            raise SettingsError(f"The words decide on this: {self.rule}. Pass violations(path, words).")
        index = {tag: i for i, tag in enumerate(self.tags)}
        stranger = next((t for t, tag in enumerate(path) if tag not in index), None)
        if stranger is not None:
            return [(stranger, unknown(path[stranger], self.tags))]
        sets = np.eye(len(index), dtype=bool)[np.array([index[tag] for tag in path], np.intp)]
        token = self._dead_end(len(path), self.expand(sets) if words is None else self.allowed(words, sets))
        if token is None:
            return []
        if token == len(path):
            return [(token - 1, f"{path[-1]!r} may not be last by this: {self.rule}")]
        return [(token, f"{path[token]!r} breaks this: {self.rule}")]

    def get_config(self) -> dict[str, Any]:
        """Returns what `from_config` needs, in types that JSON has."""
        own = {"origins": self.origins.tolist(), "rule": self.rule, "gates": [gate.get_config() for gate in self.gates]}
        return super().get_config() | own

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Rebuilds an expansion from `get_config()`.

        Raises:
            SettingsError: A key is missing or unknown, or a value is not what `get_config` writes.
        """
        tables = cls._tables(config, len(config.get("origins", ())))
        gates = tuple(Gate.from_config(gate) for gate in config["gates"])
        return cls(*tables, np.asarray(config["origins"], np.intp), config["rule"], gates)

    def _dead_end(self, length: int, allowed: ArrayLike | None) -> int | None:
        if allowed is None and self.gates:
            raise SettingsError(f"The words decide on this: {self.rule}. Pass allowed=expansion.allowed(words).")
        return super()._dead_end(length, allowed)


def expansion(
    tags: Sequence[str],
    origins: ArrayLike,
    tables: tuple[Table, Table, Table],
    rule: str,
    gates: Sequence[Gate] = (),
) -> Expansion:
    """Makes an expansion without the states that no complete path can use.

    Args:
        tags: The tags.
        origins: For each state, the index of its tag.
        tables: start, transitions and end over the states.
        rule: What is demanded, for messages.
        gates: What the words of a sentence decide.

    Raises:
        DataError: No sentence of any length can satisfy the rule.
    """
    start, transitions, end = tables
    useful = np.flatnonzero(_closure(start, transitions) & _closure(end, transitions.T))
    if not useful.size:
        raise DataError(f"No path of any length satisfies this: {rule}. The parts contradict each other: drop one.")
    kept = [Gate(gate.entries, gate.columns[useful]) for gate in gates]
    return Expansion(
        tuple(tags),
        start[useful],
        transitions[np.ix_(useful, useful)],
        end[useful],
        np.asarray(origins, np.intp)[useful],
        rule,
        tuple(kept),
    )


def from_constraints(constraints: Constraints) -> Expansion:
    """The same constraints with one state for each tag, as a part of an expansion."""
    tables = (constraints.start, constraints.transitions, constraints.end)
    return expansion(constraints.tags, np.arange(constraints.states), tables, constraints.demand)


def tags_of_type(tags: Sequence[str], kind: str) -> Table:
    """Boolean (tags,): which tags are of a type."""
    return np.array([tag != OUTSIDE and split_tag(tag)[1] == kind for tag in tags])


def _product(a: Expansion, b: Expansion) -> Expansion:
    check_same_tags(a, b)
    left, right = np.nonzero(a.origins[:, None] == b.origins[None, :])  # pairs of states of one tag
    rule = f"{a.rule}, and {b.rule}"
    if len(left) > MOST_STATES:
        raise SettingsError(_too_many(len(left), rule))
    tables = (
        a.start[left] & b.start[right],
        a.transitions[np.ix_(left, left)] & b.transitions[np.ix_(right, right)],
        a.end[left] & b.end[right],
    )
    gates = [Gate(gate.entries, gate.columns[left]) for gate in a.gates]
    gates += [Gate(gate.entries, gate.columns[right]) for gate in b.gates]
    return expansion(a.tags, a.origins[left], tables, rule, gates)


def _closure(first: Table, transitions: Table) -> Table:
    """All states that can be reached."""
    reached, fresh = first, first
    while fresh.any():
        fresh = transitions[fresh].any(axis=0) & ~reached
        reached = reached | fresh
    return reached


def _too_many(states: int, rule: str) -> str:
    return f"{states} states for this: {rule}; at most {MOST_STATES} are kept. Combine fewer rules or shorter entries."
