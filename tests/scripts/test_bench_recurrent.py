from __future__ import annotations

import bench_recurrent as bench
import keras
import pytest

SHAPE = [2, 6, 4, 3]


@pytest.mark.parametrize("layer", ["V ragged jit", "SC-LSTM 1 of 3"])
def test_a_worker_times_each_kind_of_step(layer):
    if keras.backend.backend() == "torch":
        pytest.skip("torch's own layer is measured there")
    worker = bench.Worker(keras.backend.backend())
    assert all(worker.answer([layer, kind, SHAPE]) > 0 for kind in ("forward", "train"))
    assert worker.answer(["", "products", SHAPE]) > 0


def test_what_stands_below_the_table(capsys):
    bench.comparisons("jax", {"V": 2.0, "V ragged": 1.5, "NP": 2.0, "SC-LSTM 1 of 3": 2.5, "V ragged jit": 1.0}, SHAPE)
    assert capsys.readouterr().out.splitlines() == [
        "jax, V ragged: 0.75 of the time of V, 0.92 of its tokens: 0.82 of the tokens' share",
        "jax, SC-LSTM 1 of 3: 1.25 of the time of NP",
    ]


def test_counts():
    assert bench.lengths(SHAPE).tolist() == [6, 5]
    assert (bench.tokens("V", SHAPE), bench.tokens("V ragged jit", SHAPE)) == (12, 11)
    # Four blocks, inputs and states to each, in both directions, a multiplication and an addition each.
    assert bench.operations("V", SHAPE) == 2 * 2 * 4 * 3 * (4 + 3)
    assert bench.operations("CIFG", SHAPE) == 2 * 2 * 3 * 3 * (4 + 3)
    assert bench.operations("FGR", SHAPE) == bench.operations("V", SHAPE) + 2 * 2 * 9 * 3 * 3
