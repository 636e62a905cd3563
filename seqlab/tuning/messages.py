"""What searches, oracles and chiefs tell one another besides Keras Tuner's own calls, in the values of its trials."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial, TrialStatus

from seqlab import studies
from seqlab.errors import SeqlabError

REPORT = "tuner/report"  # a Trial's message does not travel between machines
DESCRIPTION, IDENTITY = "tuner/search", "tuner/study"  # asked for by the first in place of a trial's name
HELD = "tuner/held/"  # asked for with a worker's name behind it


class Refused(SeqlabError):
    """A call from another search, which does this one no harm."""


def report(oracle: Any, trial: Trial, row: studies.Trial) -> None:
    """Tells an oracle, or its stand-in on another machine, what came of a trial.

    Args:
        oracle: The oracle.
        trial: The trial that it gave out.
        row: What came of it; its values are those of `trial`.
    """
    trial.status = TrialStatus.COMPLETED if row.status == "completed" else TrialStatus.FAILED
    fields = {name: value for name, value in vars(row).items() if name not in ("trial", "values")}
    trial.hyperparameters.values[REPORT] = json.dumps({"study": oracle.identity, **fields})
    oracle.end_trial(trial)


def read_report(trial: Trial, own: Trial | None, identity: str) -> studies.Trial:
    """Takes the report out of a trial's values and holds it against the trial that was given out.

    Args:
        trial: What was reported.
        own: The oracle's own trial of that name, if there is one.
        identity: The study's.

    Returns:
        What came of it, with all of the oracle's own values.

    Raises:
        Refused: If it is of another study, or if no trial of that name, or none with these values, was given out.
    """
    found = json.loads(trial.hyperparameters.values.pop(REPORT))
    name = trial.trial_id
    check_study(found.pop("study", ""), identity, f"the report of trial {name}")
    if own is None:
        raise Refused(f"the report of trial {name} is refused: this study has given out no trial of that name.")
    given, values = own.hyperparameters.values, trial.hyperparameters.values
    different = sorted(key for key in given.keys() | values.keys() if given.get(key) != values.get(key))
    if different:
        told = "; ".join(f"{key} {values.get(key)}, here {given.get(key)}" for key in different)
        raise Refused(f"the report of trial {name} is refused: it was given out with other values ({told}).")
    return studies.Trial(name, values=dict(given), **{**found, "seeds": tuple(found["seeds"])})


def named(worker: str, identity: str) -> str:
    """Adds the study that a worker was started for to the name under which it asks for a trial."""
    return f"{worker}@{identity}"


def own_name(name: str, identity: str) -> str:
    """Takes the study off again, where there is one (`named`); raises `Refused` if it is another one."""
    found, at, study = name.rpartition("@")
    if not at:
        return name
    check_study(study, identity, f"the call of {found}")
    return found


def check_study(identity: str, own: str, what: str) -> None:
    """Raises `Refused` for what comes from another study."""
    if identity != own:
        raise Refused(
            f"{what} is refused: it is of another study ({identity or 'one without a name'}, here "
            f"{own or 'one without a name'}). Its worker was started for that one: start it anew, in another folder."
        )


def answer(asked: str, values: dict[str, str]) -> Trial:
    """Returns a trial that is none, but carries values to who has asked for it by a name of ours."""
    found = keras_tuner.HyperParameters()
    for name, value in values.items():
        found.Fixed(name, value)
    return Trial(found, asked, TrialStatus.RUNNING)


def names_of(worker: str, names: Iterable[str]) -> list[str]:
    """Those names under which a worker asks for trials, in the order of their numbers.

    >>> names_of("east", ["east-10", "east-2", "east-2-0", "west-0"])
    ['east-2', 'east-10']
    """
    found = (name for name in names if re.fullmatch(rf"{re.escape(worker)}-\d+", name))
    return sorted(found, key=lambda name: int(name.rpartition("-")[2]))
