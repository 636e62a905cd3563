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
        best: What knows the best epoch; likewise.
    """

    def __init__(self, folder: Path, state: RunState, best: BestWeights) -> None:
        super().__init__()
        self.folder = folder
        self.state = state
        self.best = best

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Writes both."""
        write_history(self.folder, self.state)
        if self.best.best_epoch == epoch:
            self.model.save(self.folder / MODEL)


def board(folder: Path) -> keras.callbacks.Callback:
    """Returns what writes the figures for TensorBoard."""
    return keras.callbacks.TensorBoard(log_dir=str(folder / BOARD), write_graph=False)
