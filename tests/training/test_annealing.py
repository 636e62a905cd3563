"""Restarts: a lower rate, the best weights, and an optimiser as if new."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from seqlab.errors import SettingsError
from seqlab.training.annealing import AnnealingRestarts, renew
from seqlab.training.state import RunState

pytestmark = pytest.mark.usefixtures("eagerly")

X = np.linspace(-1, 1, 8)[:, None].astype("float32")
Y = 3 * X + 1
RATE = 0.1


class Figures(keras.callbacks.Callback):
    """Writes given figures into the logs, and takes down rates and weights at the ends of epochs."""

    def __init__(self, values: list[float | None]) -> None:
        super().__init__()
        self.values = values
        self.weights: list[Any] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.values[epoch] is not None:
            logs["val_f1"] = self.values[epoch]
        self.weights.append(np.concatenate([weight.ravel() for weight in self.model.get_weights()]))


def model(optimizer: Any = None, dropout: float = 0.0) -> keras.Model:
    keras.utils.set_random_seed(1)
    made = keras.Sequential([keras.Input((1,)), keras.layers.Dropout(dropout), keras.layers.Dense(1)])
    made.compile(optimizer or keras.optimizers.Adam(RATE), loss="mse")
    return made


def fitted(made: keras.Model, callback: AnnealingRestarts, figures: Figures, *more: Any, first: int = 0) -> Any:
    """Trains, one batch an epoch."""
    callbacks = [figures, callback, *more]
    options = {"initial_epoch": first, "epochs": len(figures.values), "batch_size": 8, "verbose": 0}
    return made.fit(X, Y, shuffle=False, callbacks=callbacks, **options).history


def test_rates_weights_and_the_end() -> None:
    made, callback, figures = model(), AnnealingRestarts(patience=2), Figures([0.1, 0.5, 0.4, 0.5, 0.6] + 9 * [0.2])
    history = fitted(made, callback, figures)
    # Best at 1 and 4; stalled after 3 (restart), 6 (restart) and 8 (end).
    assert_allclose(history["learning_rate"], 4 * [RATE] + 3 * [RATE / 2] + 2 * [RATE / 4], rtol=1e-6)
    assert (callback.restarted, callback.best_epoch) == (2, 4)
    assert_array_equal(np.concatenate([one.ravel() for one in made.get_weights()]), figures.weights[4])
    # The first step of a new Adam is the rate, whatever the gradient: from the best weights, with the lower rate.
    for best, after, rate in ((1, 4, RATE / 2), (4, 7, RATE / 4)):
        assert_allclose(np.abs(figures.weights[after] - figures.weights[best]), rate, rtol=1e-3)


def test_each_option_changes_the_training() -> None:
    def rates(**options: Any) -> list[float]:
        return fitted(model(), AnnealingRestarts(**options), Figures([0.5] + 7 * [0.4]))["learning_rate"]

    assert len(rates(patience=2)) == 7
    assert len(rates(patience=1)) == 4
    shorter = rates(patience=2, restarts=1, factor=0.1)
    assert len(shorter) == 5 and shorter[4] == pytest.approx(RATE / 10)
    assert len(rates(patience=2, monitor="loss")) == 8  # which keeps falling


def test_epochs_without_the_figure_do_not_count() -> None:
    history = fitted(model(), AnnealingRestarts(patience=1, restarts=1), Figures([0.5, None, None, 0.6]))
    assert_allclose(history["learning_rate"], 4 * [RATE], rtol=1e-6)


@pytest.mark.parametrize("name", ["Nadam", "SGD"])
def test_a_renewed_optimiser_is_as_a_new_one(name: str) -> None:
    options = {"momentum": 0.9} if name == "SGD" else {}
    made = model(getattr(keras.optimizers, name)(RATE, use_ema=True, ema_momentum=0.5, **options))
    fresh = getattr(keras.optimizers, name)(RATE, use_ema=True, ema_momentum=0.5, **options)
    made.fit(X, Y, epochs=2, verbose=0)
    fresh.build(made.trainable_variables)
    pairs = list(zip(made.optimizer.variables, fresh.variables, strict=True))
    assert any(np.any(np.asarray(one) != np.asarray(other)) for one, other in pairs)
    renew(made)
    for one, other in pairs:
        assert_array_equal(keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(other))


def test_scaled_losses_keep_their_scale() -> None:
    inner = keras.optimizers.Adam(RATE)
    made = model(keras.optimizers.LossScaleOptimizer(inner, initial_scale=8.0, dynamic_growth_steps=1))
    fitted(made, AnnealingRestarts(patience=1, restarts=1), Figures([0.5, 0.4]))
    assert_allclose(float(made.optimizer.learning_rate), RATE / 2, rtol=1e-6)
    assert int(inner.iterations) == 0 and float(made.optimizer.dynamic_scale) == 32.0


@pytest.mark.parametrize("cut", [3, 6])
def test_a_cut_training_goes_on_as_if_it_had_not_been(cut: int, tmp_path: Path) -> None:
    values = [0.1, 0.5, 0.4, 0.5, 0.6, 0.2, 0.2, 0.2, 0.2]

    def trained(path: Path, end: int, first: int = 0) -> tuple[list[Any], AnnealingRestarts, list[float]]:
        made, callback = model(dropout=0.3), AnnealingRestarts(patience=2)
        state = RunState(path, [callback])
        state.read()
        history = fitted(made, callback, Figures(values[:end]), state, first=first)
        return made.get_weights(), callback, history["loss"]

    whole, callback, losses = trained(tmp_path / "whole.npz", 9)
    trained(tmp_path / "cut.npz", cut)
    resumed, again, rest = trained(tmp_path / "cut.npz", 9, first=cut)
    assert rest == losses[cut:]
    for one, other in zip(whole, resumed, strict=True):
        assert_array_equal(one, other)
    assert (again.waited, again.restarted, again.best) == (callback.waited, callback.restarted, callback.best)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patience": 0}, "`patience` must be a whole number of at least 1"),
        ({"restarts": 1.5}, "`restarts` must be a whole number of at least 1"),
        ({"factor": 1}, "`factor` must be a number between 0 and 1. Received: factor=1"),
    ],
)
def test_numbers_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        AnnealingRestarts(**options)


def test_a_schedule_by_steps_is_refused() -> None:
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    with pytest.raises(SettingsError, match="follows a schedule of its own: give the optimiser a number"):
        fitted(model(keras.optimizers.SGD(rate)), AnnealingRestarts(), Figures([0.5]))
