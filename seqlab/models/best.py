"""Keeps the weights of the best epoch."""

from __future__ import annotations

import math
import warnings
from collections.abc import Collection
from typing import Any

import keras
import numpy as np

FALLING = ("loss", "error", "cer", "nll", "perplexity")
"""How figures end that are better where they are smaller."""


class BestWeights(keras.callbacks.Callback):
    """Restores, when training ends, the weights of the epoch with the best value of a log.

    Args:
        monitor: The log to watch. Losses and errors (`FALLING`) are to fall, everything else is to rise.
        task: The task of a `MultiTaskTagger` whose weights these are, what others read besides included; those of the
            whole model without.
    """

    def __init__(self, monitor: str = "val_f1", task: str | None = None) -> None:
        super().__init__()
        self.monitor = monitor
        self.task = task
        self.seen: set[str] = set()
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Forgets an earlier training."""
        self.best = self.best_epoch = self.best_weights = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keeps the weights if they are the best so far."""
        value = (logs or {}).get(self.monitor)
        if value is None:  # an epoch without validation
            self.seen |= set(logs or {})
            return
        value = float(value)
        rising = not self.monitor.endswith(FALLING)
        if not math.isfinite(value):  # a training that diverged
            self.seen |= set(logs or {})
        elif self.best is None or (value > self.best if rising else value < self.best):
            self.best, self.best_epoch = value, epoch
            self.best_weights = self._taken()

    def on_train_end(self, logs: Any = None) -> None:
        """Restores the best weights; warns if the figure never came or never was finite."""
        if self.best_weights is not None:
            self._put(self.best_weights)
        else:
            known = ", ".join(sorted(self.seen)) or "nothing"
            warnings.warn(
                f"No {self.monitor!r} in the logs of any epoch (they held {known}), or none that is finite: the last "
                "weights stay. Did training diverge, or is another of them meant (restore_best)?",
                stacklevel=2,
            )

    def _taken(self) -> list[Any]:
        if self.task is None:
            return list(self.model.get_weights())
        return [np.array(weight.numpy()) for weight in self.model.weights_of(self.task)]

    def _put(self, weights: list[Any]) -> None:
        if self.task is None:
            self.model.set_weights(weights)
            return
        for weight, value in zip(self.model.weights_of(self.task), weights, strict=True):
            weight.assign(value)


def best_weights(model: Any, monitor: str, tasks: Collection[str] | None = None) -> list[BestWeights]:
    """Returns what restores the best weights of a `MultiTaskTagger`.

    Where no weight that is trained is read by two tasks, as in separate networks, each task gets those of its own best
    epoch, by its own figure: `val_f1` becomes `val_TASK_f1`. Else one epoch is chosen for all, and so by a figure of
    one task, such as `val_ner_f1`.

    Args:
        model: The tagger.
        monitor: The figure of all tasks, such as `val_f1`, their mean; or that of one.
        tasks: Those that have such a figure, all by default; the weights of others stay, if they share none.
    """
    part = "val_" if monitor.startswith("val_") else ""
    figure = monitor.removeprefix(part)
    read = [id(weight) for task in model.tasks for weight in model.weights_of(task)]
    of_one = any(figure.startswith(f"{task}_") for task in model.tasks)
    if of_one or len(model.tasks) == 1 or len(set(read)) < len(read):
        return [BestWeights(monitor)]
    return [BestWeights(f"{part}{task}_{figure}", task) for task in model.tasks if tasks is None or task in tasks]
