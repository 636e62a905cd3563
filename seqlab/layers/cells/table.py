"""Names of cells, for settings and the command line."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from seqlab.errors import SettingsError, suggest
from seqlab.layers.cells.base import RecurrentCell
from seqlab.layers.cells.gru import GRUCell, SRNCell
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.ops.recurrence.variants import VARIANTS

CELLS: dict[str, Callable[..., RecurrentCell]] = {
    **{code.lower(): partial(LSTMCell, variant=code) for code in VARIANTS},
    "gru": GRUCell,
    "gru_after": partial(GRUCell, reset_after=True),
    "srn": SRNCell,
}
"""Name to a function that builds the cell from its number of units."""


def cell_of(name: str, units: int, **options: Any) -> RecurrentCell:
    """Builds the cell of that name, in any case.

    Args:
        name: One of `CELLS`.
        units: Its units.
        **options: What every Keras layer takes, such as `dtype`.

    Raises:
        SettingsError: For an unknown name.
    """
    known = CELLS.get(name.lower())
    if known is None:
        raise SettingsError(
            f"Unknown cell {name!r}; expected one of {', '.join(CELLS)}." + suggest(name.lower(), CELLS)
        )
    return known(units, **options)
