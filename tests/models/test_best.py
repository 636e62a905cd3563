from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from seqlab.models.best import BestWeights, best_weights


class Model:
    """What the callback needs of a model: weights to read and to write."""

    def __init__(self) -> None:
        self.weights = [np.zeros(1)]

    def get_weights(self) -> list[Any]:
        return [weight.copy() for weight in self.weights]

    def set_weights(self, weights: list[Any]) -> None:
        self.weights = weights


def trained(monitor: str, values: list[float]) -> tuple[Model, BestWeights]:
    model, best = Model(), BestWeights(monitor)
    best.set_model(model)
    best.on_train_begin()
    for epoch, value in enumerate(values):
        model.weights = [np.full(1, epoch)]
        best.on_epoch_end(epoch, {monitor: value, "loss": 1.0})
    best.on_train_end()
    return model, best


def test_figures_rise_and_the_first_of_equals_wins() -> None:
    model, best = trained("val_f1", [0.1, 0.4, 0.4, 0.3])
    assert model.weights[0] == 1
    assert (best.best, best.best_epoch) == (0.4, 1)


def test_losses_fall() -> None:
    model, _ = trained("val_loss", [3.0, 1.0, 2.0])
    assert model.weights[0] == 1


def test_a_new_training_forgets_the_old_one() -> None:
    _, best = trained("val_f1", [0.9])
    best.on_train_begin()
    assert best.best is None and best.best_weights is None


def test_missing_figure_names_those_there_are() -> None:
    best = BestWeights("val_f2")
    best.on_epoch_end(0, {"loss": 1.0, "val_f1": 0.5})
    with pytest.warns(UserWarning, match=r"No 'val_f2' in the logs of any epoch \(they held loss, val_f1\)"):
        best.on_train_end()


@pytest.mark.parametrize("monitor", ["val_error", "val_cer", "val_nll", "val_language_perplexity"])
def test_errors_fall(monitor: str) -> None:
    model, best = trained(monitor, [0.5, 0.2, 0.4])
    assert model.weights[0] == 1 and best.best == 0.2


def test_what_is_not_finite_is_never_the_best() -> None:
    model, best = trained("val_nll", [float("nan"), 3.0, float("-inf")])
    assert model.weights[0] == 1 and best.best == 3.0
    with pytest.warns(UserWarning, match="Did training diverge"):
        trained("val_nll", [float("nan"), float("inf")])


class Tasks:
    """A model whose tasks read weights: `shared` is read by both."""

    tasks = ("pos", "ner")

    def __init__(self, shared: bool) -> None:
        self.own = {task: keras.Variable(np.zeros(2, "float32")) for task in self.tasks}
        self.both = [keras.Variable(np.zeros(1, "float32"))] if shared else []

    def weights_of(self, task: str) -> list[Any]:
        return [self.own[task], *self.both]


def test_tasks_that_share_nothing_have_best_epochs_of_their_own() -> None:
    model = Tasks(shared=False)
    bests = best_weights(model, "val_f1")
    assert [(best.monitor, best.task) for best in bests] == [("val_pos_f1", "pos"), ("val_ner_f1", "ner")]
    for best in bests:
        best.set_model(model)
        best.on_train_begin()
    for epoch, (pos, ner) in enumerate([(0.1, 0.9), (0.3, 0.1), (0.2, 0.2)]):
        for weight in model.own.values():
            weight.assign(np.full(2, epoch))
        for best in bests:
            best.on_epoch_end(epoch, {"val_pos_f1": pos, "val_ner_f1": ner, "val_f1": (pos + ner) / 2})
    for best in bests:
        best.on_train_end()
    assert [float(weight.numpy()[0]) for weight in model.own.values()] == [1, 0]
    assert [best.best_epoch for best in bests] == [1, 0]


def test_tasks_that_share_a_weight_have_one_best_epoch() -> None:
    (best,) = best_weights(Tasks(shared=True), "val_f1")
    assert (best.monitor, best.task) == ("val_f1", None)
    alone = Tasks(shared=False)
    alone.tasks = ("pos",)
    assert [best.task for best in best_weights(alone, "val_f1")] == [None]
    assert best_weights(Tasks(shared=False), "loss")[1].monitor == "ner_loss"


@pytest.mark.parametrize("monitor", ["val_ner_f1", "val_ner_loss", "ner_loss"])
def test_a_figure_of_one_task_chooses_one_epoch_for_all(monitor: str) -> None:
    for shared in (False, True):
        (best,) = best_weights(Tasks(shared), monitor)
        assert (best.monitor, best.task) == (monitor, None)
