"""What the tests of attention layers share."""

from __future__ import annotations

import keras
import numpy as np

from tests.layers import common
from tests.layers.common import INPUTS, MASK, array, close, copy_of, tensor


def learnt(layer):
    return common.learnt(layer)


def weights_of(layer):
    """The weights in the order of their making, in float64; matrices of one column or row as vectors."""
    found = [np.array(keras.ops.convert_to_numpy(weight), "float64") for weight in layer.weights]
    return [weight.reshape(-1) if 1 in weight.shape else weight for weight in found]


def check_oracle(layer, oracle, mask):
    """Holds outputs and weights of a layer, already built, against those of each sentence alone.

    Args:
        layer: The layer.
        oracle: From the states of one sentence to its contexts and weights.
        mask: `None`, or booleans (batch, time).
    """
    real = np.ones_like(MASK) if mask is None else mask
    outputs, weights = (array(one) for one in layer(INPUTS, mask=tensor(mask), return_attention=True))
    expected, maps = np.zeros_like(outputs), np.zeros_like(weights)
    for row, there in enumerate(real):
        h = INPUTS[row, there].astype("float64")
        if not len(h):
            continue
        contexts, own = oracle(h)
        expected[row, there] = np.concatenate([h, contexts], axis=1) if layer.joined else contexts
        places = np.flatnonzero(there)
        maps[row][..., places[:, None], places] = own
    close(outputs, expected)
    close(weights, maps)
    assert not weights[np.broadcast_to(maps == 0, weights.shape)].any()  # exactly nothing, not next to nothing
    close(layer(INPUTS, mask=tensor(mask)), expected)  # without the weights


def check_contract(layer):
    """What holds of each kind: shapes, symbols, NaN at padding, the joined state, the policy."""
    outputs, weights = layer(INPUTS, mask=tensor(MASK), return_attention=True)
    symbols = layer(keras.Input((None, INPUTS.shape[-1])), return_attention=True)
    for symbol, found in zip(symbols, (outputs, weights), strict=True):
        assert len(symbol.shape) == len(found.shape)
        assert all(size in (None, own) for size, own in zip(symbol.shape, found.shape, strict=True))
    assert layer.compute_output_shape(INPUTS.shape) == tuple(outputs.shape)
    dirty = np.where(MASK[..., None], INPUTS, np.float32("nan"))
    for found, expected in zip(layer(dirty, mask=tensor(MASK), return_attention=True), (outputs, weights), strict=True):
        np.testing.assert_array_equal(array(found), array(expected))
    width = INPUTS.shape[-1]
    np.testing.assert_array_equal(array(outputs)[..., :width][MASK], INPUTS[MASK])
    alone = copy_of(layer, joined=False)(INPUTS, mask=tensor(MASK))
    close(alone, outputs[..., width:])
    for policy in ("mixed_bfloat16", "mixed_float16"):
        half = copy_of(layer, dtype=policy)(INPUTS, mask=tensor(MASK), return_attention=True)
        assert {keras.backend.standardize_dtype(one.dtype) for one in half} == {policy.removeprefix("mixed_")}
        close(half, (outputs, weights), rtol=0.1, atol=0.1)
