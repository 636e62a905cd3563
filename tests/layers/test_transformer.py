"""The Transformer encoder against NumPy, one sentence at a time."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.errors import SettingsError
from seqlab.layers.transformer import TransformerEncoder, sinusoids
from tests.layers.common import INPUTS, MASK, MASKS, array, close, copy_of, differ, learnt, tensor
from tests.oracles import encoders as oracles


def weights(block):
    """The weights of a block as the oracle names them."""
    names = ("W_q", "W_k", "W_v", "W_o")
    parts = dict(zip(names, block.attention.get_weights(), strict=True))
    parts |= dict(zip(("W_1", "b_1"), block.inner.get_weights(), strict=True))
    parts |= dict(zip(("W_2", "b_2"), block.outer.get_weights(), strict=True))
    return parts | {"norm_a": block.norms[0].get_weights(), "norm_f": block.norms[1].get_weights()}


def expected(layer, mask):
    mask = np.ones(INPUTS.shape[:2], bool) if mask is None else mask
    found = np.zeros((*mask.shape, layer.units))
    norm = layer.norm.get_weights()
    for row, real in enumerate(mask):
        if real.any():
            blocks = [weights(block) for block in layer.blocks]
            found[row][real] = oracles.transformer(INPUTS[row][real], array(layer.entry.kernel), blocks, norm)
    return found


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize(("heads", "layers"), [(1, 1), (2, 2)])
def test_equals_the_oracle(heads, layers, mask):
    layer = learnt(TransformerEncoder(6, layers, heads=heads, feed_forward=5))
    close(layer(INPUTS, mask=tensor(mask)), expected(layer, mask), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("units", [4, 5])
def test_positions(units):
    found = sinusoids(ops.convert_to_tensor([[0, 1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1, 0]]), units)
    expected = oracles.positions(7, units)
    close(found, np.stack([expected, expected[::-1]]))


def test_padding_on_the_left_moves_no_position():
    layer = learnt(TransformerEncoder(4))
    padded = np.concatenate([np.full((4, 3, 4), np.nan, "float32"), INPUTS], axis=1)
    mask = np.arange(8)[None] >= np.full((4, 1), 3)
    close(layer(padded, mask=tensor(mask))[:, 3:], layer(INPUTS))


def test_each_option_takes_part():
    layer = learnt(TransformerEncoder(6, layers=2, heads=2))
    assert layer.feed_forward == 24 and layer.blocks[0].inner.units == 24
    assert [block.attention.num_heads for block in layer.blocks] == [2, 2]
    assert differ(layer(INPUTS[:, ::-1].copy()), layer(INPUTS)[:, ::-1])  # order matters
    noisy = copy_of(layer, dropout=0.5)
    close(noisy(INPUTS), layer(INPUTS))
    assert differ(noisy(INPUTS, training=True), layer(INPUTS))
    assert {block.attention.get_config()["dropout"] for block in noisy.blocks} == {0.5}
    noisy.drop.rate = 0.0
    assert differ(noisy(INPUTS, training=True), layer(INPUTS))  # inside the blocks too


def test_all_layers_end_with_the_last():
    layer = learnt(TransformerEncoder(4, layers=2, all_layers=True))
    found = layer(INPUTS, mask=tensor(MASK))
    close(found[1], copy_of(layer, all_layers=False)(INPUTS, mask=tensor(MASK)))
    assert not array(found[0])[~MASK].any()
    assert differ(found[0], found[1])
    assert layer.compute_output_shape(INPUTS.shape) == [tuple(one.shape) for one in found]
    assert layer.compute_mask(None, 1) == [1, 1]


def test_policy_reaches_what_is_inside():
    layer = learnt(TransformerEncoder(4, layers=2, dtype="mixed_bfloat16"))
    found = layer(INPUTS, mask=tensor(MASK))
    assert keras.backend.standardize_dtype(found.dtype) == "bfloat16"
    close(found, copy_of(layer, dtype="float32")(INPUTS, mask=tensor(MASK)), rtol=0.2, atol=0.2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 10}, "`units` must be a multiple of `heads`. Received: units=10, heads=4"),
        ({"heads": 0}, "`heads` must be a whole number of at least 1"),
        ({"layers": 0}, "`layers` must be"),
        ({"feed_forward": 0}, "`feed_forward` must be"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(SettingsError, match=message):
        TransformerEncoder(**options)
