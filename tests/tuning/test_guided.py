from __future__ import annotations

from pathlib import Path
from typing import Any

import keras_tuner
import pytest

from seqlab import studies
from seqlab.errors import SettingsError
from seqlab.tuning.guided import ladder
from seqlab.tuning.messages import report
from seqlab.tuning.space import SearchSpace
from tests.tuning.common import SETTINGS, begin

HP = keras_tuner.engine.hyperparameters


def three(hp: Any) -> dict[str, Any]:
    return {
        "encoder.dropout": hp.Float("encoder.dropout", 0.0, 0.9, default=0.4),
        "encoder.units": hp.Int("encoder.units", 10, 100),
        "training.learning_rate": hp.Float("learning_rate", 1e-4, 1.0, sampling="log"),
    }


def score(values: dict[str, Any]) -> float | None:
    """Best at rate 0.01, 40 units and no dropout; rates above 0.5 diverge."""
    if values["learning_rate"] > 0.5:
        return None
    away = abs(values["learning_rate"] - 0.01) + abs(values["encoder.units"] - 40) / 1000
    return 1 - away - values["encoder.dropout"] / 100


def row(trial: Any, found: float | None) -> studies.Trial:
    if found is None:
        return studies.Trial(trial.trial_id, "diverged")
    return studies.Trial(trial.trial_id, "completed", score=found)


def test_rate_then_size_then_the_rest(tmp_path: Path) -> None:
    _, oracle = begin(tmp_path, three, "guided", 12)
    tried = []
    for number in range(12):
        trial = oracle.create_trial("here")
        if number < 7:
            assert oracle.create_trial("there").status == "IDLE"  # each step waits for the one before
        values = dict(trial.hyperparameters.values)
        tried.append((round(values["learning_rate"], 6), values["encoder.units"], values["encoder.dropout"]))
        report(oracle, trial, row(trial, score(values)))
        if number == 5:
            _, oracle = begin(tmp_path, three, "guided", 12, resume=True)  # all it needs is in the trials
    assert tried[:4] == [(1.0, 10, 0.4), (0.1, 10, 0.4), (0.01, 10, 0.4), (0.001, 10, 0.4)]
    assert tried[4:7] == [(0.01, 20, 0.4), (0.01, 40, 0.4), (0.01, 80, 0.4)]
    assert all(rest[:2] == (0.01, 40) for rest in tried[7:])
    assert len({rest[2] for rest in tried[7:]}) == 5
    assert oracle.create_trial("here").status == "STOPPED"


def test_no_rate_that_trains_ends_it(tmp_path: Path) -> None:
    _, oracle = begin(tmp_path, three, "guided", 12)
    for _ in range(5):
        trial = oracle.create_trial("here")
        assert trial.status == "RUNNING"
        report(oracle, trial, row(trial, None))
    assert oracle.create_trial("here").status == "STOPPED"


def test_a_rate_is_needed(tmp_path: Path) -> None:
    def units(hp: Any) -> dict[str, Any]:
        return {"encoder.units": hp.Int("encoder.units", 10, 100)}

    assert SearchSpace(SETTINGS, units)
    with pytest.raises(SettingsError, match="name ends with learning_rate; the space has encoder.units"):
        begin(tmp_path, units, "guided", 5)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (HP.Choice("rate", [0.1, 1.0, 0.01]), [0.01, 0.1, 1.0]),
        (HP.Float("rate", 1e-3, 1.0), [1e-3, 1e-2, 1e-1, 1.0]),
        (HP.Float("rate", 2e-3, 0.5), [5e-3, 5e-2, 0.5]),
        (HP.Float("rate", 1e-3, 1.0, step=2, sampling="log"), [0.001, 0.008, 0.064, 0.512]),
        (HP.Int("units", 20, 200), [20, 40, 80, 160, 200]),
        (HP.Int("units", 20, 200, step=30), [20, 80, 140, 200]),
        (HP.Int("units", 1, 3), [1, 2, 3]),
    ],
)
def test_ladders(item: Any, expected: list[float]) -> None:
    assert ladder(item) == pytest.approx(expected)
