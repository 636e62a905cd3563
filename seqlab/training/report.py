"""What a run writes while it goes on, for people to see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from seqlab.models.best import BestWeights
from seqlab.training.folder import MODEL, write_history
from seqlab.training.state import RunState

BOARD = "tensorboard"


class Report(keras.callbacks.Callback):
    """Writes the history after each epoch, and the model after each that is the best so far.

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

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes both."""
        write_history(self.folder, self.state)
        if any(best.best_epoch == epoch for best in self.bests):
            self.model.save(self.folder / MODEL)


def board(folder: Path) -> keras.callbacks.Callback:
    """Returns what writes the figures for TensorBoard."""
    return keras.callbacks.TensorBoard(log_dir=str(folder / BOARD), write_graph=False)


def epoch_seconds(folder: Path) -> list[list[float]]:
    """Returns the seconds of each epoch of a run, by what `board` wrote: training, and scoring of development data.

    A run that was cut off and resumed has a list for each of its parts, without the epoch that was cut off. The first
    epoch of a part has the compilation of its steps in it.

    Args:
        folder: The run's folder.
    """
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = []
    for file in sorted((folder / BOARD / "train").glob("events*")):
        log = EventAccumulator(str(file), size_guidance={"tensors": 0})  # all of them, not a sample of ten
        log.Reload()
        if "epoch_loss" in log.Tags()["tensors"]:
            ends = [log.FirstEventTimestamp(), *(event.wall_time for event in log.Tensors("epoch_loss"))]
            found.append([after - before for before, after in zip(ends, ends[1:], strict=False)])
    return found
