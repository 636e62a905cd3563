from __future__ import annotations

import typing

import pytest

from seqlab import settings
from seqlab.errors import SettingsError
from seqlab.layers.cells.gru import GRUCell, SRNCell
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.layers.cells.table import CELLS, cell_of
from seqlab.ops.recurrence.variants import VARIANTS


@pytest.mark.parametrize("code", VARIANTS)
def test_every_variant_has_a_name(code):
    cell = cell_of(code.lower(), 4)
    assert isinstance(cell, LSTMCell)
    assert (cell.units, cell.variant) == (4, code)


def test_the_others():
    kinds = {name: cell_of(name, 2) for name in CELLS if name.upper() not in VARIANTS}
    assert {name: type(cell) for name, cell in kinds.items()} == {"gru": GRUCell, "gru_after": GRUCell, "srn": SRNCell}
    assert (kinds["gru"].reset_after, kinds["gru_after"].reset_after) == (False, True)
    assert all(cell.units == 2 for cell in kinds.values())


def test_in_any_case():
    assert cell_of("GRU_After", 2).reset_after


def test_settings_know_the_same_names():
    assert set(typing.get_args(settings.Cell)) == set(CELLS)


def test_unknown_name():
    with pytest.raises(SettingsError, match="Unknown cell 'gru_aftr'; expected one of v, .*Did you mean 'gru_after'"):
        cell_of("gru_aftr", 2)
