"""Additive attention against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from seqlab.errors import SettingsError
from seqlab.layers.attention.additive import AdditiveAttention
from tests.layers.attention.common import check_contract, check_oracle, learnt, weights_of
from tests.layers.common import INPUTS, MASK, MASKS, array, copy_of, differ, tensor
from tests.oracles import attention as oracles


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("coverage", [False, True], ids=["plain", "coverage"])
def test_equals_the_oracle(coverage, mask):
    layer = learnt(AdditiveAttention(3, coverage=coverage))
    oracle = oracles.coverage if coverage else oracles.additive
    check_oracle(layer, lambda h: oracle(h, *weights_of(layer)), mask)


@pytest.mark.parametrize("coverage", [False, True], ids=["plain", "coverage"])
def test_contract(coverage):
    check_contract(learnt(AdditiveAttention(3, coverage=coverage)))


def test_coverage_changes_all_tokens_but_the_first():
    covered = learnt(AdditiveAttention(3, coverage=True))
    plain = copy_of_plain(covered)
    found, without = (array(layer(INPUTS, mask=tensor(MASK))) for layer in (covered, plain))
    first = np.cumsum(MASK, axis=1) == 1
    np.testing.assert_allclose(found[first & MASK], without[first & MASK], rtol=1e-5, atol=1e-6)
    assert (np.abs(found - without).max(-1) > 1e-4)[MASK & ~first].all()


def copy_of_plain(covered):
    plain = AdditiveAttention(3)
    plain.build(INPUTS.shape)
    plain.set_weights(covered.get_weights()[:3])
    return plain


def test_units_take_part():
    assert [weight.shape for weight in learnt(AdditiveAttention(7)).weights] == [(4, 7), (4, 7), (7, 1)]


def test_joined_by_default():
    layer = learnt(AdditiveAttention(3))
    assert layer(INPUTS).shape[-1] == 8
    assert not differ(layer(INPUTS)[..., 4:], copy_of(layer, joined=False)(INPUTS))


@pytest.mark.parametrize("units", [0, 2.5, None])
def test_bad_units(units):
    with pytest.raises(SettingsError, match="`units` must be a whole number of at least 1"):
        AdditiveAttention(units)
