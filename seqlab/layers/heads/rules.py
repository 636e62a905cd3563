"""What may follow what, for heads that decode under constraints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqlab.errors import SettingsError
from seqlab.tags.constraints import Constraints
from seqlab.tags.expansion import Expansion

Rulebook = Constraints | Expansion


def constraints_of(given: Rulebook | Mapping[str, Any] | None, tags: int) -> Rulebook | None:
    """Returns constraints, or what their config says.

    Raises:
        SettingsError: If they are over another number of tags.
    """
    found = _read(given) if isinstance(given, Mapping) else given
    if found is None:
        return None
    if not isinstance(found, Rulebook):
        raise SettingsError(
            f"A head takes `Constraints` or an `Expansion` (seqlab.tags), received {type(found).__name__}. Those of a "
            "scheme are `scheme_constraints(tags, scheme)`."
        )
    if len(found.tags) != tags:
        raise SettingsError(
            f"The constraints are over {len(found.tags)} tags, the head has {tags}: give both the same."
        )
    return found


def _read(config: Mapping[str, Any]) -> Rulebook:
    return (Expansion if "origins" in config else Constraints).from_config(config)
