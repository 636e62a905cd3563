from __future__ import annotations

import bench_multitask as bench
import keras
import numpy as np
import pytest

SHAPE = [2, 3, 2, 2]


@pytest.mark.parametrize("job", ["SC-LSTM, one task", pytest.param("LSTM (Tagger)", marks=pytest.mark.slow)])
def test_a_worker_times_a_step(job, monkeypatch):
    monkeypatch.setattr(bench, "WORDS", 20)
    worker = bench.Worker(keras.backend.backend())
    assert worker.answer([job, SHAPE]) > 0


def test_the_table_gives_medians_and_ratios():
    times = {("a", "SC-LSTM"): [1.0, 2.0, 9.0], ("b", "loop"): [4.0]}
    lines = bench.table(times, 100).splitlines()
    assert lines[1].split() == ["a", "SC-LSTM", "50", "2.00"]
    assert lines[2].split() == ["b", "loop", "25", "1.00"]


def test_the_loop_in_torch_is_the_paper_s():
    torch = pytest.importorskip("torch")
    from torch_sc_lstm import SharedCell

    from tests.oracles.recurrent import sc_lstm

    torch.manual_seed(0)
    cell = SharedCell(3, 2, tasks=2)
    x = torch.randn(1, 4, 3)
    w = {}
    parts = zip(
        "fioc", cell.entry.weight.chunk(4), cell.entry.bias.chunk(4), cell.recurrent.weight.chunk(4), strict=True
    )
    for gate, entry, bias, recurrent in parts:
        w |= {f"U_{gate}": entry.T, f"b_{gate}": bias, f"W_{gate}": recurrent.T}
    for k in range(2):
        w |= {f"U_{k}": cell.entries[k].weight.T, f"b_{k}": cell.entries[k].bias, f"W_{k}": cell.recurrents[k].weight.T}
    w = {name: value.detach().numpy() for name, value in w.items()}
    h, _, q = sc_lstm(x[0].numpy(), w, [1])
    found = cell(x, 1, False)[0].detach().numpy()
    np.testing.assert_allclose(found, np.concatenate([q[1], h], -1), rtol=1e-5, atol=1e-6)
