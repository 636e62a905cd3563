"""The language-model objective against an oracle, with and without padding, and what it refuses."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.errors import SettingsError
from seqlab.layers.language import EDGE, OTHER, LanguageObjective
from tests.layers.common import array, slopes
from tests.oracles.language_objective import losses as oracle

RANDOM = np.random.default_rng(0)
ROWS = [4, 2, 5]
STATES = RANDOM.normal(size=(3, 4, 6)).astype("float32")
WORDS = np.array([[2, 4, 9, 5], [3, 2, 0, 0], [1, 0, 0, 0]], "int32")
LENGTHS = [4, 2, 1]
MASK = np.arange(4) < np.array(LENGTHS)[:, None]
TABLE = RANDOM.normal(size=(3, 7)).astype("float32")


def made(tied: bool = False, **options) -> LanguageObjective:
    layer = LanguageObjective(ROWS, units=5, tied=tied, **options)
    layer.build(STATES.shape, table_shape=TABLE.shape if tied else None)
    layer.set_weights([RANDOM.normal(size=weight.shape) for weight in layer.weights])
    return layer


def of_directions(layer: LanguageObjective) -> list[list[np.ndarray]]:
    names = ("kernel", "offset", "output", "bias")
    return [[array(part[name]) for name in names] for part in layer.parts]


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("tied", [True, False])
def test_losses_are_those_of_the_oracle(tied: bool, masked: bool) -> None:
    layer = made(tied)
    mask = ops.convert_to_tensor(MASK) if masked else None
    found = array(layer(STATES, WORDS, mask=mask, table=TABLE if tied else None))
    table = np.concatenate([array(layer.own), TABLE]) if tied else None
    wanted = oracle(STATES, WORDS, LENGTHS if masked else [4, 4, 4], ROWS, of_directions(layer), table)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    assert not (masked and found[~MASK].any())


def test_classes() -> None:
    found = ops.convert_to_numpy(made().classes(ops.convert_to_tensor(WORDS), ops.convert_to_tensor(MASK)))
    first, second, third = 3, 2, 4  # rows 2, 4 and 5 stand at places 1, 0 and 2, after the two reserved classes
    assert found[0].tolist() == [[second, EDGE], [OTHER, first], [third, second], [EDGE, OTHER]]
    assert found[1].tolist() == [[first, EDGE], [EDGE, OTHER], [-1, -1], [-1, -1]]
    assert found[2].tolist() == [[EDGE, EDGE], [-1, -1], [-1, -1], [-1, -1]]


@pytest.mark.parametrize("filler", [0, 4])
def test_padding_changes_nothing(filler: int) -> None:
    layer = made()
    alone = array(layer(STATES, WORDS))
    states = np.concatenate([STATES, np.full((3, 2, 6), filler, "float32")], axis=1)
    words = np.concatenate([WORDS, np.full((3, 2), filler, "int32")], axis=1)
    mask = np.broadcast_to(np.arange(6) < 4, (3, 6))
    padded = array(layer(states, words, mask=ops.convert_to_tensor(mask)))
    np.testing.assert_allclose(padded[:, :4], alone, rtol=1e-5, atol=1e-6)
    assert not padded[:, 4:].any()


def test_garbage_at_padding_reaches_no_gradient() -> None:
    layer = made()
    states = np.where(MASK[..., None], STATES, np.float32(1e30))

    def total(states, *weights):
        return ops.sum(layer(states, WORDS, mask=ops.convert_to_tensor(MASK))), ()

    (found,), _ = slopes(total)(ops.convert_to_tensor(states))
    found = array(found)
    assert np.isfinite(found).all() and not found[~MASK].any() and np.abs(found[MASK]).min(axis=-1).min() > 0


def test_tied_vectors_learn() -> None:
    layer = made(tied=True)

    def total(table):
        return ops.sum(layer(STATES, WORDS, table=table)), ()

    (found,), _ = slopes(total)(ops.convert_to_tensor(TABLE))
    assert np.abs(array(found)).max(axis=1).min() > 0.01


def test_a_tied_layer_comes_back_from_its_config() -> None:
    layer = made(tied=True, weight=0.3)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    again.set_weights(layer.get_weights())
    assert again.weight == 0.3
    given = (STATES, WORDS, None, ops.convert_to_tensor(TABLE))
    np.testing.assert_allclose(array(again(*given)), array(layer(*given)), rtol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_losses_are_float32_under_a_mixed_policy(policy: str) -> None:
    found = made(tied=True, dtype=policy)(STATES, WORDS, table=TABLE)
    assert keras.backend.standardize_dtype(found.dtype) == "float32" and np.isfinite(array(found)).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight": 0}, "weight of a language-model objective is a number above 0, received 0"),
        ({"weight": -0.1}, r"above 0, received -0\.1: leave the objective out"),
        ({"weight": True}, "above 0, received True"),
        ({"units": 0}, "units"),
        ({"rows": []}, r"at least one; received \[\]"),
        ({"rows": [1, 3]}, r"different indices of words, 2 or more, at least one; received \[1, 3\]"),
        ({"rows": [3, 3]}, "different indices"),
    ],
)
def test_bad_options(options: dict, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        LanguageObjective(**{"rows": ROWS, **options})


def test_bad_inputs() -> None:
    with pytest.raises(ValueError, match="expected an even width, received 5"):
        LanguageObjective(ROWS).build((None, None, 5))
    with pytest.raises(ValueError, match="A table of 3 vectors is given where tied is true"):
        made()(STATES, WORDS, table=TABLE)
    with pytest.raises(ValueError, match="A table of 3 vectors"):
        made(tied=True)(STATES, WORDS)
