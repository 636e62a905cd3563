"""What the layers refuse, their padding, gradients and states; their numbers are held in tests/models/test_elmo.py."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.errors import SettingsError
from seqlab.layers.elmo import ElmoRecurrence, ElmoTokens

RANDOM = np.random.default_rng(2)
X = RANDOM.normal(size=(2, 4, 3)).astype("float32")
MASK = np.arange(4) < np.array([4, 2])[:, None]
SPELLED = RANDOM.integers(1, 6, (2, 4, 5)).astype("int32")


def array(x) -> np.ndarray:
    return ops.convert_to_numpy(x)


def test_padding_of_a_word_is_a_character_and_a_padded_token_is_none() -> None:
    layer = ElmoTokens([[2, 3]], dim=2, characters=5)
    one = array(layer(SPELLED))
    assert one.shape == (2, 4, 3) and layer.width == 3
    changed = SPELLED.copy()
    changed[..., -1] = 5
    assert np.abs(array(layer(changed)) - one).max() > 0
    layer.table.assign(np.ones((5, 2), "float32"))
    none = array(layer(np.zeros((1, 5), "int32")))
    np.testing.assert_array_equal(none, np.maximum(array(layer.kernels[0][1]), 0)[None])  # the vector of 0 is 0


@pytest.mark.parametrize(
    "change", [{"activation": "tanh"}, {"highway": 0}, {"highway": 1}, {"projection": 4}, {"filters": [[1, 3]]}]
)
def test_each_option_changes_what_words_are(change) -> None:
    options = {"filters": [[2, 3]], "dim": 2, "characters": 5}
    found = []
    for part in ({}, change):
        keras.utils.set_random_seed(1)
        found.append(array(ElmoTokens(**(options | part))(SPELLED)))
    assert found[0].shape != found[1].shape or np.abs(found[0] - found[1]).max() > 1e-6


def test_states_of_one_part_of_a_sentence_begin_the_next() -> None:
    layer = ElmoRecurrence(5, 2, projection=3, cell_clip=1.0, projection_clip=0.5, return_state=True)
    whole, *_ = layer(X)
    first, *states = layer(X[:, :2])
    assert [tuple(state.shape) for state in states] == [(2, size) for size in layer.state_size]
    second, *_ = layer(X[:, 2:], initial_state=states)
    forward = array(whole)[..., :3]
    np.testing.assert_allclose(array(second)[..., :3], forward[:, 2:], rtol=1e-4, atol=1e-5)
    assert np.abs(array(first)[..., 3:] - array(whole)[:, :2, :, 3:]).max() > 1e-3  # which has read the rest


def test_masked_rows_keep_their_states() -> None:
    layer = ElmoRecurrence(5, 1, projection=3, return_state=True)
    given = [RANDOM.normal(size=(2, size)).astype("float32") for size in layer.state_size]
    mask = np.array([[True, True, False, False], [False] * 4])
    outputs, *states = layer(X, mask=mask, initial_state=given)
    assert not array(outputs)[~mask].any()
    for state, before in zip(states, given, strict=True):
        np.testing.assert_allclose(array(state)[1], before[1], rtol=1e-6)
        assert np.abs(array(state)[0] - before[0]).max() > 1e-3


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ElmoTokens([]), SettingsError, "filters are pairs .* received"),
        (lambda: ElmoTokens([[0, 3]]), SettingsError, "filters are pairs"),
        (lambda: ElmoTokens([[1, 3]], dim=0), SettingsError, "dim"),
        (lambda: ElmoTokens([[1, 3]], characters=0), SettingsError, "characters"),
        (lambda: ElmoTokens([[1, 3]], activation="relo"), SettingsError, "Did you mean 'relu'"),
        (lambda: ElmoTokens([[6, 3]])(SPELLED), ValueError, "Words of 5 characters are shorter .* filter, 6"),
        (lambda: ElmoRecurrence(5, 0), SettingsError, "layers"),
        (lambda: ElmoRecurrence(5, projection_clip=1.0), SettingsError, "name a projection"),
        (lambda: ElmoRecurrence(5)(X), ValueError, r"as wide as its outputs, 5; received \(2, 4, 3\)"),
        (lambda: ElmoRecurrence(3)(X, initial_state=[X[:, 0]]), ValueError, "8 states .* received 1"),
    ],
)
def test_what_is_refused(call, error, words: str) -> None:
    with pytest.raises(error, match=words):
        call()
