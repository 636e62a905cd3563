"""Which weights a batch moves, on a model whose answer is known."""

from __future__ import annotations

import keras
import numpy as np

from seqlab.evaluation.reach import gradient_reach, reach_table
from tests.models.tasks import values


def model():
    """Two layers."""
    x = keras.Input((2,))
    hidden = keras.layers.Dense(3, name="hidden")(x)
    out = keras.layers.Dense(1, name="top")(hidden)
    made = keras.Model(x, out)
    made.compile(keras.optimizers.SGD(0.1, momentum=0.9), loss="mse")
    return made


def test_tells_what_moves_and_puts_everything_back():
    made = model()  # its optimiser is not built: moments of one batch must not move weights in the next
    before = values(made.variables)
    x = np.ones((2, 2), "float32")
    right = made.predict(x, verbose=0)
    found = gradient_reach(made, {"wrong": (x, right + 1), "right": (x, right)})
    assert {name.rsplit("/", 1)[0] for name in found} == {"hidden", "top"}
    assert all(moved["wrong"] and not moved["right"] for moved in found.values())
    assert all(np.array_equal(a, b) for a, b in zip(before, values(made.variables), strict=True))
    assert not any(array.any() for array in values(made.optimizer.variables) if array.ndim)


def test_random_states_and_metrics_are_put_back_too():
    x = keras.Input((2,))
    made = keras.Model(x, keras.layers.Dense(1)(keras.layers.Dropout(0.5, seed=1)(x)))
    made.compile("adam", loss="mse", metrics=["mae"])
    batch = (np.ones((2, 2), "float32"), np.ones((2, 1), "float32"))
    for trained in (False, True):  # metrics are made in the first step
        if trained:
            made.train_on_batch(*batch)
        before = values([*made.variables, *made.metrics_variables])
        gradient_reach(made, {"one": batch})
        after = values([*made.variables, *made.metrics_variables])
        assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=False))
        assert not any(array.any() for array in after[len(before) :])


def test_the_table_marks_what_moves():
    table = reach_table({"a": {"pos": True, "chunk": False}, "longer": {"pos": False, "chunk": True}}, "sc_lstm")
    assert [line.split() for line in table.splitlines()] == [
        ["sc_lstm", "pos", "chunk"],
        ["a", "x", "."],
        ["longer", ".", "x"],
    ]
    assert len({len(line) for line in table.splitlines()}) == 1
