from __future__ import annotations

import bench_recurrent as bench
import keras
import pytest

SHAPE = [2, 6, 4, 3]


@pytest.mark.parametrize("layer", ["V ragged", "SC-LSTM 1 of 3"])
def test_a_worker_times_each_kind_of_step(layer):
    if keras.backend.backend() == "torch":
        pytest.skip("torch's own layer is measured there")
    worker = bench.Worker(keras.backend.backend())
    assert all(worker.answer([layer, kind, SHAPE]) > 0 for kind in ("forward", "train"))
    assert worker.answer(["", "products", SHAPE]) > 0


def test_counts():
    assert bench.lengths(SHAPE).tolist() == [6, 5]
    assert (bench.tokens("V", SHAPE), bench.tokens("V ragged", SHAPE)) == (12, 11)
    # Four blocks, inputs and states to each, in both directions, a multiplication and an addition each.
    assert bench.operations("V", SHAPE) == 2 * 2 * 4 * 3 * (4 + 3)
    assert bench.operations("CIFG", SHAPE) == 2 * 2 * 3 * 3 * (4 + 3)
    assert bench.operations("FGR", SHAPE) == bench.operations("V", SHAPE) + 2 * 2 * 9 * 3 * 3
