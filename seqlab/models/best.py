"""Keeps the weights of the best epoch."""

from __future__ import annotations

import math
import warnings
from typing import Any

import keras

FALLING = ("loss", "error", "cer", "nll")
"""How figures end that are better where they are smaller."""


class BestWeights(keras.callbacks.Callback):
    """Restores, when training ends, the weights of the epoch with the best value of a log.

    Args:
        monitor: The log to watch. Losses and errors (`FALLING`) are to fall, everything else is to rise.
    """

    def __init__(self, monitor: str = "val_f1") -> None:
        super().__init__()
        self.monitor = monitor
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
            self.best_weights = self.model.get_weights()

    def on_train_end(self, logs: Any = None) -> None:
        """Restores the best weights; warns if the figure never came or never was finite."""
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)
        else:
            known = ", ".join(sorted(self.seen)) or "nothing"
            warnings.warn(
                f"No {self.monitor!r} in the logs of any epoch (they held {known}), or none that is finite: the last "
                "weights stay. Did training diverge, or is another of them meant (restore_best)?",
                stacklevel=2,
            )
