"""Averages of weights against NumPy's of a course of weights that knows nothing of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from seqlab.errors import SettingsError
from seqlab.models.best import BestWeights
from seqlab.training.averaging import AveragedWeights
from seqlab.training.state import RunState
from tests.models import tasks

X = np.linspace(-1, 1, 8)[:, None].astype("float32")
Y = np.hstack([X, -X])
MOMENTUM, STEPS = 0.8, 2  # of an epoch

pytestmark = pytest.mark.usefixtures("eagerly")
Weights = list[np.ndarray]


class Course(keras.callbacks.Callback):
    """Takes down the weights after each step, and at the ends of epochs and of their validation."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Weights] = []
        self.epochs: list[Weights] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.steps.append([np.array(weight) for weight in self.model.get_weights()])

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs.append([np.array(weight) for weight in self.model.get_weights()])


class Later(keras.Sequential):
    """Scores after Keras' validation, as a tagger does."""

    def evaluate(self, *args: Any, **options: Any) -> Any:
        logs = super().evaluate(*args, **options)
        return {**logs, "weight": float(np.asarray(self.get_weights()[0])[0, 0])}


def fitted(
    *callbacks: Any, epochs: int = 4, first: int = 0, held: bool = True, **ema: Any
) -> tuple[keras.Model, Course, dict[str, list[float]]]:
    keras.utils.set_random_seed(1)
    model, course = Later([keras.Input((1,)), keras.layers.Dense(2), keras.layers.Dropout(0.3)]), Course()
    model.compile(keras.optimizers.Adam(0.1, **ema), loss="mse")
    options = {"initial_epoch": first, "epochs": epochs, "batch_size": 8 // STEPS, "verbose": 0, "shuffle": False}
    held_out = (X, 2 * Y) if held else None
    found = model.fit(X, Y, validation_data=held_out, callbacks=[*callbacks, course], **options)
    return model, course, found.history


def averaged(**options: Any) -> tuple[keras.Model, Course, dict[str, list[float]]]:
    return fitted(AveragedWeights(), use_ema=True, ema_momentum=MOMENTUM, **options)


def averages(steps: list[Weights]) -> list[Weights]:
    """What the averages are after each epoch."""
    found = [steps[0]]
    for weights in steps[1:]:
        found.append([MOMENTUM * old + (1 - MOMENTUM) * new for old, new in zip(found[-1], weights, strict=True)])
    return found[STEPS - 1 :: STEPS]


def assert_close(found: list[Weights], wanted: list[Weights]) -> None:
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        for weight, expected in zip(one[:2], other[:2], strict=True):  # the rest are random states
            assert_allclose(weight, expected, rtol=2e-6, atol=1e-7)


@pytest.mark.parametrize("held", [True, False])
def test_the_course_of_the_weights_stays_and_its_averages_are_what_epochs_end_with(held: bool) -> None:
    _, plain, _ = fitted(held=held)
    model, found, _ = averaged(held=held)
    assert_close(found.steps, plain.steps)
    assert_close(found.epochs, averages(plain.steps))
    assert_close([model.get_weights()], averages(plain.steps)[-1:])
    assert np.max(np.abs(found.epochs[-1][0] - found.steps[-1][0])) > 0.01


def test_averages_are_validated_and_scored() -> None:
    _, found, history = averaged()
    for epoch, (kernel, bias, *_) in enumerate(averages(found.steps)):
        assert history["val_loss"][epoch] == pytest.approx(np.mean((X @ kernel + bias - 2 * Y) ** 2), rel=1e-5)
        assert history["val_weight"][epoch] == pytest.approx(kernel[0, 0], rel=1e-5)


def test_the_best_epoch_is_that_of_the_averages() -> None:
    best = BestWeights("val_loss")  # before it, as `Tagger.fit` puts it
    model, found, history = fitted(best, AveragedWeights(), use_ema=True, ema_momentum=MOMENTUM)
    epoch = int(np.argmin(history["val_loss"]))
    assert best.best_epoch == epoch
    assert_close([model.get_weights()], [averages(found.steps)[epoch]])


def test_a_cut_training_goes_on_to_the_bit(tmp_path: Path) -> None:
    def run(path: Path, epochs: int, first: int = 0) -> tuple[Course, Weights]:
        watched = AveragedWeights()
        state = RunState(path, [watched])
        assert state.read() == (first > 0)
        options = {"use_ema": True, "ema_momentum": MOMENTUM, "epochs": epochs, "first": first}
        model, course, _ = fitted(watched, state, **options)
        return course, model.get_weights()

    whole, end = run(tmp_path / "whole.npz", 5)
    run(tmp_path / "cut.npz", 3)
    rest, same = run(tmp_path / "cut.npz", 5, first=3)
    for one, other in ((whole.steps[3 * STEPS :], rest.steps), (whole.epochs[3:], rest.epochs), ([end], [same])):
        for weights, again in zip(one, other, strict=True):
            for weight, value in zip(weights, again, strict=True):
                assert_array_equal(weight, value)


def test_a_further_fit_goes_on_from_the_averages() -> None:
    model, _, _ = averaged(epochs=1)
    before, course = model.get_weights(), Course()
    model.fit(X, Y, batch_size=8, verbose=0, callbacks=[AveragedWeights(), course])
    assert 0 < np.max(np.abs(course.steps[0][0] - before[0])) < 0.15  # one step of Adam at a rate of 0.1


class Steps(keras.callbacks.Callback):
    """Takes down the weights of a tagger before the first step and after each, and at the ends of epochs."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[Weights] = []
        self.epochs: list[Weights] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.steps.append(tasks.values(self.model.trainable_variables))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.steps.append(tasks.values(self.model.trainable_variables))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs.append(tasks.values(self.model.trainable_variables))


def fitted_tasks(*callbacks: Any, **options: Any) -> Steps:
    course = Steps()
    made = tasks.compiled(tasks.tagger("lstm_s"), keras.optimizers.Adam(0.05, **options), eager=True)
    keras.utils.set_random_seed(1)
    made.fit(tasks.corpora(), batch_size=3, epochs=3, callbacks=[*callbacks, course], verbose=0)
    return course


def test_weights_of_several_tasks_have_averages_over_their_own_steps() -> None:
    plain = fitted_tasks()
    found = fitted_tasks(AveragedWeights(), use_ema=True, ema_momentum=MOMENTUM)
    for steps, again in zip(plain.steps, found.steps, strict=True):
        for weight, same in zip(steps, again, strict=True):
            assert_array_equal(weight, same)
    for number, course in enumerate(zip(*plain.steps, strict=True)):
        average, ends = None, []
        for step, (old, new) in enumerate(zip(course, course[1:], strict=False), start=1):
            if not np.array_equal(old, new):  # a step on a task that reads it
                average = new if average is None else MOMENTUM * average + (1 - MOMENTUM) * new
            if step % (len(plain.steps) // 3) == 0:
                ends.append(course[0] if average is None else average)
        for end, epoch in zip(ends, found.epochs, strict=True):
            assert_allclose(epoch[number], end, rtol=2e-5, atol=1e-6)
    assert any(np.max(np.abs(end - last)) > 0.01 for end, last in zip(found.epochs[-1], found.steps[-1], strict=True))


def test_weights_whose_tasks_had_no_step_stay() -> None:
    made = tasks.compiled(
        tasks.tagger("stl"), keras.optimizers.Adam(0.05, use_ema=True, ema_momentum=MOMENTUM), eager=True
    )
    before = {task: tasks.values(made.weights_of(task)) for task in made.tasks}
    made.fit(*tasks.batch(made, "pos"), epochs=2, verbose=0, callbacks=[AveragedWeights()])
    for task in ("chunk", "ner"):
        for weight, same in zip(tasks.values(made.weights_of(task)), before[task], strict=True):
            assert_array_equal(weight, same)
    assert not np.array_equal(tasks.values(made.weights_of("pos"))[-1], before["pos"][-1])


@pytest.mark.parametrize(
    ("options", "received"),
    [
        ({}, "Adam with use_ema=False and ema_overwrite_frequency=None"),
        ({"use_ema": True, "ema_overwrite_frequency": 2}, "Adam with use_ema=True and ema_overwrite_frequency=2"),
    ],
)
def test_optimisers_without_averages_of_their_own_are_refused(options: dict[str, Any], received: str) -> None:
    with pytest.raises(SettingsError, match=f"needs an optimiser with use_ema=True.*received {received}"):
        fitted(AveragedWeights(), **options)
