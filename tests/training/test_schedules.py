"""Rates against their equations, and which callbacks settings ask for."""

from __future__ import annotations

from typing import Any

import pytest
from numpy.testing import assert_allclose

from seqlab.errors import SettingsError
from seqlab.models.best import BestWeights
from seqlab.settings import TrainingSettings
from seqlab.training.annealing import AnnealingRestarts
from seqlab.training.schedules import rate_of, watching

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


def test_restarts_keep_the_best_weights_themselves() -> None:
    best, others = watching(TrainingSettings(schedule="restarts", patience=5, monitor="val_loss"))
    assert isinstance(best, AnnealingRestarts) and not others
    assert (best.patience, best.restarts, best.factor, best.monitor) == (5, 2, 0.5, "val_loss")
    assert watching(TrainingSettings(schedule="restarts", restarts=7))[0].restarts == 7


@pytest.mark.parametrize("schedule", ["halve", "linear", "constant"])
def test_callbacks_of_other_schedules(schedule: str) -> None:
    best, others = watching(TrainingSettings(schedule=schedule, patience=5, halve_after=2))
    assert type(best) is BestWeights
    assert others[-1].patience == 5 and len(others) == 1 + (schedule == "halve")
    assert schedule != "halve" or others[0].patience == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [({"restarts": 2}, "restarts concerns the schedule 'restarts', received 'halve'")],
)
def test_what_means_nothing_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        TrainingSettings(**options)
