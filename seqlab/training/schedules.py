"""From the settings of a run to its learning rate and to the callbacks that follow its figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
from keras import ops

from seqlab.errors import check_count
from seqlab.models.best import BestWeights
from seqlab.settings import CYCLE, TrainingSettings
from seqlab.training.annealing import AnnealingRestarts
from seqlab.training.averaging import AveragedWeights
from seqlab.training.cycles import Snapshots, WeightAverage

LAST_RATE = 0.03  # share of the learning rate that a linear schedule ends with
# What settings that are not given mean.
HALVE_AFTER, RESTARTS, DECAY = 3, 2, 0.05


@keras.saving.register_keras_serializable(package="seqlab")
class Triangular(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that rises and falls in lines between two bounds, over and over.

        rate(step) = low + (high - low) (1 - |2 step / cycle - 2 floor(step / cycle) - 1|)

    Args:
        low: The least rate, at the beginning and end of each cycle.
        high: The greatest, in the middle.
        cycle: Steps of a cycle.

    Raises:
        SettingsError: For a cycle below 1.

    >>> rate = Triangular(0.0, 1.0, cycle=4)
    >>> [float(rate(step)) for step in range(6)]
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.5]

    Reference: Smith, Cyclical learning rates for training neural networks, WACV 2017, where a "stepsize" is half a
    cycle.
    """

    def __init__(self, low: float, high: float, cycle: int) -> None:
        check_count("cycle", cycle)
        self.low = low
        self.high = high
        self.cycle = cycle

    def __call__(self, step: Any) -> Any:
        """Returns the rate of a step."""
        place = ops.mod(ops.cast(step, "int32"), self.cycle)
        share = 1 - ops.abs(2 * ops.cast(place, "float32") / self.cycle - 1)
        return self.low + (self.high - self.low) * share

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments."""
        return {"low": self.low, "high": self.high, "cycle": self.cycle}


def rate_of(options: TrainingSettings, steps: int) -> Any:
    """Returns the learning rate of an optimiser: a number, or a schedule by steps.

        linear:      rate (1 - 0.97 step / all steps)
        decay:       rate / (1 + decay epoch)
        triangular:  from rate / 10 up to rate and down again in each cycle
        cosine:      rate (1 + cos(pi share of the cycle)) / 2, as Loshchilov and Hutter (2017) restart it

    Args:
        options: The settings.
        steps: Steps of an epoch.
    """
    rate, schedules = options.learning_rate, keras.optimizers.schedules
    cycle = (options.cycle or CYCLE) * steps
    if options.schedule == "linear":
        return schedules.PolynomialDecay(rate, steps * options.epochs, LAST_RATE * rate)
    if options.schedule == "decay":
        decay = DECAY if options.decay is None else options.decay
        return schedules.InverseTimeDecay(rate, decay_steps=steps, decay_rate=decay, staircase=True)
    if options.schedule == "triangular":
        return Triangular(rate / 10, rate, cycle)
    if options.schedule == "cosine":
        return schedules.CosineDecayRestarts(rate, cycle, t_mul=1.0, m_mul=1.0)
    return rate


class Watching(NamedTuple):
    """The callbacks of a run whose state must survive a kill, in the order in which they are called.

    Attributes:
        best: Keeps the best weights.
        others: What changes the rate, stops the training or averages weights.
    """

    best: BestWeights
    others: list[keras.callbacks.Callback]

    def finish(self, model: keras.Model) -> None:
        """Gives a model its final weights, where all epochs were over before."""
        for callback in (self.best, *self.others):
            if isinstance(callback, BestWeights | WeightAverage):
                callback.set_model(model)
                callback.on_train_end()


def watching(options: TrainingSettings) -> Watching:
    """Makes the callbacks that follow a run's figures and weights."""
    mode = "min" if options.monitor.endswith("loss") else "max"
    best, found = BestWeights(options.monitor), []
    if options.schedule == "restarts":
        best = AnnealingRestarts(options.monitor, options.patience, options.restarts or RESTARTS)
    else:
        if options.schedule == "halve":
            found.append(
                keras.callbacks.ReduceLROnPlateau(
                    monitor=options.monitor,
                    mode=mode,
                    factor=0.5,
                    patience=options.halve_after or HALVE_AFTER,
                    min_delta=0.0,
                )
            )
        # The first epochs of a cycle are worse than the end of the one before.
        patience = max(options.patience, options.cycle or CYCLE) if options.cyclical else options.patience
        found.append(keras.callbacks.EarlyStopping(monitor=options.monitor, mode=mode, patience=patience))
    if options.swa_from is not None:
        every = (options.cycle or CYCLE) if options.cyclical else 1
        found.append(WeightAverage(-(-options.swa_from // every) * every, every))
    if options.average is not None:
        found.append(AveragedWeights())
    return Watching(best, found)


class Patience(keras.callbacks.Callback):
    """Stops a training once none of several figures was better for a number of epochs.

    Args:
        bests: What follows the figures; they come before this one among the callbacks.
        patience: The number of epochs.
    """

    def __init__(self, bests: Sequence[BestWeights], patience: int) -> None:
        super().__init__()
        self.bests = list(bests)
        self.patience = patience

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stops the training if it is time."""
        last = max(-1 if best.best_epoch is None else best.best_epoch for best in self.bests)
        if epoch - last >= self.patience:
            self.model.stop_training = True


def watching_tasks(options: TrainingSettings, bests: Sequence[BestWeights]) -> Watching:
    """Makes the callbacks of a run of several tasks.

    Args:
        options: The settings.
        bests: What restores the best weights, see `best_weights`: one, or one for each task, and then the training
            stops when no task was better for `patience` epochs; the rate follows the mean of the tasks in both cases.
    """
    _, others = watching(options)
    if len(bests) > 1:
        kept = [callback for callback in others if not isinstance(callback, keras.callbacks.EarlyStopping)]
        others = [*bests[1:], *kept, Patience(bests, options.patience)]
    return Watching(bests[0], others)


def snapshots(options: TrainingSettings, folder: Path) -> list[keras.callbacks.Callback]:
    """Makes the callback that keeps the models of all cycles, if the settings ask for it."""
    return [Snapshots(folder, options.cycle or CYCLE)] if options.snapshots else []
