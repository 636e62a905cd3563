"""What may follow what, for heads that decode under constraints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqlab.errors import SettingsError
from seqlab.ops.crf_sets import Rules, constrained
from seqlab.tags.constraints import Constraints

Tensor = Any


def constraints_of(given: Constraints | Mapping[str, Any] | None, tags: int) -> Constraints | None:
    """Returns constraints, or what their config says.

    Raises:
        SettingsError: If they are over another number of tags.
    """
    found = Constraints.from_config(dict(given)) if isinstance(given, Mapping) else given
    if found is None:
        return None
    if not isinstance(found, Constraints):
        raise SettingsError(
            f"A head takes `Constraints`, received {type(found).__name__}. Those of a scheme are "
            "`scheme_constraints(tags, scheme)`; an `Expansion` goes around the operations of `seqlab.ops` instead."
        )
    if len(found.tags) != tags:
        raise SettingsError(
            f"The constraints are over {len(found.tags)} tags, the head has {tags}: give both the same."
        )
    return found


def ruled(constraints: Constraints | None, transitions: Tensor, start: Tensor, end: Tensor) -> tuple[Tensor, ...]:
    """The parameters of a chain, with what the constraints forbid."""
    if constraints is None:
        return transitions, start, end
    return constrained(transitions, start, end, Rules(constraints.transitions, constraints.start, constraints.end))
