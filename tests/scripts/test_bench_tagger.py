from __future__ import annotations

from pathlib import Path

import keras
import pytest
from bench_tagger import PARTS, build

from tests import tiny


@pytest.mark.parametrize("last", [PARTS[0], PARTS[-1]])
def test_taggers_of_the_benchmark_train(last: str, tmp_path: Path) -> None:
    (tmp_path / "vectors.txt").write_text("the 0.5 1\nof 0.25 -1\n", encoding="utf-8")
    tagger = build(tiny.train_part(), tmp_path / "vectors.txt", last)
    assert type(tagger.head).__name__ == ("CRFHead" if last == PARTS[-1] else "SoftmaxHead")
    before = keras.ops.convert_to_numpy(tagger.head.projection.kernel).copy()
    tagger.fit(tiny.train_part(), epochs=1, batch_size=24, verbose=0)
    assert (keras.ops.convert_to_numpy(tagger.head.projection.kernel) != before).any()
