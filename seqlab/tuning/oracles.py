"""Keras Tuner's oracles, which choose the trials, made to survive a kill at any moment."""

from __future__ import annotations

import functools
import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from seqlab import studies
from seqlab.errors import DataError, SettingsError
from seqlab.files import write_text
from seqlab.tuning.messages import DESCRIPTION, HELD, IDENTITY, answer, names_of, own_name, read_report, report

ORACLE, TRIAL = "oracle.json", "trial.json"
NEVER = 10**9  # failures in a row after which Keras Tuner would stop; our loop has a rule of its own


class Durable(keras_tuner.Oracle):
    """What the oracles have in common: files that are written as a whole, and a table of trials that is the truth.

    A trial is over once it has a row in the table. Whatever a kill has cut off after that is done again from the row;
    a trial without a row is given out again, under its old name, so that it goes on where it was.
    """

    folder: Path
    study: studies.Study
    parquet: bool = False
    description: str = ""  # what a chief tells its workers of the search, see `seqlab.tuning.description`
    identity: str = ""  # of the study; none of one that was begun before there were any
    over: bool = False  # the search is, but for trials under way
    ongoing_trials: dict[str, Trial]
    _retry_queue: list[str]

    def attach(self, folder: Path, study: studies.Study, parquet: bool = False) -> None:
        """Names the folder of the study; called once, before the first trial."""
        self.folder, self.study, self.parquet = folder, study, parquet
        self.finished: list[studies.Trial] = []  # rows since somebody took them from here
        self.diverged: dict[str, float | None] = {}  # trials that did, with their best score before, if any
        self.verbose = 0
        self._set_project_dir(str(folder.parent), folder.name)

    def create_trial(self, tuner_id: str) -> Trial:
        """As Keras Tuner; notes the end of the search, and raises `Refused` for a worker of another study."""
        trial = super().create_trial(own_name(tuner_id, self.identity))
        self.over = self.over or trial.status == TrialStatus.STOPPED
        return trial

    def get_trial(self, trial_id: str) -> Trial:
        """As Keras Tuner; `DESCRIPTION`, and `HELD` with a worker's name, ask for what the values then carry."""
        if trial_id == DESCRIPTION:
            return answer(trial_id, {DESCRIPTION: self.description, IDENTITY: self.identity})
        if trial_id.startswith(HELD):
            names = names_of(trial_id.removeprefix(HELD), {*self.ongoing_trials, *self.tuner_ids})
            return answer(trial_id, {trial_id: json.dumps(names)})
        return super().get_trial(trial_id)

    def end_trial(self, trial: Trial) -> None:
        """Writes the row of a trial that carries a report (see `report`), then ends it as Keras Tuner does.

        Where a worker outlives its chief, a trial may be given to another one as well: the first report counts.

        Raises:
            Refused: If the report is of no trial of this study; nothing is written then.
        """
        own = self.trials.get(trial.trial_id)
        found = read_report(trial, own, self.identity)
        if trial.trial_id in self.end_order:
            self.ongoing_trials = {at: one for at, one in self.ongoing_trials.items() if one.trial_id != trial.trial_id}
            return
        if trial.trial_id in self._retry_queue:
            self._retry_queue.remove(trial.trial_id)
        known = {parameter.name for parameter in self.study.space}
        row = replace(found, values={name: value for name, value in found.values.items() if name in known})
        studies.write_trial(self.folder, row, self.parquet)
        self.finished.append(row)
        self._note(row)
        if own is not None:
            trial.hyperparameters = own.hyperparameters
        trial.message = row.error or None
        if row.status == "completed":
            self.update_trial(trial.trial_id, {self.objective.name: float(row.score or 0.0)})
        super().end_trial(trial)

    def _note(self, row: studies.Trial) -> None:
        if row.status == "diverged":
            self.diverged[row.trial] = row.score

    def save(self) -> None:
        write_text(self.folder / ORACLE, json.dumps(self.get_state(), default=_plain))

    def _save_trial(self, trial: Trial) -> None:
        place = self.folder / f"trial_{trial.trial_id}" / TRIAL
        write_text(place, json.dumps(trial.get_state(), default=_plain))

    def reload(self) -> None:
        """Reads the files of a search that was cut off.

        Raises:
            DataError: With the file, if one is damaged or missing.
        """
        state = _json(self.folder / ORACLE)
        rows = {row.trial: row for row in studies.read(self.folder).trials}
        try:
            for name in state["start_order"]:
                path = self.folder / f"trial_{name}" / TRIAL
                self.trials[name] = _read(path)
            self.set_state(state)
        except (KeyError, TypeError, ValueError) as error:
            if isinstance(error, DataError):
                raise
            raise DataError(f"no state of a search ({error!r}).", str(self.folder / ORACLE)) from error
        lost = [name for name in self.end_order if name not in rows]
        if lost:
            raise DataError(f"no row for the finished trials {', '.join(lost)}.", str(self.folder / studies.TRIALS))
        foreign = [name for name in rows if name not in self.start_order]
        if foreign:
            raise DataError(
                f"rows of the trials {', '.join(foreign)}, which this study has not given out: take them out of the "
                "table, and resume again.",
                str(self.folder / studies.TRIALS),
            )
        for row in rows.values():
            self._note(row)
        # Its own list of the trials under way holds those that wait to be given out again, too.
        waiting = dict.fromkeys([*state["ongoing_trials"].values(), *state["retry_queue"]])
        self.ongoing_trials, self._retry_queue = {}, []
        for name in sorted(waiting, reverse=True):
            if name in rows:
                self.ongoing_trials[f"before-{name}"] = self.trials[name]
                report(self, self.trials[name], rows[name])
            else:
                self._retry_queue.append(name)
        self.save()


