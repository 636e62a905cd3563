from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np

from seqlab.models.best import BestWeights
from seqlab.training.report import Report, board
from seqlab.training.state import RunState


def test_history_and_the_best_model_are_written_as_they_come(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    best, saved = BestWeights("loss"), []
    state = RunState(tmp_path / "state.npz", [best])

    class Counting(Report):
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            (tmp_path / "model.keras").unlink(missing_ok=True)
            super().on_epoch_end(epoch, logs)
            saved.append((tmp_path / "model.keras").exists())

    class Worse(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            if logs is not None and epoch == 1:
                logs["loss"] = 1e9

    x = np.ones((4, 1), "float32")
    callbacks = [Worse(), best, state, Counting(tmp_path, state, best), board(tmp_path)]
    model.fit(x, x, epochs=3, verbose=0, callbacks=callbacks)
    assert saved == [True, False, True]
    lines = (tmp_path / "history.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [0, 1, 2]
    assert list((tmp_path / "tensorboard").rglob("events*"))
