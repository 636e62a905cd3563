"""Rates against their equations, and which callbacks settings ask for."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from seqlab.errors import SettingsError
from seqlab.models.best import BestWeights
from seqlab.settings import TrainingSettings
from seqlab.training.annealing import AnnealingRestarts
from seqlab.training.cycles import WeightAverage
from seqlab.training.schedules import Patience, Triangular, rate_of, snapshots, watching, watching_tasks

STEPS, EPOCHS, RATE = 5, 12, 0.4


def rates(schedule: str, **options: Any) -> list[float]:
    """The rate of each step of a run."""
    found = rate_of(TrainingSettings(schedule=schedule, learning_rate=RATE, epochs=EPOCHS, **options), STEPS)
    return [float(found(step)) if callable(found) else found for step in range(STEPS * EPOCHS)]


def test_numbers_stay_numbers() -> None:
    for schedule in ("halve", "constant", "restarts"):
        assert rates(schedule) == STEPS * EPOCHS * [RATE]


def test_a_line_falls_to_three_per_cent() -> None:
    total = STEPS * EPOCHS
    assert_allclose(rates("linear"), [RATE * (1 - 0.97 * step / total) for step in range(total)], rtol=1e-5)


def test_decay_divides_by_the_epochs() -> None:
    wanted = [RATE / (1 + 0.3 * (step // STEPS)) for step in range(STEPS * EPOCHS)]
    assert_allclose(rates("decay", decay=0.3), wanted, rtol=1e-5)
    assert rates("decay")[-1] == pytest.approx(RATE / (1 + 0.05 * (EPOCHS - 1)), rel=1e-5)


def test_triangles() -> None:
    """Algorithm 1 of Smith (2017): with stepsize s, x = |step / s - 2 floor(1 + step / 2s) + 1|."""
    half, wanted = 4 * STEPS / 2, []
    for step in range(STEPS * EPOCHS):
        x = abs(step / half - 2 * np.floor(1 + step / (2 * half)) + 1)
        wanted.append(0.1 * RATE + 0.9 * RATE * max(0, 1 - x))
    assert_allclose(rates("triangular", cycle=4), wanted, rtol=1e-5)
    assert max(rates("triangular")) == pytest.approx(RATE) != max(rates("triangular")[: 4 * STEPS])


def test_cosines() -> None:
    for cycle in (None, 4):  # epochs; few steps, since Keras' schedule takes long where it is not compiled
        found = rate_of(TrainingSettings(schedule="cosine", learning_rate=RATE, cycle=cycle), STEPS)
        length = (cycle or 10) * STEPS
        for step in (0, 7, 19, 20, 33, 59):
            wanted = RATE * (1 + np.cos(np.pi * (step % length) / length)) / 2
            assert_allclose(float(found(step)), wanted, rtol=1e-4, atol=1e-6)


def test_an_optimiser_with_triangles_comes_back() -> None:
    optimizer = keras.optimizers.Adam(Triangular(0.1, 0.5, 8))
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    again.build([])
    assert again.get_config() == optimizer.get_config() and float(again.learning_rate) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("options", "epochs"),
    [({"schedule": "constant"}, (7, 1)), ({"schedule": "cosine", "cycle": 3}, (9, 3)), ({"schedule": "halve"}, (7, 1))],
)
def test_which_epochs_are_averaged(options: dict[str, Any], epochs: tuple[int, int]) -> None:
    found = watching(TrainingSettings(swa_from=7, **options)).others[-1]
    assert isinstance(found, WeightAverage) and (found.first, found.every) == epochs


def test_snapshots_at_the_ends_of_cycles(tmp_path: Path) -> None:
    assert snapshots(TrainingSettings(schedule="cosine"), tmp_path) == []
    (found,) = snapshots(TrainingSettings(schedule="cosine", cycle=5, snapshots=True), tmp_path)
    assert (found.first, found.every, found.folder) == (5, 5, tmp_path)


def test_restarts_keep_the_best_weights_themselves() -> None:
    best, others = watching(TrainingSettings(schedule="restarts", patience=5, monitor="val_loss"))
    assert isinstance(best, AnnealingRestarts) and not others
    assert (best.patience, best.restarts, best.factor, best.monitor) == (5, 2, 0.5, "val_loss")
    assert watching(TrainingSettings(schedule="restarts", restarts=7))[0].restarts == 7


def test_cycles_are_not_cut_short() -> None:
    _, others = watching(TrainingSettings(schedule="cosine", cycle=7, patience=5))
    assert others[-1].patience == 7  # the first epochs of a cycle are worse than the end of the one before


@pytest.mark.parametrize("schedule", ["halve", "linear", "constant"])
def test_callbacks_of_other_schedules(schedule: str) -> None:
    options = {"halve_after": 2} if schedule == "halve" else {}
    best, others = watching(TrainingSettings(schedule=schedule, patience=5, **options))
    assert type(best) is BestWeights
    assert others[-1].patience == 5 and len(others) == 1 + (schedule == "halve")
    assert schedule != "halve" or others[0].patience == 2


def test_a_training_stops_when_no_task_was_better() -> None:
    bests = [BestWeights("val_pos_f1", "pos"), BestWeights("val_ner_f1", "ner")]
    best, others = watching_tasks(TrainingSettings(patience=2), bests)
    assert best is bests[0] and others[0] is bests[1]
    assert [type(other).__name__ for other in others[1:]] == ["ReduceLROnPlateau", "Patience"]
    model = SimpleNamespace(stop_training=False)
    others[-1].set_model(model)
    stopped = []
    for epoch, (bests[0].best_epoch, bests[1].best_epoch) in enumerate([(None, 0), (None, 0), (2, 0), (2, 0), (2, 0)]):
        others[-1].on_epoch_end(epoch)
        stopped.append(model.stop_training)
    assert stopped == [False, False, False, False, True]
    never = Patience([BestWeights()], 2)  # no figure was finite
    model.stop_training = False
    never.set_model(model)
    never.on_epoch_end(0)
    assert not model.stop_training
    never.on_epoch_end(1)
    assert model.stop_training


def test_one_best_epoch_for_all_tasks_stops_as_a_run_of_one() -> None:
    best = BestWeights()
    found, others = watching_tasks(TrainingSettings(patience=2), [best])
    assert found is best and [type(one) for one in others] == [type(one) for one in watching(TrainingSettings()).others]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"halve_after": 2, "schedule": "linear"}, "halve_after concerns the schedule halve, received 'linear'"),
        ({"swa_from": 2, "schedule": "restarts"}, "swa_from averages one course of weights"),
        ({"average": 0.9, "schedule": "restarts"}, "average averages one course of weights"),
        ({"average": 0.9, "swa_from": 2}, "average and swa_from both put an average in the weights' place"),
        ({"beta_2": 0.9, "optimizer": "sgd"}, "beta_2 is for the optimizer adam or nadam, received 'sgd'"),
        ({"average": 0.9, "precision": "mixed_float16"}, "average needs the precision float32 or mixed_bfloat16"),
        ({"restarts": 2}, "restarts concerns the schedule restarts, received 'halve'"),
        ({"decay": 0.1, "schedule": "linear"}, "decay concerns the schedule decay, received 'linear'"),
        ({"cycle": 3}, "cycle concerns the schedule triangular or cosine, received 'halve'"),
        ({"snapshots": True, "schedule": "restarts"}, "snapshots concerns the schedule triangular or cosine"),
        ({"snapshots": True, "schedule": "cosine", "epochs": 9}, "no cycle ends within 9 epochs; set cycle to less"),
        ({"momentum": 0.9}, "momentum is that of the optimizer sgd, received 'adam'"),
        ({"swa_from": 31}, "swa_from is 31, but the last epoch to be averaged is 30"),
        ({"swa_from": 29, "schedule": "cosine", "cycle": 8}, "but the last epoch to be averaged is 24"),
    ],
)
def test_what_means_nothing_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        TrainingSettings(**options)
