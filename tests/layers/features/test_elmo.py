"""ELMo as a feature against an independent model in NumPy; its parts have tests of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.errors import SettingsError
from seqlab.layers.elmo import ElmoRecurrence, ElmoTokens
from seqlab.layers.features.elmo import ElmoVectors
from seqlab.models.elmo import elmo_vectors
from seqlab.text.elmo_chars import elmo_characters
from tests.migration.official import options_of, random_weights, write
from tests.oracles import bilm
from tests.oracles.features import scalar_mix

SENTENCES = [["Snow", "fell", "on", "Snow"], ["Übermäßig", "lange"]]
FORMS = ["", "lange", "Snow", "fell", "Übermäßig", "on"]
ROWS = np.array([[2, 3, 5, 2, 0], [4, 1, 0, 0, 0]], "int32")
MASK = np.arange(5) < np.array([4, 2])[:, None]
EDGES = [[3, 1, 4], [3, 2, 4]]


def options() -> dict[str, Any]:
    """Those of a tiny model that reads as much of a word as the published ones."""
    found = options_of(use_skip_connections=True)
    found["char_cnn"]["max_characters_per_token"] = 50
    return found


def spelled() -> np.ndarray:
    """The forms as a batch holds them: no word first."""
    numbers = elmo_characters(FORMS)
    numbers[0] = 0
    return numbers


def tiny(**changes: Any) -> ElmoVectors:
    parts = {"tokens": ElmoTokens([[2, 3]], dim=2, characters=5), "recurrence": ElmoRecurrence(3, 1), "edges": EDGES}
    return ElmoVectors(**(parts | changes))


@pytest.mark.parametrize("holes", [False, True])
def test_equals_an_independent_model(holes: bool, tmp_path: Path) -> None:
    weights = random_weights(options())
    layer = elmo_vectors(write(tmp_path, options(), weights))
    rows, mask = (np.insert(ROWS, 1, 4, axis=1), np.insert(MASK, 1, False, axis=1)) if holes else (ROWS, MASK)
    found = ops.convert_to_numpy(layer(spelled(), rows, mask=mask))
    gamma, scores = 0.7, np.array([0.5, -1.0, 0.2], "float32")
    layer.mix.set_weights([np.float32(gamma), scores])
    mixed = ops.convert_to_numpy(layer(spelled(), rows, mask=mask))
    for number, words in enumerate(SENTENCES):
        wanted = bilm.bilm(words, weights, options())[0].transpose(1, 0, 2)[None]  # (1, time, layers, width)
        np.testing.assert_allclose(found[number][mask[number]], wanted[0].mean(axis=1), rtol=1e-4, atol=1e-5)
        real = np.ones((1, len(words)), bool)
        numpys = scalar_mix(wanted, scores, gamma, real)[0]
        np.testing.assert_allclose(mixed[number][mask[number]], numpys, rtol=1e-4, atol=1e-5)
        assert not mixed[number][~mask[number]].any()


def test_the_mask_may_be_left_out(tmp_path: Path) -> None:
    layer = elmo_vectors(write(tmp_path, options()))
    whole = layer(spelled(), ROWS[:1, :4])
    masked = layer(spelled(), ROWS[:1], mask=MASK[:1])
    np.testing.assert_allclose(ops.convert_to_numpy(whole), ops.convert_to_numpy(masked)[:, :4], rtol=1e-5, atol=1e-6)


def test_options_of_the_mix_change_what_it_gives(tmp_path: Path) -> None:
    folder, found = write(tmp_path, options()), []
    for change in ({}, {"layer_norm": "token"}, {"dropout": 0.5}):
        keras.utils.set_random_seed(1)
        layer = elmo_vectors(folder, **change)
        found.append(ops.convert_to_numpy(layer(spelled(), ROWS, mask=MASK, training=True)))
    assert all(np.abs(found[0] - other).max() > 1e-3 for other in found[1:])


def test_a_model_that_reads_less_of_a_word_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"reads 9 numbers of a word .* reads 50, as the published models"):
        elmo_vectors(write(tmp_path, options_of()))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"edges": [[1, 2], [3]]}, r"two rows of one length, received rows of \[2, 1\]"),
        ({"recurrence": ElmoRecurrence(3, 1, return_state=True)}, "make it without return_state"),
        ({"recurrence": ElmoRecurrence(4, 1)}, "reads vectors 4 wide, words have 3"),
    ],
)
def test_refuses(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        tiny(**changes)


def test_words_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="reads words of 3 numbers, received"):
        tiny()(np.ones((2, 4), "int32"), ROWS)
