"""Cells by name, for settings and the command line, and copies of a cell for the layers of a stack."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from seqlab.errors import SettingsError, suggest
from seqlab.layers.cells.base import RecurrentCell
from seqlab.layers.cells.gru import GRUCell, SRNCell
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.layers.cells.parts import Projection, reseeded
from seqlab.layers.cells.wrappers import LearnedStateCell
from seqlab.layers.cells.zoneout import ZoneoutCell
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


def cell_with(
    name: str,
    units: int,
    projection: int | None = None,
    layer_norm: bool = False,
    learned_state: bool = False,
    zoneout: float = 0.0,
    cell_zoneout: float = 0.0,
    **options: Any,
) -> RecurrentCell:
    """Builds the cell of that name with what is put on top of it.

    Args:
        name: One of `CELLS`.
        units: Its units.
        projection: Width that an LSTM's output is projected down to.
        layer_norm: Whether an LSTM's pre-activations and memory are layer-normalised.
        learned_state: Whether its first states are learned, see `LearnedStateCell`.
        zoneout: Rate of zoneout of the output, see `ZoneoutCell`.
        cell_zoneout: Rate of zoneout of the states that are not the output, an LSTM's memory.
        **options: What every Keras layer takes, such as `dtype`.

    Raises:
        SettingsError: For an unknown name, or what a cell of that kind cannot do.
    """
    extra: dict[str, Any] = {}
    if projection is not None:
        extra["projection"] = Projection(projection, **options)
    if layer_norm:
        extra["normalized"] = True
    if extra and name.upper() not in VARIANTS:
        raise SettingsError(
            f"projection and layer_norm are for LSTM cells, received the cell {name!r}: leave them out."
        )
    cell = cell_of(name, units, **extra, **options)
    if cell_zoneout and len(cell.state_size) == 1:
        raise SettingsError(f"cell_zoneout is for cells with a memory, the only state of {name!r} is its output.")
    if learned_state:
        cell = LearnedStateCell(cell, **options)
    return ZoneoutCell(cell, zoneout, cell_zoneout, **options) if zoneout or cell_zoneout else cell


class Template:
    """A cell, by name or as it was given, of which each layer and direction of a stack gets one of its own.

    It is no Keras layer: what it holds is no part of the model.

    Args:
        cell: One of `CELLS`, or a cell.
        units: Units of a named cell, 100 by default; a given one has its own.

    Raises:
        SettingsError: For an unknown name, or units beside a given cell.
        TypeError: For what is neither a name nor a cell of seqlab.
    """

    def __init__(self, cell: str | RecurrentCell, units: int | None = None) -> None:
        if not isinstance(cell, str | RecurrentCell):
            raise TypeError(f"`cell` is a name or a cell of seqlab, received {type(cell).__name__}.")
        if not isinstance(cell, str) and units is not None:
            raise SettingsError(f"The given {type(cell).__name__} has units of its own: leave out units={units}.")
        self.cell = cell
        self.units = 100 if isinstance(cell, str) and units is None else units

    def copy(self, number: int, **options: Any) -> RecurrentCell:
        """Returns a cell with weights of its own.

        Args:
            number: Added to the seeds of a given cell, so that its copies draw different numbers.
            **options: What every Keras layer takes; a given cell has its own.
        """
        if isinstance(self.cell, RecurrentCell):
            found: RecurrentCell = type(self.cell).from_config(reseeded(self.cell.get_config(), number))
            return found
        return cell_of(self.cell, self.units or 0, **options)
