"""From the settings of a run to its learning rate and to the callbacks that follow its figures."""

from __future__ import annotations

from typing import Any

import keras

from seqlab.models.best import BestWeights
from seqlab.settings import TrainingSettings
from seqlab.training.annealing import AnnealingRestarts

LAST_RATE = 0.03  # share of the learning rate that a linear schedule ends with
RESTARTS = 2


def rate_of(options: TrainingSettings, steps: int) -> Any:
    """Returns the learning rate of an optimiser: a number, or a schedule by steps.

    Args:
        options: The settings.
        steps: Steps of an epoch.
    """
    rate = options.learning_rate
    if options.schedule == "linear":
        return keras.optimizers.schedules.PolynomialDecay(rate, steps * options.epochs, LAST_RATE * rate)
    return rate


def watching(options: TrainingSettings) -> tuple[BestWeights, list[keras.callbacks.Callback]]:
    """Makes the callback that keeps the best weights, and those that change the rate or stop the training."""
    mode = "min" if options.monitor.endswith("loss") else "max"
    if options.schedule == "restarts":
        return AnnealingRestarts(options.monitor, options.patience, options.restarts or RESTARTS), []
    found: list[keras.callbacks.Callback] = []
    if options.schedule == "halve":
        found.append(
            keras.callbacks.ReduceLROnPlateau(
                monitor=options.monitor, mode=mode, factor=0.5, patience=options.halve_after, min_delta=0.0
            )
        )
    found.append(keras.callbacks.EarlyStopping(monitor=options.monitor, mode=mode, patience=options.patience))
    return BestWeights(options.monitor), found
