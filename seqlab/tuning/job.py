"""What the search hands a trial's process (`job.json`), and what that hands back (`result.json`)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seqlab import studies
from seqlab.errors import DataError
from seqlab.files import write_text

JOB, RESULT, OUTPUT = "job.json", "result.json", "output.txt"


@dataclass(frozen=True)
class Job:
    """One trial.

    Attributes:
        settings: The resolved settings, as JSON has them.
        values: The hyperparameters, for the record.
        seeds: Seed of each execution.
        objective: Name of the figure.
        direction: `min` or `max`.
        until: Epoch to pause after, for trials that may go on later; none for a whole training.
        after: Name of the trial whose training this one goes on with.
        others: Names of the trials that are trained with this one as one program. Their results are in their own
            folders before this one's is.
    """

    settings: dict[str, Any]
    values: dict[str, Any]
    seeds: tuple[int, ...]
    objective: str
    direction: str
    until: int | None = None
    after: str | None = None
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What came of a trial; as `studies.Trial`, but for its name and values.

    Attributes:
        fatal: Whether the settings or the data are wrong, so that no trial can do any better.
    """

    status: str
    score: float | None = None
    test: float | None = None
    epochs: int | None = None
    seconds: float | None = None
    weights: int | None = None
    error: str = ""
    fatal: bool = False

    def row(self, trial: str, seeds: tuple[int, ...]) -> studies.Trial:
        """Returns the row of the table, without the hyperparameters."""
        fields = {name: value for name, value in asdict(self).items() if name != "fatal"}
        return studies.Trial(trial, seeds=seeds, **fields)


def write_job(folder: Path, job: Job) -> None:
    """Writes a trial's task into its folder."""
    write_text(folder / JOB, json.dumps(asdict(job), indent=1) + "\n")


def read_job(folder: Path) -> Job:
    """Reads a trial's task; raises `DataError` with the file if there is none."""
    found = _read(folder / JOB)
    try:
        return Job(**{**found, "seeds": tuple(found["seeds"]), "others": tuple(found.get("others", ()))})
    except (TypeError, KeyError) as error:
        raise DataError(f"no task of a trial ({error}).", str(folder / JOB)) from error


def write_result(folder: Path, outcome: Outcome) -> None:
    """Writes what came of a trial into its folder; after that it is finished."""
    write_text(folder / RESULT, json.dumps(asdict(outcome), indent=1) + "\n")


def read_result(folder: Path) -> Outcome | None:
    """Reads what came of a trial, if it is finished.

    Raises:
        DataError: With the file, if it is damaged.
    """
    if not (folder / RESULT).is_file():
        return None
    try:
        outcome = Outcome(**_read(folder / RESULT))
    except TypeError as error:
        raise DataError(f"no result of a trial ({error}).", str(folder / RESULT)) from error
    scored = {"completed": (True,), "diverged": (True, False)}.get(outcome.status, (False,))
    if outcome.status not in studies.STATUSES or (outcome.score is not None) not in scored:
        raise DataError(f"status {outcome.status!r} with score {outcome.score!r}.", str(folder / RESULT))
    return outcome


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read ({error}).", str(path)) from error
    if not isinstance(found, dict):
        raise DataError(f"holds {type(found).__name__}, expected an object.", str(path))
    return found
