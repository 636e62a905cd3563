"""Attention on top of an encoder."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seqlab.layers.attention.encoder import AttentionEncoder
from seqlab.layers.attention.multi_head import MultiHeadAttention
from seqlab.layers.attention.multiplicative import MultiplicativeAttention
from seqlab.layers.stack import RecurrentStack
from seqlab.testing.checks import check_round_trip
from tests.layers.common import INPUTS, MASK, array, close, copy_of, differ, learnt, tensor


def made(all_layers=False, dropout=0.0):
    encoder = RecurrentStack(2, layers=2, dropout=dropout, all_layers=all_layers)
    return learnt(AttentionEncoder(encoder, MultiplicativeAttention()))


def shapes(found):
    return [tuple(one.shape) for one in keras.tree.flatten(found)]


@pytest.mark.parametrize("all_layers", [False, True])
def test_the_attention_takes_the_place_of_the_last_layer(all_layers):
    layer = made(all_layers)
    lower = layer.encoder(INPUTS, mask=tensor(MASK))
    last, weights = layer.attention(lower[-1] if all_layers else lower, mask=tensor(MASK), return_attention=True)
    expected = [*lower[:-1], last] if all_layers else last
    found, maps = layer(INPUTS, mask=tensor(MASK), return_attention=True)
    assert isinstance(found, list) == all_layers
    close(found, expected)
    close(maps, weights)
    close(layer(INPUTS, mask=tensor(MASK)), expected)


@pytest.mark.parametrize("all_layers", [False, True])
def test_symbols_and_masks(all_layers):
    layer = made(all_layers)
    symbol = keras.Input((None, INPUTS.shape[-1]))
    found = layer(INPUTS, return_attention=True)
    for one, other in zip(shapes(layer(symbol, return_attention=True)), shapes(found), strict=True):
        assert len(one) == len(other) and one[-1] in (None, other[-1])
    assert keras.tree.flatten(layer.compute_output_shape(INPUTS.shape)) == keras.tree.flatten(shapes(found[0]))
    mask = layer.compute_mask(INPUTS, "mask")
    assert mask == (["mask"] * 2 if all_layers else "mask")


def test_round_trip_with_all_layers():
    encoder = AttentionEncoder(RecurrentStack(2, layers=2, all_layers=True), MultiHeadAttention(2))
    encoder(INPUTS)
    check_round_trip(encoder, INPUTS)


def test_training_reaches_the_encoder():
    layer = made(dropout=0.5)
    still = copy_of(layer)(INPUTS, training=False)
    close(layer(INPUTS, training=False), still)
    assert differ(layer(INPUTS, training=True), still)


def test_any_layer_that_tells_its_shape_is_an_encoder():
    layer = AttentionEncoder(keras.layers.GRU(3, return_sequences=True), MultiplicativeAttention())
    assert layer(INPUTS).shape == (*INPUTS.shape[:2], 6)
    assert np.isfinite(array(layer(INPUTS, mask=tensor(MASK)))).all()


def test_other_layers_are_no_attention():
    with pytest.raises(TypeError, match=r"attention is a SequenceAttention, such as .*; received <Dense"):
        AttentionEncoder(RecurrentStack(2), keras.layers.Dense(3))
