"""Multi-head attention against NumPy."""

from __future__ import annotations

import pytest

from seqlab.errors import SettingsError
from seqlab.layers.attention.multi_head import MultiHeadAttention
from tests.layers.attention.common import check_contract, check_oracle, learnt, weights_of
from tests.layers.common import MASKS
from tests.oracles import attention as oracles


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("options", [{"heads": 2}, {"heads": 3, "key_dim": 2}])
def test_equals_the_oracle(options, mask):
    layer = learnt(MultiHeadAttention(**options))
    check_oracle(layer, lambda h: oracles.multi_head(h, *weights_of(layer)), mask)


def test_contract():
    check_contract(learnt(MultiHeadAttention(2)))


@pytest.mark.parametrize(
    ("options", "key_dim"), [({"heads": 2}, 2), ({"heads": 9}, 1), ({"heads": 2, "key_dim": 5}, 5)]
)
def test_width_of_a_head(options, key_dim):
    shapes = [weight.shape for weight in learnt(MultiHeadAttention(**options)).weights]
    assert shapes == [(4, options["heads"], key_dim)] * 3 + [(options["heads"], key_dim, 4)]


@pytest.mark.parametrize("options", [{"heads": 0}, {"key_dim": 0}])
def test_bad_options(options):
    with pytest.raises(SettingsError, match="must be a whole number of at least 1"):
        MultiHeadAttention(**options)
