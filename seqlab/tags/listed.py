"""Spans of a type only where the words are an entry of a list, such as a gazetteer.

The words decide where an entry stands, and the states see to it that a span has that length:

    state (tag, whether it is a span's first token, r tokens of the span still to come)
    first token of a span of r + 1 tokens  only at a token where an entry of r + 1 words begins
    (a, r) -> (b, r - 1)  inside the span; the span is left, or the sentence ends, at r = 0 only

So the number of states grows with the longest entry and not with the list, and the automaton is the same for every
sentence: `Expansion.allowed(words)` looks the sentence's entries up. Combine with `scheme_constraints` as needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from seqlab.tags.counting import check_type
from seqlab.tags.expansion import Expansion, expansion, tags_of_type
from seqlab.tags.gates import Gate, entries_of
from seqlab.tags.rules import known_tags
from seqlab.tags.spans import span_tables


def only_listed(tags: Sequence[str], scheme: str, kind: str, entries: Iterable[Sequence[str]]) -> Expansion:
    """Allows spans of a type only where their words are an entry; other types and O stay free.

    Args:
        tags: The tags, each known to the scheme.
        scheme: The scheme they are in.
        kind: The type.
        entries: The sequences of words, compared exactly; lower-case them and the words given to `allowed`, if
            case is not to count.

    Returns:
        An expansion of which `feasible`, `check_feasible` and the decoder need `allowed(words)`.

    Raises:
        DataError: A tag is none of the scheme's; an entry has no word, or is a string; there is no entry.
        SettingsError: No tag has that type.

    >>> places = only_listed(["O", "B-LOC", "I-LOC"], "iob2", "LOC", [["New", "York"], ["York"]])
    >>> places.violations(["B-LOC", "I-LOC", "O"], ["New", "York", "is"])
    []
    >>> places.violations(["B-LOC", "O", "O"], ["New", "York", "is"])
    [(1, "'O' breaks this: spans of 'LOC' only from a list of 2")]
    """
    tags = known_tags(tags, scheme)
    check_type(kind, tags)
    listed = entries_of(entries)
    longest = listed.lengths[-1]
    inside = np.flatnonzero(tags_of_type(tags, kind))
    outside = np.flatnonzero(~tags_of_type(tags, kind))
    begins = [(i, True, n - 1) for i in inside for n in listed.lengths]
    goes_on = [(i, False, rest) for i in inside for rest in range(longest - 1)]
    states = [(i, False, 0) for i in outside] + begins + goes_on
    origins = np.array([i for i, _, _ in states])
    first = np.array([is_first for _, is_first, _ in states])
    rest = np.array([to_come for _, _, to_come in states])
    of_type = np.isin(origins, inside)
    within = span_tables(tags).joints[np.ix_(origins, origins)] & of_type[:, None]  # the span goes on: (states, states)
    steps = ~first & (rest[:, None] - 1 == rest)
    opens = first | ~of_type
    moves = np.where(within, steps, (rest[:, None] == 0) & opens)
    gate = Gate(listed, np.where(first, rest + 1, 0))
    rule = f"spans of {kind!r} only from a list of {len(listed.entries)}"
    return expansion(tags, origins, (opens, moves, rest == 0), rule, [gate])