class RandomOracle(Durable, keras_tuner.oracles.RandomSearchOracle):
    """Values at random."""


class HyperbandOracle(Durable, keras_tuner.oracles.HyperbandOracle):
    """Many short trials, of which the best go on."""


class GridOracle(Durable, keras_tuner.oracles.GridSearchOracle):
    """All combinations."""

    def set_state(self, state: dict[str, Any]) -> None:
        """Rebuilds the order of the combinations, which Keras Tuner does not save."""
        super().set_state(state)
        values = {name: self.trials[name].hyperparameters.values for name in self.start_order}
        order = functools.cmp_to_key(lambda first, second: self._compare(values[first], values[second]))
        for name in sorted(self.start_order, key=order):
            self._ordered_ids.insert(name)
        self._populate_next = list(self.start_order)


def make_oracle(
    tuner: str,
    objective: studies.Objective,
    hyperparameters: keras_tuner.HyperParameters,
    trials: int | None,
    seed: int,
    epochs: int,
) -> Durable:
    """Makes the oracle of a name.

    Args:
        tuner: `random`, `bayesian`, `hyperband`, `grid` or `guided`.
        objective: The figure.
        hyperparameters: The whole space.
        trials: Most trials. Hyperband has as many as one sweep of its brackets takes, a grid all if none are given.
        seed: Seed of the choices.
        epochs: Epochs of a whole training, which Hyperband shares out.

    Raises:
        SettingsError: For another name, for a number of trials that means nothing to that one, or if scikit-learn is
            missing for `bayesian`.
    """
    from seqlab.tuning.bayesian import BayesianOracle
    from seqlab.tuning.guided import GuidedOracle

    kinds: dict[str, type[Durable]] = {
        "random": RandomOracle,
        "bayesian": BayesianOracle,
        "hyperband": HyperbandOracle,
        "grid": GridOracle,
        "guided": GuidedOracle,
    }
    if tuner not in kinds:
        raise SettingsError(f"the tuner is one of {', '.join(kinds)}, received {tuner!r}.")
    options: dict[str, Any] = {
        "objective": keras_tuner.Objective(objective.name, objective.direction),
        "hyperparameters": hyperparameters.copy(),
        "allow_new_entries": False,
        "seed": seed + 1,  # Keras Tuner takes 0 for none
        "max_consecutive_failed_trials": NEVER,
    }
    if tuner == "hyperband":
        if trials is not None:
            raise SettingsError("--trials: hyperband runs as many as one sweep over its brackets takes; leave it out.")
        return HyperbandOracle(max_epochs=epochs, **options)
    if trials is None and tuner != "grid":
        raise SettingsError(f"--trials: say how many, for the tuner {tuner}.")
    if tuner == "bayesian":
        need("sklearn", "analysis", "the tuner bayesian")
    return kinds[tuner](max_trials=trials, **options)


def need(module: str, extra: str, what: str) -> None:
    """Refuses to begin what would fail later for want of an optional package; raises `SettingsError`."""
    if importlib.util.find_spec(module) is None:
        raise SettingsError(f"{what} needs the package {module}: pip install 'seqlab[{extra}]'.")


def _plain(value: Any) -> Any:
    return value.item()  # NumPy's numbers


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise DataError("there is no such file; the study cannot be resumed.", str(path)) from None
    except ValueError as error:
        raise DataError(f"damaged ({error}); the study cannot be resumed.", str(path)) from error


def _read(path: Path) -> Trial:
    state = _json(path)
    try:
        return Trial.from_state(state)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"no trial ({type(error).__name__}: {error}).", str(path)) from error
