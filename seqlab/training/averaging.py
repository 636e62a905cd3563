"""Exponential averages of weights (EMA) in the place of the weights, between the epochs of a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from seqlab.errors import SettingsError
from seqlab.models.taskwise import TaskwiseOptimizer


class AveragedWeights(keras.callbacks.Callback):
    """Validates, scores and saves the averages of weights, and trains the weights themselves.

        average(1) = w(1),    average(t) = m average(t - 1) + (1 - m) w(t)    after step t

    The optimiser keeps the averages: `Adam(use_ema=True, ema_momentum=m)`, without `ema_overwrite_frequency`, by which
    Keras would train on from the averages. Here the course of `w` is that of a training without averages. From the
    first validation step of an epoch, or its end, until the next epoch begins, and when training ends, the model holds
    the averages: validation figures, the best epoch and saved files are theirs. Weights that are not trained, such as
    the moving statistics of normalisation, are not averaged.

    In a `MultiTaskTagger` t counts the steps on a weight's own tasks, see `TaskwiseOptimizer`; weights whose tasks had
    no step yet stay as they are.

    Where no validation data is given, it stands before callbacks that keep or save the weights of an epoch. What sets
    the weights between epochs, as `AnnealingRestarts` does, does not go with it. In the state of a run (`RunState`) it
    keeps the weights to go on with.

    Raises:
        SettingsError: When training begins, for an optimiser that keeps no averages or trains on from them.

    Reference: Polyak and Juditsky, Acceleration of stochastic approximation by averaging, 1992.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trained: list[np.ndarray] | None = None
        """The weights to go on with, while the model holds their averages."""

    def on_train_begin(self, logs: Any = None) -> None:
        """Forgets an earlier training."""
        self.trained = None
        options = self._optimizer
        if isinstance(options, TaskwiseOptimizer):
            options = options.given()
        overwrites = getattr(options, "ema_overwrite_frequency", None)
        if not getattr(options, "use_ema", False) or overwrites is not None:
            raise SettingsError(
                "AveragedWeights needs an optimiser with use_ema=True and without ema_overwrite_frequency; received "
                f"{type(options).__name__} with use_ema={getattr(options, 'use_ema', False)} and "
                f"ema_overwrite_frequency={overwrites}."
            )

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Puts the weights back that training goes on with."""
        if self.trained is not None:
            for weight, value in zip(self.model.trainable_variables, self.trained, strict=True):
                weight.assign(value)
            self.trained = None

    def on_test_begin(self, logs: Any = None) -> None:
        """Puts the averages in, for the rest of the epoch: scores may come after the end of Keras' validation."""
        self._put_averages()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Puts the averages in, in an epoch without validation."""
        self._put_averages()

    def on_train_end(self, logs: Any = None) -> None:
        """Parts weights from averages, which Keras has made one at the end, for a further `fit`."""
        for weight, value in zip(self.model.trainable_variables, copies(self.model.trainable_variables), strict=True):
            weight.assign(value)

    def _put_averages(self) -> None:
        if self.trained is not None:
            return
        optimizer, weights = self._optimizer, self.model.trainable_variables
        self.trained = copies(weights)
        if isinstance(optimizer, TaskwiseOptimizer):
            pairs = optimizer.averages()
        else:
            pairs = list(zip(weights, optimizer._model_variables_moving_average, strict=True))
        for weight, average in pairs:
            if average is not None:  # float8 scales have none
                weight.assign(copies([average])[0])

    @property
    def _optimizer(self) -> Any:
        """The model's, without what scales losses around it."""
        return getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)


def copies(variables: Sequence[Any]) -> list[np.ndarray]:
    """Returns the values of variables in memory of their own.

    On JAX a variable that is assigned another shares its buffer, and a step deletes the buffers of what it updates.
    """
    return [np.array(ops.convert_to_numpy(variable)) for variable in variables]
