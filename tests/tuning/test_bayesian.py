"""What the Gaussian process is told of the trials before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seqlab import studies
from seqlab.tuning.description import described
from seqlab.tuning.folder import open_study
from seqlab.tuning.messages import report
from seqlab.tuning.oracles import Durable, make_oracle
from seqlab.tuning.space import SearchSpace
from tests.tuning.common import SETTINGS, rates
from tests.tuning.test_oracles import steps

pytest.importorskip("sklearn")
# Few made-up scores of trials at random have no length scale.
pytestmark = pytest.mark.filterwarnings("ignore:The optimal value found:sklearn.exceptions.ConvergenceWarning")


def fitted(oracle: Durable, monkeypatch: pytest.MonkeyPatch) -> list[list[float]]:
    """What the Gaussian process is told from here on, at each time."""
    told: list[list[float]] = []
    fit = oracle.gpr.fit

    def noted(x: Any, y: Any) -> Any:
        told.append([float(value) for value in y])
        return fit(x, y)

    monkeypatch.setattr(oracle.gpr, "fit", noted)
    return told


@pytest.mark.parametrize("direction", ["min", "max"])
def test_bayesian_is_told_where_training_diverges(
    direction: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what diverged without a score the worst of all scores is taken; failures and time-outs count nowhere."""
    space = SearchSpace(SETTINGS, rates)
    oracle = make_oracle("bayesian", studies.Objective("x", direction), space.hyperparameters, 12, 1, 1)
    assert oracle.num_initial_points == 4  # two scores and two divergences will do
    study = studies.Study(studies.Objective("x", direction), space.parameters)
    open_study(tmp_path, study, described(SETTINGS, 1, False), oracle, resume=False, parquet=False)
    outcomes = [("completed", 3.0), ("diverged", None), ("failed", None), ("diverged", 7.0), ("completed", 2.0)]
    for status, value in outcomes:
        trial = oracle.create_trial("here")
        report(oracle, trial, studies.Trial(trial.trial_id, status, score=value, error="" if value else "no number"))
    sign, worst = (1, 7.0) if direction == "min" else (-1, 2.0)
    known = [sign * value for value in (3.0, worst, 7.0, 2.0)]
    told = fitted(oracle, monkeypatch)
    oracle.create_trial("here")
    assert told == [known]  # two of three random ones would not be enough, had divergence not counted
    oracle.create_trial("there")
    before, guessed = told[1], told[2]
    assert before == known and guessed[:4] == known  # of the trial under way the process is asked once it knows these
    assert min(known) - 1 < guessed[4] < max(known) + 3
    lost = [trial for trial in oracle.trials.values() if trial.status == "FAILED"]
    assert len(lost) == 3 and all(trial.score is None for trial in lost)  # as Keras Tuner has them, afterwards


def test_bayesian_learns_from_the_trials(tmp_path: Path) -> None:

    def line(hp: Any) -> dict[str, Any]:
        return {"encoder.dropout": hp.Float("encoder.dropout", 0.0, 0.9)}

    found = [values["encoder.dropout"] for values in steps(tmp_path, line, "bayesian", 6, "before", diverged=0)]
    assert min(found[3:]) < 0.01  # the best is at 0, and three points in a line tell it
