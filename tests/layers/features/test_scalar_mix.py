from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.errors import SettingsError
from seqlab.layers.features.scalar_mix import ScalarMix
from tests.oracles import features as oracle

RANDOM = np.random.default_rng(5)
X = (3 * RANDOM.normal(size=(2, 4, 3, 5)) + 1).astype("float32")  # (batch, time, layers, width)
MASK = np.arange(4) < np.array([4, 2])[:, None]


def mixed(mix: ScalarMix, x: np.ndarray = X, mask: np.ndarray | None = MASK, **options: bool) -> np.ndarray:
    return ops.convert_to_numpy(mix(x, mask=mask, **options))


def learnt(**options: object) -> ScalarMix:
    mix = ScalarMix(3, 5, **options)
    mix.build(X.shape)
    mix.set_weights([np.float32(1.5), np.array([0.3, -1.0, 2.0], "float32")])
    return mix


@pytest.mark.parametrize("norm", [None, "token", "batch"])
@pytest.mark.parametrize("mask", [MASK, None], ids=["masked", "free"])
def test_equals_the_equation(norm: str | None, mask: np.ndarray | None) -> None:
    found = mixed(learnt(layer_norm=norm), mask=mask)
    real = np.ones((2, 4), bool) if mask is None else mask
    wanted = oracle.scalar_mix(X, np.array([0.3, -1.0, 2.0]), 1.5, real, norm)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_starts_as_the_mean_of_the_layers() -> None:
    np.testing.assert_allclose(mixed(ScalarMix(3, 5), mask=None), X.mean(axis=2), rtol=1e-5, atol=1e-6)


def test_a_single_layer_has_no_weight_but_gamma() -> None:
    mix = ScalarMix(1, 5)
    np.testing.assert_allclose(mixed(mix, X[:, :, :1], None), X[:, :, 0], rtol=1e-6)
    assert [weight.name for weight in mix.weights] == ["gamma"]


def test_the_norm_of_tokens_leaves_a_sentence_alone_what_it_is_and_that_of_a_batch_does_not() -> None:
    token, batch = learnt(layer_norm="token"), learnt(layer_norm="batch")
    np.testing.assert_allclose(mixed(token, X[1:], MASK[1:]), mixed(token)[1:], rtol=1e-4, atol=1e-5)
    assert np.abs(mixed(batch, X[1:], MASK[1:]) - mixed(batch)[1:]).max() > 0.1


def test_what_stands_in_padding_changes_nothing() -> None:
    noise = np.where(MASK[..., None, None], X, np.float32(np.nan))
    for norm in (None, "token", "batch"):
        np.testing.assert_allclose(mixed(learnt(layer_norm=norm), noise), mixed(learnt(layer_norm=norm)), rtol=1e-6)


def test_dropout_drops_in_training_alone() -> None:
    mix = learnt(dropout=0.5)
    dropped = mixed(mix, training=True)
    assert 0 < (dropped[MASK] == 0).mean() < 1
    np.testing.assert_allclose(mixed(mix), mixed(learnt()), rtol=1e-6)


def test_the_regulariser_is_of_the_scores() -> None:
    mix = learnt(weight_regularizer=keras.regularizers.L2(0.1))
    assert float(sum(mix.losses)) == pytest.approx(0.1 * (0.09 + 1 + 4), rel=1e-5)
    again = ScalarMix.from_config(mix.get_config())
    assert again.get_config() == mix.get_config()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"layers": 0, "width": 5}, "layers"),
        ({"layers": 3, "width": 2.5}, "width"),
        ({"layers": 3, "width": 5, "layer_norm": "tokens"}, "Did you mean 'token'"),
        ({"layers": 3, "width": 5, "dropout": 1.0}, "below 1, received 1.0"),
    ],
)
def test_bad_arguments(options: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        ScalarMix(**options)


def test_inputs_of_other_sizes() -> None:
    with pytest.raises(ValueError, match=r"mixes inputs \(batch, time, 3, 4\); received the shape \(2, 4, 3, 5\)"):
        ScalarMix(3, 4)(X)
