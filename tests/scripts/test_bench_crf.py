from __future__ import annotations

import bench_crf as bench
import crf_peers
import keras
import numpy as np
import pytest

from tests.oracles.crf import enumerate_batch, path

SHAPE = [3, 4, 2]
WEIGHTS = ("transitions", "start", "end")


def exact_loss(given):
    weights = [given[name].astype("float64") for name in WEIGHTS]
    rows = enumerate_batch(given["scores"], given["mask"], *weights)
    gold = [path(*row, *weights) for row in zip(given["scores"], given["labels"], given["mask"], strict=True)]
    return np.mean([row.log_z - found for row, found in zip(rows, gold, strict=True)])


@pytest.mark.parametrize("setting", ["", " xla"])
def test_a_worker_computes_the_loss_and_times_each_kind_of_step(setting):
    backend = keras.backend.backend()
    if backend == "torch" or (backend == "jax" and setting):
        pytest.skip("not a system of the benchmark")
    worker = bench.Worker(backend + setting)
    np.testing.assert_allclose(worker.answer(["loss", SHAPE]), exact_loss(bench.arrays(SHAPE)), rtol=1e-5)
    assert all(worker.answer([kind, SHAPE]) > 0 for kind in bench.KINDS)


def test_pytorch_crf_computes_the_same():
    pytest.importorskip("torchcrf")
    given = bench.arrays(SHAPE)
    steps = crf_peers.pytorch_crf(given, single=False)
    np.testing.assert_allclose(steps["train"](), exact_loss(given), rtol=1e-5)
    rows = enumerate_batch(given["scores"], given["mask"], *[given[name].astype("float64") for name in WEIGHTS])
    assert steps["viterbi"]() == [[tag for tag in row.best if tag >= 0] for row in rows]


def test_a_line_compares_with_the_better_setting_of_each_peer():
    times = {"tensorflow": 2.0, "jax": 1.0, "addons": 4.0, "pytorch-crf": 9.0, "pytorch-crf single": 6.0}
    assert bench.peers(list(times)) == ["addons", "pytorch-crf"]
    assert bench.line("1,2,3", "train", times).split()[-2:] == ["2.00", "3.00"]
    assert bench.header(list(times)).split()[-4:] == ["of", "addons", "of", "pytorch-crf"]
