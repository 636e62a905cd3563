"""Stacked shared-cell LSTMs against NumPy: where the gates are, how q and h are joined."""

from __future__ import annotations

import numpy as np
import pytest

from seqlab.errors import SettingsError
from seqlab.layers.tasks.sc_stack import SCLSTMStack
from tests.layers.common import INPUTS, MASKS, array, close, differ, learnt, tensor
from tests.layers.tasks.common import oracle_weights
from tests.oracles.multitask import both_directions

TASKS = 2


def made(**options):
    return learnt(SCLSTMStack(2, TASKS, layers=2, **options))


def expected(layer, x, task):
    """The oracle's s_k of one sentence."""
    for k, part in enumerate(layer.recurrent):
        weights = [oracle_weights(one.cell) for one in part.both]
        gated = k == layer.layers - 1 or layer.gates == "all"
        x = both_directions(x, *weights, task=task if gated else None, merge=layer.merge)
    return x


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("merge", ["concat", "sum"])
@pytest.mark.parametrize("gates", ["top", "all"])
def test_equals_the_oracle(gates, merge, mask):
    layer = made(gates=gates, merge=merge)
    for task in range(TASKS):
        outputs = array(layer(INPUTS, mask=tensor(mask), task=task))
        for row, real in enumerate(np.ones(INPUTS.shape[:2], bool) if mask is None else mask):
            close(outputs[row][real], expected(layer, INPUTS[row][real], task))
            assert not outputs[row][~real].any()


@pytest.mark.parametrize("options", [{}, {"gates": "all"}, {"gates": "all", "merge": "sum"}])
def test_directions_are_the_shared_memory_of_the_first_layer(options):
    layer = made(**options)
    weights = [oracle_weights(one.cell) for one in layer.recurrent[0].both]
    for task in (0, 1, None):
        shared = array(layer(INPUTS, task=task, directions=True)[1])
        for row in range(len(INPUTS)):
            close(shared[row], both_directions(INPUTS[row], *weights, task=None))


def test_directions_have_the_dropout_of_a_layer_without_gates():
    ones = np.ones_like(INPUTS)
    for layers, dropped in ((2, True), (1, False)):
        layer = learnt(SCLSTMStack(8, TASKS, layers=layers, dropout=0.5))
        for task in (0, None):
            assert (array(layer(ones, task=task, training=True, directions=True)[1]) == 0).any() == dropped


def test_rates_before_between_and_after_may_differ():
    layer = SCLSTMStack(8, TASKS, layers=3, dropout=(0.1, 0.2, 0.3))
    assert [drop.rate for drop in layer.drops] == [0.1, 0.2, 0.2, 0.3]
    again = SCLSTMStack.from_config(layer.get_config())
    assert [drop.rate for drop in again.drops] == [0.1, 0.2, 0.2, 0.3]


def test_dropout_is_one_mask_for_a_sentence():
    layer = SCLSTMStack(8, TASKS, dropout=0.5)
    ones = np.ones_like(INPUTS)
    for task in (0, None):
        found = array(layer(ones, task=task, training=True))
        dead = (found == 0).all(axis=1)
        assert ((found == 0).any(axis=1) == dead).all()
        assert 0 < dead.mean() < 1
    assert not (array(layer(ones, task=0)) == 0).any()


def test_the_variant_is_that_of_the_shared_memory():
    usual, other = (made(variant=code) for code in ("NP", "CIFG"))
    assert differ(usual(INPUTS, task=0), other(INPUTS, task=0))


def test_rebuilds_from_its_config():
    config = SCLSTMStack(2, 3, 2, 0.25, "CIFG", "all", "sum").get_config()
    assert SCLSTMStack.from_config(config).get_config() == config
    with pytest.raises(SettingsError, match="LSTM-d"):
        SCLSTMStack(2, 3).config_for([0], depth=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gates": "bottom"}, "gates 'bottom'; expected top or all"),
        ({"merge": "summ"}, "Did you mean 'sum'"),
        ({"variant": "FGR"}, "full gate recurrence"),
        ({"layers": 0}, "layers"),
        ({"dropout": 1.0}, "1.0"),
    ],
)
def test_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        SCLSTMStack(2, 2, **options)
