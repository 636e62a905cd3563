from __future__ import annotations

import json
import time
from pathlib import Path

import keras
import numpy as np

from seqlab.models.best import BestWeights
from seqlab.training.report import EpochTime, Report, board, epoch_seconds, epoch_times, run_seconds
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


def test_any_of_several_best_epochs_is_written(tmp_path: Path) -> None:
    saved = []

    class Model:
        def save(self, path: Path) -> None:
            saved.append(path.name)

    bests = [BestWeights("val_pos_f1"), BestWeights("val_ner_f1")]
    report = Report(tmp_path, RunState(tmp_path / "state.npz", []), *bests)
    report.set_model(Model())
    for epoch, (bests[0].best_epoch, bests[1].best_epoch) in enumerate([(0, 0), (0, 1), (0, 1)]):
        report.on_epoch_end(epoch)
    assert saved == ["model.keras"] * 2


def test_seconds_of_each_part_of_a_run(tmp_path: Path) -> None:
    assert epoch_seconds(tmp_path) == []

    class Slow(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            time.sleep(0.2 * (epoch == 1))

        def on_test_end(self, logs: dict[str, float] | None = None) -> None:
            time.sleep(0.2)

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((4, 1), "float32")
    for first, epochs in ((0, 4), (2, 4)):  # the second one as after a cut in epoch 2, whose state came before its time
        report = Report(tmp_path, RunState(tmp_path / "state.npz", []))
        options = {"initial_epoch": first, "epochs": epochs, "verbose": 0, "callbacks": [Slow(), report]}
        model.fit(x, x, validation_data=(x, x), **options)
    found = epoch_times(tmp_path)
    assert [(line.epoch, line.part) for line in found] == [(0, 0), (1, 0), (2, 1), (3, 1)]
    assert all(line.seconds - line.training > 0.19 and line.training >= 0 for line in found)
    assert found[1].seconds > 0.39
    assert epoch_seconds(tmp_path) == [[line.seconds for line in found[k : k + 2]] for k in (0, 2)]


def test_seconds_of_a_run_are_those_of_all_epochs_or_unknown(tmp_path: Path) -> None:
    assert run_seconds(tmp_path) is None
    lines = [json.dumps(EpochTime(epoch, 0, 2.0 + epoch, 1.0)._asdict()) + "\n" for epoch in range(3)]
    (tmp_path / "history.jsonl").write_text("".join(f'{{"epoch": {epoch}}}\n' for epoch in range(3)), "utf-8")
    assert run_seconds(tmp_path) is None  # of an older version
    for known, seconds in ((lines, 9.0), (lines[1:], None), (lines[:2], None)):  # which another went on with
        (tmp_path / "times.jsonl").write_text("".join(known), "utf-8")
        assert run_seconds(tmp_path) == seconds
    assert [line.epoch for line in epoch_times(tmp_path)] == [0, 1]
