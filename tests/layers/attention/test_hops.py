"""Self-attention with several hops against NumPy, and what its penalty adds to a loss."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.errors import SettingsError
from seqlab.layers.attention.hops import SelfAttention
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.models.sequence_model import SequenceModel
from tests.layers.attention.common import check_contract, check_oracle, learnt, weights_of
from tests.layers.common import INPUTS, MASK, MASKS, PADDING, array, copy_of, tensor
from tests.oracles import attention as oracles


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_equals_the_oracle(mask):
    layer = learnt(SelfAttention(hops=2, units=3))
    check_oracle(layer, lambda h: oracles.hops(h, *weights_of(layer)), mask)


def test_contract():
    check_contract(learnt(SelfAttention(hops=2, units=3)))


def penalty_of(layer, mask):
    """The mean over sentences that have tokens, each alone."""
    found = []
    for row, real in zip(INPUTS, np.ones_like(MASK) if mask is None else mask, strict=True):
        if real.any():
            maps = oracles.hops(row[real].astype("float64"), *weights_of(layer))[1]
            found.append(oracles.hop_penalty(maps[:, 0]))
    return layer.penalty * np.mean(found)


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_penalty_equals_the_oracle(mask):
    layer = learnt(SelfAttention(hops=2, units=3, penalty=0.3))
    layer(INPUTS, mask=tensor(mask))
    (found,) = layer.losses
    assert float(ops.convert_to_numpy(found)) == pytest.approx(penalty_of(layer, mask), rel=1e-5)
    half = copy_of(layer, dtype="mixed_bfloat16")
    half(INPUTS, mask=tensor(mask))
    assert keras.backend.standardize_dtype(half.losses[0].dtype) == "float32"


def test_padding_does_not_change_the_penalty():
    layer = learnt(SelfAttention(hops=2, units=3, penalty=0.3))
    found = []
    for extra in (0, 3):
        padding = np.full((len(INPUTS), extra, INPUTS.shape[-1]), 7, "float32")
        layer(np.concatenate([INPUTS, padding], axis=1), mask=tensor(np.pad(PADDING, ((0, 0), (0, extra)))))
        found.append(array(layer.losses[0]))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-6)


def test_no_penalty_no_loss():
    layer = learnt(SelfAttention(hops=2, units=3))
    layer(INPUTS)
    assert not layer.losses


def test_the_penalty_joins_the_loss_of_a_model_and_falls():
    """In `fit` and `evaluate`, with the mask as an input, on whichever backend runs."""
    layer, head = SelfAttention(hops=2, units=3, penalty=5.0, name="hops"), SoftmaxHead(2)
    tokens, mask = keras.Input((5, 4)), keras.Input((5,), dtype="bool")
    model = SequenceModel([tokens, mask], head(layer(tokens, mask=mask), mask=mask))
    learnt_weights = np.random.default_rng(1)
    layer.set_weights([learnt_weights.normal(0, 0.7, weight.shape) for weight in layer.weights])
    labels = np.where(PADDING, 1, -1)
    plain = float(array(head.loss(labels, model([INPUTS, PADDING]))))
    penalty = penalty_of(layer, PADDING)
    model.compile(keras.optimizers.SGD(0.01))
    whole = model.evaluate([INPUTS, PADDING], labels, verbose=0)
    assert whole == pytest.approx(plain + penalty, rel=1e-4)
    losses = model.fit([INPUTS, PADDING], labels, epochs=8, verbose=0, shuffle=False).history["loss"]
    assert losses[0] == pytest.approx(plain + penalty, rel=1e-4)
    assert penalty_of(layer, PADDING) < penalty


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hops": 0}, "`hops` must be a whole number of at least 1"),
        ({"units": 0}, "`units` must be a whole number of at least 1"),
        ({"penalty": -1}, "`penalty` must be a number of at least 0. Received: penalty=-1"),
        ({"penalty": float("nan")}, "`penalty` must be a number of at least 0. Received: penalty=nan"),
        ({"penalty": True}, "`penalty` must be a number of at least 0. Received: penalty=True"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(SettingsError, match=message):
        SelfAttention(**options)
