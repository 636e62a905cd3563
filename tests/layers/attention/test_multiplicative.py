"""Multiplicative attention against NumPy."""

from __future__ import annotations

import pytest

from seqlab.layers.attention.multiplicative import MultiplicativeAttention
from tests.layers.attention.common import check_contract, check_oracle, learnt, weights_of
from tests.layers.common import INPUTS, MASKS, copy_of, differ
from tests.oracles import attention as oracles


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("scaled", [False, True], ids=["plain", "scaled"])
def test_equals_the_oracle(scaled, mask):
    layer = learnt(MultiplicativeAttention(scaled))
    check_oracle(layer, lambda h: oracles.multiplicative(h, *weights_of(layer), scaled), mask)


def test_contract():
    check_contract(learnt(MultiplicativeAttention()))


def test_scaling_changes_the_outputs():
    layer = learnt(MultiplicativeAttention())
    assert differ(layer(INPUTS), copy_of(layer, scaled=True)(INPUTS))
