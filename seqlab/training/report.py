"""What a run writes while it goes on, for people to see."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import keras

from seqlab.files import write_text
from seqlab.models.best import BestWeights
from seqlab.training.folder import HISTORY, MODEL, TIMES, write_history
from seqlab.training.state import RunState

BOARD = "tensorboard"


class Report(keras.callbacks.Callback):
    """Writes the history and the seconds after each epoch, and the model after each that is the best so far.

    Args:
        folder: The run's folder.
        state: What has the history; it comes before this one among the callbacks.
        *bests: What knows the best epoch, of all or of one task each; likewise. Where tasks have best epochs of their
            own, the model of the last of these is written, until the end of training joins them.
    """

    def __init__(self, folder: Path, state: RunState, *bests: BestWeights) -> None:
        super().__init__()
        self.folder = folder
        self.state = state
        self.bests = bests
        self._part: int | None = None
        self._since = time.monotonic()
        self._trained: float | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts the clock."""
        self._part, self._since, self._trained = None, time.monotonic(), None

    def on_test_begin(self, logs: Any = None) -> None:
        """Notes when the training of the epoch ended."""
        if self._trained is None:
            self._trained = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes what there is."""
        write_history(self.folder, self.state)
        if any(best.best_epoch == epoch for best in self.bests):
            self.model.save(self.folder / MODEL)
        self._write_times(epoch)

    def _write_times(self, epoch: int) -> None:
        before = [line for line in epoch_times(self.folder) if line.epoch < epoch]
        if self._part is None:
            self._part = before[-1].part + 1 if before else 0
        now = time.monotonic()
        training = (now if self._trained is None else self._trained) - self._since
        lines = [*before, EpochTime(epoch, self._part, round(now - self._since, 3), round(training, 3))]
        write_text(self.folder / TIMES, "".join(json.dumps(line._asdict()) + "\n" for line in lines))
        self._since, self._trained = now, None


class EpochTime(NamedTuple):
    """How long an epoch took.

    Attributes:
        epoch: Its number, from 0.
        part: Number of the process that trained it, from 0: a run that was cut off and resumed has several. The first
            epoch of each has the compilation of its steps in it.
        seconds: All of it: training, scoring of development data, saving.
        training: The training alone.
    """

    epoch: int
    part: int
    seconds: float
    training: float


def epoch_times(folder: Path) -> list[EpochTime]:
    """Returns what `Report` wrote of the epochs of a run, without those that were cut off.

    Of an epoch that an older version trained there is nothing: `run_seconds` says whether they are all there.
    """
    path = folder / TIMES
    return [EpochTime(**json.loads(line)) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []


def run_seconds(folder: Path) -> float | None:
    """Returns the seconds of all epochs of a run; `None` where those of some are not known, as older runs' are not.

    A run that an older version began and a newer one went on with has the seconds of its last epochs alone.
    """
    path, times = folder / HISTORY, epoch_times(folder)
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    if not times or [line.epoch for line in times] != [json.loads(line)["epoch"] for line in lines]:
        return None
    return sum(line.seconds for line in times)


def board(folder: Path) -> keras.callbacks.Callback:
    """Returns what writes the figures for TensorBoard."""
    return keras.callbacks.TensorBoard(log_dir=str(folder / BOARD), write_graph=False)


def epoch_seconds(folder: Path) -> list[list[float]]:
    """Returns the seconds of each epoch of a run that are known, a list for each process that trained a part of it."""
    parts: dict[int, list[float]] = {}
    for line in epoch_times(folder):
        parts.setdefault(line.part, []).append(line.seconds)
    return list(parts.values())
