"""The search by a Gaussian process over the trials before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from seqlab.tuning.oracles import Durable


class BayesianOracle(Durable, keras_tuner.oracles.BayesianOptimizationOracle):
    """Values by a Gaussian process over the trials before.

    Keras Tuner's, but for three things. A trial that diverged tells where not to look: it counts with its best score
    before that, and where it has none with the worst of all others; failures and time-outs are left out. Of trials
    under way the process is asked once it knows the finished ones. A third of the trials are drawn at random before it
    is asked at all, three for each hyperparameter at most.
    """

    trials: dict[str, Trial]

    def __init__(self, max_trials: int, hyperparameters: keras_tuner.HyperParameters, **options: Any) -> None:
        drawn = max(2, min(3 * len(hyperparameters.space), max_trials // 3))
        super().__init__(max_trials=max_trials, hyperparameters=hyperparameters, num_initial_points=drawn, **options)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Returns the next values; see `keras_tuner.Oracle`."""
        with self._divergence_counts():
            found: dict[str, Any] = super().populate_space(trial_id)
        return found

    def _vectorize_trials(self) -> Any:
        if self.ongoing_trials:  # else Keras Tuner would ask a process that knows nothing, or what it guessed before
            trials, ongoing = self.trials, self.ongoing_trials
            busy = {trial.trial_id for trial in ongoing.values()}
            self.trials, self.ongoing_trials = {k: v for k, v in trials.items() if k not in busy}, {}
            try:
                self.gpr.fit(*super()._vectorize_trials())
            finally:
                self.trials, self.ongoing_trials = trials, ongoing
        return super()._vectorize_trials()

    @contextmanager
    def _divergence_counts(self) -> Iterator[None]:
        """Gives the trials that diverged a score for a while."""
        sign = 1 if self.objective.direction == "min" else -1
        lost = {self.trials[name]: score for name, score in self.diverged.items() if name in self.trials}
        scores = [trial.score for trial in self.trials.values() if trial.status == TrialStatus.COMPLETED]
        scores += [score for score in lost.values() if score is not None]
        if not scores:
            lost = {}
        for trial, score in lost.items():
            trial.status = TrialStatus.COMPLETED
            trial.score = sign * max(sign * one for one in scores) if score is None else score
        try:
            yield
        finally:
            for trial in lost:
                trial.status, trial.score = TrialStatus.FAILED, None
