"""Annealing with restarts: a lower rate and a fresh optimiser, from the best weights so far."""

from __future__ import annotations

import logging
from numbers import Real
from typing import Any

import keras

from seqlab.errors import SettingsError, check_count
from seqlab.models.best import BestWeights

log = logging.getLogger(__name__)


class AnnealingRestarts(BestWeights):
    """Restarts training from the best weights whenever the watched figure has stalled, then ends it.

    After `patience` epochs without a better figure:

        rate <- factor * rate,    weights <- those of the best epoch,    optimiser <- as if new

    at most `restarts` times; the next time training stops. A new optimiser has no moments and counts its steps from 0,
    so that Adam corrects the bias of its moments anew. The best weights are restored at the end, as `BestWeights` does.
    The logs hold `learning_rate`, that of the epoch.

    Args:
        monitor: The log to watch. Losses are to fall, everything else is to rise.
        patience: Epochs without a better figure before each restart, and before the end.
        restarts: How many restarts there are at most.
        factor: What the rate is multiplied by, between 0 and 1.

    Raises:
        SettingsError: For numbers out of range; when training begins, for a rate that follows a schedule of its own.

    Reference: Denkowski and Neubig, Stronger baselines for trustable results in neural machine translation, 2017.
    """

    def __init__(self, monitor: str = "val_f1", patience: int = 3, restarts: int = 2, factor: float = 0.5) -> None:
        super().__init__(monitor)
        check_count("patience", patience)
        check_count("restarts", restarts)
        if isinstance(factor, bool) or not isinstance(factor, Real) or not 0 < factor < 1:
            raise SettingsError(f"`factor` must be a number between 0 and 1. Received: factor={factor!r}.")
        self.patience: int = patience
        self.restarts: int = restarts
        self.factor: float = float(factor)
        self.waited: int = 0
        self.restarted: int = 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Forgets an earlier training."""
        super().on_train_begin(logs)
        self.waited = self.restarted = 0
        if is_scheduled(self.model.optimizer):
            raise SettingsError(
                "AnnealingRestarts sets the learning rate, and the optimiser's follows a schedule of its own: give the "
                "optimiser a number, or leave one of the two out."
            )

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Keeps the weights if they are the best so far, else counts, restarts or stops."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        super().on_epoch_end(epoch, logs)
        if (logs or {}).get(self.monitor) is None:  # an epoch without validation
            return
        self.waited = 0 if self.best_epoch == epoch else self.waited + 1
        if self.waited < self.patience:
            return
        if self.restarted == self.restarts:
            self.model.stop_training = True
            return
        self.waited = 0
        self.restarted += 1
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)
        renew(self.model)
        self.model.optimizer.learning_rate = self.factor * float(self.model.optimizer.learning_rate)
        log.info(
            "Restart %d of %d after epoch %d: weights of epoch %d, learning rate %.3g.",
            self.restarted,
            self.restarts,
            epoch + 1,
            (self.best_epoch or 0) + 1,
            float(self.model.optimizer.learning_rate),
        )


def renew(model: keras.Model) -> None:
    """Gives all variables of a model's optimiser their first values, but for the learning rate.

    The factor by which a `LossScaleOptimizer` scales losses stays, since it belongs to the model's gradients.
    """
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    fresh = type(optimizer).from_config(optimizer.get_config())
    fresh.build(model.trainable_variables)
    for old, new in zip(optimizer.variables, fresh.variables, strict=True):
        old.assign(new)


def is_scheduled(optimizer: keras.optimizers.Optimizer) -> bool:
    """Tells whether the learning rate of an optimiser follows a schedule of its own, by steps."""
    return isinstance(getattr(optimizer, "inner_optimizer", optimizer).get_config()["learning_rate"], dict)
