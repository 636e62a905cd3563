"""The folder of a study: what was searched (`study.json`), and what came of each trial (`trials.csv`)."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from seqlab.errors import DataError
from seqlab.files import replaced, write_text

STUDY, TRIALS, PARQUET = "study.json", "trials.csv", "trials.parquet"
STATUSES = ("completed", "diverged", "failed", "timed_out")
KINDS = ("float", "int", "choice", "boolean", "fixed")
SAMPLINGS = ("linear", "log", "reverse_log")
COLUMNS = ("trial", "status", "score", "test", "epochs", "seconds", "weights", "seed", "error")
PREFIX = "hp."  # of the column of a hyperparameter

Value = float | int | str | bool


@dataclass(frozen=True)
class Objective:
    """The figure that a study is about.

    Attributes:
        name: Its name, as `val_f1`.
        direction: `min` or `max`.
    """

    name: str
    direction: str


@dataclass(frozen=True)
class Condition:
    """A parameter is active only while another one has one of some values."""

    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Parameter:
    """A hyperparameter and what values it may take.

    Attributes:
        name: Its name.
        kind: `float`, `int`, `choice`, `boolean` or `fixed`.
        low: Least value of a float or int.
        high: Greatest value of a float or int.
        sampling: `linear`, `log` or `reverse_log`, of a float or int.
        step: Distance of two values (or their ratio, in `log`), if they are that far apart.
        values: All values of a choice, or the one that is fixed.
        conditions: What must hold of other parameters for this one to be active.
    """

    name: str
    kind: str
    low: float | None = None
    high: float | None = None
    sampling: str | None = None
    step: float | None = None
    values: tuple[Value, ...] = ()
    conditions: tuple[Condition, ...] = ()

    def read(self, text: str) -> Value:
        """Returns the value that a table's cell holds; raises `ValueError` for what is none of this kind."""
        if self.kind == "float":
            return float(text)
        if self.kind == "int":
            return int(text)
        known = (True, False) if self.kind == "boolean" else self.values
        for value in known:
            if str(value) == text:
                return value
        raise ValueError(f"expected one of {', '.join(map(str, known))}")


@dataclass(frozen=True)
class Trial:
    """One row of the table.

    Attributes:
        trial: Its name in the study.
        status: `completed`, `diverged` (the loss was no number any more), `failed` or `timed_out`.
        values: The hyperparameters that are active in it.
        score: The objective, the mean over all executions; a completed trial has one, one that diverged may have.
        test: The same figure on the test data, where there are any.
        epochs: Epochs that were run, over all executions.
        seconds: How long it took.
        weights: Number of trainable weights.
        seeds: Seed of each execution.
        error: What went wrong.
    """

    trial: str
    status: str
    values: dict[str, Value] = field(default_factory=dict)
    score: float | None = None
    test: float | None = None
    epochs: int | None = None
    seconds: float | None = None
    weights: int | None = None
    seeds: tuple[int, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Study:
    """What was searched, and the trials so far.

    Attributes:
        objective: The figure.
        space: The hyperparameters.
        command: The command line that the study is run by.
        seed: Its seed.
        tuner: How the trials are chosen, if that is known.
        trials: The rows of the table.
    """

    objective: Objective
    space: tuple[Parameter, ...]
    command: str = ""
    seed: int | None = None
    tuner: str | None = None
    trials: tuple[Trial, ...] = ()

    def ranked(self) -> list[Trial]:
        """Returns the trials with a score, completed or diverged after it, the best first."""
        sign = 1 if self.objective.direction == "min" else -1
        done = [trial for trial in self.trials if trial.status in ("completed", "diverged") and trial.score is not None]
        return sorted(done, key=lambda trial: sign * (trial.score or 0.0))


def read(folder: str | Path) -> Study:
    """Reads a study.

    Raises:
        DataError: With file and line, for a file that is missing or does not hold what it should.
    """
    study = read_header(folder)
    return Study(**{**vars(study), "trials": tuple(read_trials(folder, study.space))})


def read_header(folder: str | Path) -> Study:
    """Reads `study.json` alone."""
    path = Path(folder) / STUDY
    try:
        found = json.loads(path.read_text("utf-8"))
        objective = Objective(**found["objective"])
        space = tuple(_parameter(item) for item in found["space"])
        study = Study(objective, space, found["command"], found["seed"], found.get("tuner"))
    except FileNotFoundError:
        raise DataError("there is no such file; expected the folder of a study.", str(path)) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"no description of a study ({type(error).__name__}: {error}).", str(path)) from error
    if objective.direction not in ("min", "max"):
        raise DataError(f"the direction is {objective.direction!r}, expected min or max.", str(path))
    return study


def write_header(folder: str | Path, study: Study) -> None:
    """Writes `study.json`, and an empty table where there is none."""
    space = [{key: value for key, value in asdict(item).items() if value not in (None, ())} for item in study.space]
    found = {"objective": asdict(study.objective), "space": space, "command": study.command, "seed": study.seed}
    found["tuner"] = study.tuner
    write_text(Path(folder) / STUDY, json.dumps(found, indent=1) + "\n")
    if not (Path(folder) / TRIALS).is_file():
        write_trials(folder, study.space, ())


