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
