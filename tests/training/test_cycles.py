"""Snapshots and averages of weights, against weights taken down on the way."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from seqlab.errors import SettingsError
from seqlab.models.best import BestWeights
from seqlab.training.cycles import Snapshots, WeightAverage
from seqlab.training.state import RunState

X = np.linspace(-1, 1, 8)[:, None].astype("float32")


class Weights(keras.callbacks.Callback):
    """Takes down the weights at the ends of epochs."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[list[np.ndarray]] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.taken.append([np.asarray(weight, "float64") for weight in self.model.get_weights()])


def fitted(*callbacks: Any, epochs: int = 7, first: int = 0) -> tuple[keras.Model, list[list[np.ndarray]]]:
    keras.utils.set_random_seed(1)
    model, weights = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2)]), Weights()
    model.compile(keras.optimizers.Adam(0.1), loss="mse")
    options = {"initial_epoch": first, "epochs": epochs, "batch_size": 8, "verbose": 0, "shuffle": False}
    model.fit(X, np.hstack([X, -X]), callbacks=[weights, *callbacks], **options)
    return model, weights.taken


@pytest.mark.parametrize(("first", "every", "counted"), [(3, 1, [2, 3, 4, 5, 6]), (2, 2, [1, 3, 5]), (7, 1, [6])])
def test_the_mean_of_the_epochs(first: int, every: int, counted: list[int]) -> None:
    average = WeightAverage(first, every)
    model, taken = fitted(BestWeights("loss"), average)
    assert average.count == len(counted)
    for place, weight in enumerate(model.get_weights()):
        assert_allclose(weight, np.mean([taken[epoch][place] for epoch in counted], axis=0), rtol=1e-6)


def test_too_early_an_end_keeps_the_weights(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "seqlab"):
        model, taken = fitted(WeightAverage(9), epochs=2)
    assert "No weights are averaged: training ended before epoch 9" in caplog.text
    assert_array_equal(model.get_weights()[0], taken[-1][0].astype("float32"))


def test_a_cut_training_averages_as_if_it_had_not_been(tmp_path: Path) -> None:
    def trained(path: Path, epochs: int, first: int = 0) -> list[np.ndarray]:
        average = WeightAverage(2, 2)
        state = RunState(path, [average])
        state.read()
        return fitted(average, state, epochs=epochs, first=first)[0].get_weights()

    whole = trained(tmp_path / "whole.npz", 7)
    trained(tmp_path / "cut.npz", 5)
    for one, other in zip(whole, trained(tmp_path / "cut.npz", 7, first=5), strict=True):
        assert_array_equal(one, other)


def test_snapshots_are_the_models_of_the_cycles_ends(tmp_path: Path) -> None:
    _, taken = fitted(Snapshots(tmp_path, every=3))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["snapshot-1.keras", "snapshot-2.keras"]
    for number, epoch in ((1, 2), (2, 5)):
        found = keras.models.load_model(tmp_path / f"snapshot-{number}.keras")
        for one, other in zip(found.get_weights(), taken[epoch], strict=True):
            assert_array_equal(one, other.astype("float32"))


def test_numbers_out_of_range() -> None:
    with pytest.raises(SettingsError, match="`every` must be a whole number of at least 1"):
        WeightAverage(1, 0)
    with pytest.raises(SettingsError, match="`first` must be a whole number of at least 1"):
        WeightAverage(0)