def read_trials(folder: str | Path, space: Iterable[Parameter]) -> list[Trial]:
    """Reads `trials.csv`.

    Raises:
        DataError: With file and line.
    """
    path, parameters = Path(folder) / TRIALS, {PREFIX + item.name: item for item in space}
    if not path.is_file():
        raise DataError("there is no such file; expected a table of trials.", str(path))
    rows = csv.reader(io.StringIO(path.read_text("utf-8")))
    header = next(rows, [])
    missing = [name for name in (*COLUMNS, *parameters) if name not in header]
    unknown = [name for name in header if name not in COLUMNS and name not in parameters]
    if missing or unknown:
        raise DataError(f"columns that are missing: {missing}; that {STUDY} does not know: {unknown}.", str(path), 1)
    found: dict[str, Trial] = {}
    for row in rows:
        if len(row) != len(header):
            raise DataError(f"{len(row)} cells, expected {len(header)}.", str(path), rows.line_num)
        try:
            trial = _trial(dict(zip(header, row, strict=True)), parameters)
        except ValueError as error:
            raise DataError(f"{error}.", str(path), rows.line_num) from None
        if trial.trial in found:
            raise DataError(f"trial {trial.trial!r} is there twice.", str(path), rows.line_num)
        found[trial.trial] = trial
    return list(found.values())


def write_trial(folder: str | Path, trial: Trial, parquet: bool = False) -> None:
    """Adds a trial to the table, in place of the row of the same trial if there is one.

    Args:
        folder: Folder of the study.
        trial: The trial.
        parquet: Write `trials.parquet` too, which needs pyarrow.

    Raises:
        DataError: If the trial has a status or hyperparameter that the study does not know, or an infinite number.
    """
    space = read_header(folder).space
    known = {parameter.name for parameter in space}
    if trial.status not in STATUSES or not trial.values.keys() <= known:
        raise DataError(f"trial {trial.trial}: unknown status {trial.status!r} or values {trial.values}.", str(folder))
    numbers = {"score": trial.score, "test": trial.test, "seconds": trial.seconds, **trial.values}
    for name, value in numbers.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise DataError(f"trial {trial.trial}: {name} is {value}, no finite number: leave it out.", str(folder))
    rows = {other.trial: other for other in read_trials(folder, space)}
    write_trials(folder, space, {**rows, trial.trial: trial}.values(), parquet)


def write_trials(
    folder: str | Path, space: Iterable[Parameter], trials: Iterable[Trial], parquet: bool = False
) -> None:
    """Writes the whole table."""
    names = [parameter.name for parameter in space]
    rows = [_row(trial, names) for trial in trials]
    text = io.StringIO()
    writer = csv.DictWriter(text, [*COLUMNS, *(PREFIX + name for name in names)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(Path(folder) / TRIALS, text.getvalue())
    if parquet:
        _write_parquet(Path(folder) / PARQUET, rows, list(writer.fieldnames))


def _write_parquet(path: Path, rows: list[dict[str, Any]], names: list[str]) -> None:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError("Parquet files need pyarrow: pip install 'seqlab[parquet]'.") from error

    table = pa.table({name: pa.array([row[name] for row in rows]) for name in names})
    with replaced(path) as temporary:
        parquet.write_table(table, temporary)


def _row(trial: Trial, names: list[str]) -> dict[str, Any]:
    cells = {name: getattr(trial, name) for name in COLUMNS if name != "seed"}
    cells["error"] = " ".join(trial.error.split())
    return {
        **cells,
        "seed": " ".join(map(str, trial.seeds)),
        **{PREFIX + name: trial.values.get(name) for name in names},
    }


def _parameter(item: dict[str, Any]) -> Parameter:
    conditions = tuple(Condition(other["name"], tuple(other["values"])) for other in item.get("conditions") or ())
    given = {**item, "values": tuple(item.get("values") or ()), "conditions": conditions}
    found = Parameter(**given)
    numeric = found.kind in ("float", "int")
    if found.kind not in KINDS or numeric and (found.low is None or found.high is None):
        raise ValueError(f"parameter {found.name!r}: kind {found.kind!r}, from {found.low} to {found.high}")
    if found.sampling is not None and found.sampling not in SAMPLINGS:
        raise ValueError(f"parameter {found.name!r}: sampling {found.sampling!r}, expected one of {SAMPLINGS}")
    return found


def _trial(cells: dict[str, str], parameters: dict[str, Parameter]) -> Trial:
    def read(name: str, kind: Any) -> Any:
        try:
            found = kind(cells[name]) if cells[name] else None
        except ValueError as error:
            raise ValueError(f"column {name}: {cells[name]!r} cannot be read ({error})") from None
        if isinstance(found, float) and not math.isfinite(found):
            raise ValueError(f"column {name}: {cells[name]!r} is no finite number")
        return found

    if cells["status"] not in STATUSES:
        raise ValueError(f"status {cells['status']!r}, expected one of {', '.join(STATUSES)}")
    values = {item.name: read(name, item.read) for name, item in parameters.items() if cells[name]}
    score = read("score", float)
    if score is None and cells["status"] == "completed":
        raise ValueError("a completed trial without a score")
    numbers = {name: read(name, float) for name in ("test", "seconds")}
    numbers |= {name: read(name, int) for name in ("epochs", "weights")}
    seeds = tuple(int(seed) for seed in cells["seed"].split())
    return Trial(cells["trial"], cells["status"], values, score, seeds=seeds, error=cells["error"], **numbers)
