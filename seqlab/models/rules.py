"""Which rules the decoder of a tagger keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seqlab.errors import SettingsError
from seqlab.layers.heads.rules import Rulebook
from seqlab.tags.constraints import Constraints
from seqlab.tags.expansion import from_constraints
from seqlab.tags.rules import scheme_constraints

Choice = bool | Rulebook | Callable[[tuple[str, ...], str | None], Rulebook]
"""True for the tag scheme, False for nothing; constraints over the labels; or what makes them of labels and scheme."""


def rules_of(choice: Choice, labels: Sequence[str], scheme: str | None) -> Rulebook | None:
    """Makes the constraints that a user has chosen for some labels.

    Args:
        choice: See `Choice`.
        labels: The labels, in the order of the scores.
        scheme: Their tag scheme, `None` for plain labels.

    Raises:
        DataError: The constraints contradict each other: no sentence of any length satisfies them.
        SettingsError: The labels have no scheme to keep, or the choice is none of those.

    >>> rules_of(True, ["O", "B-X", "I-X"], "iob2").start.tolist()
    [True, True, False]
    """
    if choice is False:
        return None
    if choice is True:
        if scheme is None:
            raise SettingsError("constrained=True keeps a tag scheme, and these are plain labels: leave it out.")
        found: Rulebook = scheme_constraints(labels, scheme)
    else:
        found = choice(tuple(labels), scheme) if callable(choice) else choice
    if not isinstance(found, Rulebook):
        raise SettingsError(
            f"constrained is {found!r}; expected True, False, `Constraints` or an `Expansion` (seqlab.tags), or a "
            "function of (labels, scheme) that returns one of these two."
        )
    if isinstance(found, Constraints):
        from_constraints(found)  # refuses a contradiction; an expansion has been through it
    return found
