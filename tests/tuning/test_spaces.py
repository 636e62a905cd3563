"""What spaces declare; that of the Odyssey runs in test_kinds.py, that of taggers with its recipes."""

from __future__ import annotations

import keras_tuner

from seqlab.tuning.spaces import odyssey_space, tagger_space


def test_bounds_are_those_of_the_paper() -> None:
    hp = keras_tuner.HyperParameters()
    odyssey_space(hp)
    found = {item.name: item for item in hp.space}
    ends = {name: (item.min_value, item.max_value, item.sampling) for name, item in found.items() if name != "variant"}
    assert ends == {
        "units": (20, 200, "log"),
        "noise": (0.0, 1.0, "linear"),
        "learning_rate": (1e-6, 1e-2, "log"),
        "one_minus_momentum": (0.01, 1.0, "log"),
    }
    assert len(found["variant"].values) == 9


def test_what_waits_for_its_turn_is_as_in_the_recipes() -> None:
    """`guided` holds it at its default."""
    found = odyssey_space(keras_tuner.HyperParameters())
    assert found["network.variant"] == "V"
    assert (found["network.noise"], found["training.momentum"]) == (0.2, 0.9)


def test_characters_bring_the_sizes_of_their_kind() -> None:
    hp = keras_tuner.HyperParameters()
    found = tagger_space(hp)
    assert (found["words.chars"], found["training.learning_rate"], found["encoder.dropout"]) == ("cnn", 3e-3, 0.3)
    assert found["chars.filters"] is not None and "chars.units" not in hp.values
    other = keras_tuner.HyperParameters()
    other.values["words.chars"] = "lstm"
    tagger_space(other)
    assert "chars.units" in other.values and "chars.filters" not in other.values
