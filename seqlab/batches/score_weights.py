"""Tasks that do badly on development data are trained more often."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from seqlab.batches.multitask import MultiTaskBatches
from seqlab.batches.schedules import Weighted
from seqlab.errors import SettingsError, suggest


class ScoreWeights(keras.callbacks.Callback):
    """Weighs the tasks of a `Weighted` schedule by their development scores after each epoch.

        weight(k) = max(1 - score(k), least) ^ power,    p(k) = weight(k) / sum of weights

    A resumed run has the same weights if this callback is among those that `RunState` watches.

    Args:
        batches: The training batches, with the schedule `Weighted`.
        figure: Name of a task's score in the logs, between 0 and 1, with `{task}` for the task.
        power: How strongly weights follow the scores; 0 would leave them equal.
        least: Least share of errors that counts, so that no task is left out once it has no errors.

    Raises:
        SettingsError: For batches with another schedule, a figure without `{task}`, a power or least not above 0; in
            training, for logs without the figure.
    """

    def __init__(
        self, batches: MultiTaskBatches, figure: str = "val_{task}_f1", power: float = 1.0, least: float = 0.01
    ) -> None:
        super().__init__()
        if not isinstance(batches.schedule, Weighted):
            raise SettingsError(
                f"ScoreWeights changes the schedule Weighted, received {type(batches.schedule).__name__}."
            )
        if "{task}" not in figure:
            raise SettingsError(f"figure names the score of each task, as val_{{task}}_f1; received {figure!r}.")
        if not (power > 0 and 0 < least <= 1):
            raise SettingsError(
                f"power must be above 0, and least above 0 and at most 1; received power={power}, least={least}."
            )
        self.batches = batches
        self.figure = figure
        self.power = power
        self.least = least
        self.weights: list[np.ndarray] = []  # one array once there are scores: what `RunState` keeps

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Gives the batches the weights that the scores so far make."""
        if not self.weights:
            return
        wanted = tuple(self.weights[0].tolist())
        schedule = self.batches.schedule
        if isinstance(schedule, Weighted) and schedule.weights == wanted:
            return  # to weigh begins the epoch anew: batches that were taken up in its middle stay there
        self.batches.weigh(dict(zip(self.batches.names, wanted, strict=True)))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Makes weights of the epoch's scores."""
        scores = np.array([self._score(task, logs or {}) for task in self.batches.names])
        self.weights = [np.maximum(1 - scores, self.least) ** self.power]

    def _score(self, task: str, logs: Mapping[str, float]) -> float:
        name = self.figure.format(task=task)
        if name not in logs:
            raise SettingsError(
                f"The logs lack {name!r}, by which the task {task!r} is weighed; they have: {', '.join(logs)}."
                f"{suggest(name, logs)} Validate on all tasks, or name another figure."
            )
        return float(logs[name])
