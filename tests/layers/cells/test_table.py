from __future__ import annotations

import typing

import pytest

from seqlab import settings
from seqlab.errors import SettingsError
from seqlab.layers.cells.gru import GRUCell, SRNCell
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.layers.cells.table import CELLS, Template, cell_of, cell_with
from seqlab.layers.cells.wrappers import LearnedStateCell
from seqlab.layers.cells.zoneout import ZoneoutCell
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


def test_what_is_put_on_top_of_a_cell():
    cell = cell_with("cifg", 4, 3, layer_norm=True, learned_state=True, zoneout=0.1, cell_zoneout=0.2)
    assert isinstance(cell, ZoneoutCell) and (cell.rate, cell.cell_rate) == (0.1, 0.2)
    assert isinstance(cell.cell, LearnedStateCell)
    inner = cell.cell.cell
    assert (inner.variant, inner.units, inner.normalized, inner.projection.units) == ("CIFG", 4, True, 3)
    assert cell.output_size == 3


def test_nothing_is_put_on_top_unasked():
    assert type(cell_with("gru", 4)) is GRUCell
    lstm = cell_with("np", 4)
    assert type(lstm) is LSTMCell and not lstm.normalized and lstm.projection is None
    assert type(cell_with("srn", 4, learned_state=True)) is LearnedStateCell
    assert cell_with("np", 4, cell_zoneout=0.2).rate == 0
    outer = cell_with("gru", 4, dtype="mixed_bfloat16", zoneout=0.1, learned_state=True)
    assert {one.compute_dtype for one in (outer, outer.cell, outer.cell.cell)} == {"bfloat16"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"projection": 2}, "projection and layer_norm are for LSTM cells, received the cell 'gru'"),
        ({"layer_norm": True}, "projection and layer_norm are for LSTM cells, received the cell 'gru'"),
        ({"cell_zoneout": 0.1}, "cell_zoneout is for cells with a memory, the only state of 'gru' is its output"),
    ],
)
def test_what_a_cell_cannot_do(options, message):
    with pytest.raises(SettingsError, match=message):
        cell_with("gru", 2, **options)


def test_copies_differ_in_their_seeds():
    template = Template(ZoneoutCell(GRUCell(2), 0.1, seed=3))
    one, other = template.copy(0), template.copy(2)
    assert (one.seed, other.seed) == (3, 5) and one is not template.cell
    assert Template("gru").copy(0).units == 100 and Template("gru", 3).copy(1).units == 3
