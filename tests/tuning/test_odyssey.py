"""The space itself is tested with the kinds of runs, in test_kinds.py; here what the paper says of it."""

from __future__ import annotations

import keras_tuner

from seqlab.tuning.odyssey import odyssey_space


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
