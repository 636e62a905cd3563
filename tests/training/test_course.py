"""The course of a run: where it begins, pauses and ends, and in which order its callbacks are called."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from seqlab.models.best import BestWeights
from seqlab.training.course import Course, follow
from seqlab.training.schedules import Watching

pytestmark = pytest.mark.usefixtures("eagerly")

X, Y = np.linspace(-1, 1, 16)[:, None].astype("float32"), np.zeros((16, 1), "float32")


class Batches(keras.utils.PyDataset):
    """Notes the epoch with which it is told to begin."""

    begun: int | None = None

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return X, Y

    def start_epoch(self, epoch: int) -> None:
        self.begun = epoch


def course(
    folder: Path, epochs: int = 4, others: Sequence[keras.callbacks.Callback] = (), **options: Any
) -> tuple[keras.Model, Batches, BestWeights, Course]:
    keras.utils.set_random_seed(1)
    folder.mkdir(exist_ok=True)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(3.0), loss="mse")  # so great a rate that the last epoch is not the best
    batches, best = Batches(), BestWeights("loss")
    found = follow(model, batches, folder, epochs, Watching(best, [*others]), verbose=0, **options)
    return model, batches, best, found


def weights(model: keras.Model) -> list[np.ndarray]:
    return [np.array(weight) for weight in model.get_weights()]


def test_a_paused_course_ends_as_an_unbroken_one(tmp_path: Path) -> None:
    whole, unbroken, best, _ = course(tmp_path / "whole")
    assert unbroken.begun is None and best.best_epoch not in (None, 3)
    paused = course(tmp_path / "run", until=2)
    assert paused[3].state.epochs == 2 and not paused[3].over
    resumed, batches, again, found = course(tmp_path / "run", until=9)  # more than there are
    assert batches.begun == 2 and found.state.epochs == 4 and not found.over
    assert again.best_epoch == best.best_epoch
    for one, other in zip(weights(whole), weights(resumed), strict=True):
        assert_array_equal(one, other)
    assert (tmp_path / "whole" / "history.jsonl").read_text() == (tmp_path / "run" / "history.jsonl").read_text()


def test_a_course_that_is_over_gives_the_best_weights_and_trains_nothing(tmp_path: Path) -> None:
    whole = course(tmp_path)[0]
    (tmp_path / "history.jsonl").unlink()  # as if killed before it was written
    model, _, _, found = course(tmp_path, before=[keras.callbacks.LambdaCallback(on_epoch_begin=pytest.fail)])
    assert found.over and len(found.state.history) == 4
    assert len((tmp_path / "history.jsonl").read_text().splitlines()) == 4
    for one, other in zip(weights(whole), weights(model), strict=True):
        assert_array_equal(one, other)


def test_what_comes_before_the_state_is_in_it_and_what_comes_after_finds_it_written(tmp_path: Path) -> None:
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = epoch == 1

    def look(epoch: int, logs: Any) -> None:
        with np.load(tmp_path / "state.npz") as state:
            found.append(json.loads(bytes(state["meta.json"]).decode())["epochs"] - epoch)

    found: list[int] = []
    state = course(tmp_path, before=[Stop()], after=[keras.callbacks.LambdaCallback(on_epoch_end=look)])[3].state
    assert state.stopped and state.epochs == 2 and found == [1, 1]
    assert course(tmp_path)[3].over  # it was stopped, epochs left or not


class Told(BestWeights):
    """Best by figures that it is told, and tells when it is called."""

    def __init__(self, figures: Sequence[float], calls: list[str]) -> None:
        super().__init__("val_told")
        self.figures, self.calls = figures, calls

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.calls.append("watched")
        super().on_epoch_end(epoch, {"val_told": self.figures[epoch]})


def test_the_callbacks_are_called_in_order_and_each_best_epoch_is_written(tmp_path: Path) -> None:
    def calling(name: str) -> keras.callbacks.Callback:
        return keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: calls.append(name))

    def look(epoch: int, logs: Any) -> None:
        lines = (tmp_path / "history.jsonl").read_text().splitlines()
        calls.append(f"{len(lines) - epoch} line, " + ("model" if (tmp_path / "model.keras").exists() else "none"))
        (tmp_path / "model.keras").unlink(missing_ok=True)

    calls: list[str] = []
    other = Told([0.1, 0.1, 0.1, 0.9], calls)
    looking = keras.callbacks.LambdaCallback(on_epoch_end=look)
    best = course(tmp_path, others=[other], before=[calling("before")], after=[looking])[2]
    assert best.best_epoch != 3 == other.best_epoch
    assert calls[:3] == ["watched", "before", "1 line, model"] and calls[-1] == "1 line, model"
    assert "1 line, none" in calls[3:-1]


def test_other_callbacks_survive_a_pause(tmp_path: Path) -> None:
    for until in (2, 4):
        waiting = keras.callbacks.EarlyStopping("loss", patience=9, min_delta=1e9)
        course(tmp_path, others=[waiting], until=until)
    assert waiting.wait == 3  # all epochs but the first, whichever process trained them
