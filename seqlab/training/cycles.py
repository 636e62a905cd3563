"""Weights beyond those of one epoch: snapshots at the ends of cycles, and averages over epochs."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np

from seqlab.errors import check_count

log = logging.getLogger(__name__)


class _Each(keras.callbacks.Callback):
    """Base of what does something at the ends of epochs `first`, `first + every`, ..., counted from 1."""

    def __init__(self, first: int, every: int) -> None:
        super().__init__()
        check_count("first", first)
        check_count("every", every)
        self.first = first
        self.every = every

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Does it in the epochs that it is for."""
        behind = epoch + 1 - self.first
        if behind >= 0 and behind % self.every == 0:
            self.take(behind // self.every + 1)

    def take(self, number: int) -> None:
        """What is done, the first time with number 1."""
        raise NotImplementedError(f"{type(self).__name__} must write `take`.")


class Snapshots(_Each):
    """Saves the model at the end of each cycle of the learning rate, for an ensemble at the cost of one training.

    The files are `snapshot-1.keras`, `snapshot-2.keras` and so on; `seqlab ensemble FOLDER/snapshot-*.keras --out FILE`
    averages them. A schedule that is high again after each cycle makes them differ: `--training.schedule cosine`.

    Args:
        folder: Where the files go.
        every: Epochs of a cycle.

    Reference: Huang et al., Snapshot ensembles: train 1, get M for free, ICLR 2017.
    """

    def __init__(self, folder: str | os.PathLike[str], every: int) -> None:
        super().__init__(every, every)
        self.folder = Path(folder)

    def take(self, number: int) -> None:
        """Saves one."""
        self.model.save(self.folder / f"snapshot-{number}.keras")


class WeightAverage(_Each):
    """Stochastic weight averaging: when training ends, the weights become their mean over epochs.

        average = 1/n sum over k < n of weights after epoch `first + k every`

    It stands after the callbacks that restore weights of their own, such as `BestWeights`. Where training ends before
    the first of those epochs, weights stay what they are, with a warning.

    Args:
        first: The first epoch whose weights count, from 1.
        every: From how many epochs one counts; with cyclical rates, the epochs of a cycle.

    Reference: Izmailov et al., Averaging weights leads to wider optima and better generalization, UAI 2018.
    """

    def __init__(self, first: int, every: int = 1) -> None:
        super().__init__(first, every)
        self.count: int = 0
        self.average: list[np.ndarray] | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Forgets an earlier training."""
        self.count, self.average = 0, None

    def take(self, number: int) -> None:
        """Counts the weights of one epoch, in float64."""
        found = [np.asarray(weight, "float64") for weight in self.model.get_weights()]
        self.count += 1
        before = found if self.average is None else self.average
        self.average = [one + (new - one) / self.count for one, new in zip(before, found, strict=True)]

    def on_train_end(self, logs: Any = None) -> None:
        """Writes the mean into the model."""
        if self.average is None:
            log.warning("No weights are averaged: training ended before epoch %d, the first to count.", self.first)
        else:
            self.model.set_weights(self.average)
