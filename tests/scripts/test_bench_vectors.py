from __future__ import annotations

import bench_vectors as bench
import numpy as np

from seqlab.text.vectors import read_vectors


def test_both_files_hold_what_all_readers_read(tmp_path) -> None:
    files = bench.write(tmp_path, rows=30, width=4)
    text, binary = (read_vectors(path) for path in files.values())
    assert text.words == binary.words and len(text) == 30
    np.testing.assert_allclose(text.matrix, binary.matrix, rtol=1e-6)
    np.testing.assert_array_equal(bench.plain(str(files["text"])), text.matrix)


def test_readers_are_timed_and_compared_with_ours(tmp_path) -> None:
    path = bench.write(tmp_path, rows=30, width=4)["text"]
    times = bench.reading("text", path, rounds=1, gensim="")
    assert list(times) == ["seqlab", "seqlab, cached", "plain NumPy"] and all(value > 0 for value in times.values())
    assert bench.table("text", {"seqlab": 2.0, "gensim": 5.0})[1].split() == ["text", "gensim", "5.00", "2.50"]


def test_a_step_is_timed() -> None:
    assert bench.step_time(rows=100, width=3, steps=1) > 0
