"""At most one, or at least one, span of a type in a sentence: the states remember which types have occurred.

    state (tag, seen)                                      seen: a set of the types that are counted
    (a, s) -> (b, s + type of b)   if b begins a span of a counted type: `at_most_one` asks that it is not in s
    (a, s) -> (b, s)               otherwise
    a sentence may end at (a, s)   for `at_least_one` only if s holds all types

So k types make up to 2^k copies of each tag; copies that nothing can reach are left out. A span begins where
`seqlab.tags.spans` says so, ill-formed tags included: combine with `scheme_constraints` to forbid these.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqlab.errors import SettingsError, suggest
from seqlab.tags.expansion import Expansion, expansion, tags_of_type
from seqlab.tags.rules import known_tags
from seqlab.tags.schemes import OUTSIDE, split_tag
from seqlab.tags.spans import span_tables

MOST_TYPES = 3


def at_most_one(tags: Sequence[str], scheme: str, *types: str) -> Expansion:
    """Allows no type more than one span in a sentence.

    Args:
        tags: The tags, each known to the scheme.
        scheme: The scheme they are in.
        *types: One to three types; each is counted for itself.

    Raises:
        DataError: A tag is none of the scheme's.
        SettingsError: A type without a tag, no type, or more than three.

    >>> once = at_most_one(["O", "B-X", "I-X"], "iob2", "X")
    >>> once.states, once.violations(["B-X", "I-X", "O", "O"])
    (4, [])
    """
    return _counted(tags, scheme, types, once=True)


def at_least_one(tags: Sequence[str], scheme: str, *types: str) -> Expansion:
    """Demands a span of every given type in a sentence.

    Args:
        tags: The tags, each known to the scheme.
        scheme: The scheme they are in.
        *types: One to three types.

    Raises:
        DataError: A tag is none of the scheme's.
        SettingsError: A type without a tag, no type, or more than three.

    >>> at_least_one(["O", "B-X", "I-X"], "iob2", "X").violations(["O", "O"])
    [(1, "'O' may not be last by this: at least one span of 'X'")]
    """
    return _counted(tags, scheme, types, once=False)


def check_type(kind: str, tags: Sequence[str]) -> None:
    """Refuses a type that no tag has."""
    kinds = sorted({split_tag(tag)[1] for tag in tags if tag != OUTSIDE})
    if kind not in kinds:
        known = ", ".join(map(repr, kinds)) or "none"
        raise SettingsError(f"No tag has the type {kind!r}; the types are {known}.{suggest(str(kind), kinds)}")


def _counted(tags: Sequence[str], scheme: str, types: tuple[str, ...], once: bool) -> Expansion:
    tags = known_tags(tags, scheme)
    types = tuple(dict.fromkeys(types))
    if not 1 <= len(types) <= MOST_TYPES:
        raise SettingsError(
            f"{len(types)} types to count; expected 1 to {MOST_TYPES}, because each doubles the states. "
            "Where that is affordable, combine two such rules with &."
        )
    for kind in types:
        check_type(kind, tags)
    own = np.sum([tags_of_type(tags, kind) * (1 << i) for i, kind in enumerate(types)], axis=0)  # (tags,), one bit
    copies = 1 << len(types)
    origins = np.repeat(np.arange(len(tags)), copies)  # (states,)
    seen = np.tile(np.arange(copies), len(tags))  # (states,), the types that have occurred as bits
    bits = own[origins]
    begun = np.where(span_tables(tags).joints[np.ix_(origins, origins)], 0, bits)  # (states, states)
    moves = (seen[:, None] | begun) == seen
    if once:
        moves &= (seen[:, None] & begun) == 0
    end = np.full(len(origins), True) if once else seen == copies - 1
    each = "each of " if len(types) > 1 else ""
    rule = f"at {'most' if once else 'least'} one span of {each}{', '.join(map(repr, types))}"
    return expansion(tags, origins, (seen == bits, moves, end), rule)
