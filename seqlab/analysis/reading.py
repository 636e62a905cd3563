"""Reading what trials were run: seqlab's studies, Keras Tuner's project folders, and plain tables."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from seqlab.analysis.tables import read_rows
from seqlab.analysis.trials import Trials
from seqlab.errors import DataError, SettingsError, suggest
from seqlab.studies import STUDY, Condition, Objective, Parameter, Study, Trial, read

ORACLE = "oracle.json"


@dataclass(frozen=True)
class Columns:
    """What the columns of a plain table, or the metrics of a Keras Tuner project, are.

    Attributes:
        score: The score; of a Keras Tuner project its objective, if none is named.
        direction: `min` or `max`; of a metric what Keras Tuner says, of a table `min`, if it is not given.
        test: The same figure on test data; of a metric its value at the step of the best score.
        seconds: How long a trial took.
        weights: How many weights it had.
        parameters: The hyperparameters; those named `hp.NAME`, or all other columns of a table, if none are named.
        log: Those whose range is on a logarithmic scale, beside those that look like it.
    """

    score: str | None = None
    direction: Literal["min", "max"] | None = None
    test: str | None = None
    seconds: str | None = None
    weights: str | None = None
    parameters: tuple[str, ...] = ()
    log: tuple[str, ...] = ()


def read_trials(place: str | Path, columns: Columns | None = None) -> Trials:
    """Reads trials from a study's folder, a Keras Tuner project's folder, or a table (CSV with a header).

    Args:
        place: The folder or file.
        columns: What is what in a table or project. A study knows by itself.

    Raises:
        DataError: With file and line, for what cannot be read.
        SettingsError: For a column that there is not, or columns of a study.
    """
    path = Path(place)
    name = path.resolve().stem if path.is_file() else path.resolve().name
    if (path / STUDY).is_file():
        if columns not in (None, Columns()):
            raise SettingsError(f"{path} is a study, which knows its columns: name none of them.")
        return Trials.of(read(path), name, str(path))
    if (path / ORACLE).is_file():
        return Trials.of(_project(path, columns or Columns()), name, str(path))
    if path.is_file():
        return Trials.of(_table(path, columns or Columns()), name, str(path))
    raise DataError(
        f"expected the folder of a study (with {STUDY}), of a Keras Tuner project (with {ORACLE}), or a CSV file.",
        str(path),
    )


def _table(path: Path, columns: Columns) -> Study:
    rows = read_rows(path)
    score = columns.score or "score"
    rows.known(score, "score")
    roles = {role: rows.known(getattr(columns, role), role) for role in ("test", "seconds", "weights")}
    for name in (*columns.parameters, *columns.log):
        rows.known(name, "parameters")
    used = {score, "trial", "status", "error", "seed", "epochs", *(name for name in roles.values() if name)}
    names = columns.parameters or tuple(name for name in rows.names if name.startswith("hp."))
    names = names or tuple(name for name in rows.names if name not in used)
    space = tuple(rows.parameter(name, name in columns.log) for name in names)
    trials = []
    for number, line in enumerate(rows.lines):
        found = rows.number(score, number)
        status = rows.cells["status"][number].strip().lower() if "status" in rows.names else "completed"
        if status not in ("failed", "timed_out", "diverged"):
            status = "completed" if math.isfinite(found) else "diverged"
        values = {item.name: value for item in space if (value := rows.value(item, number)) is not None}
        numbers: dict[str, Any] = {role: rows.number(name, number) for role, name in roles.items() if name}
        trials.append(Trial(str(line), status, values, found, **numbers))
    return Study(Objective(score, columns.direction or "min"), _short(space), trials=tuple(map(_short_trial, trials)))


def _short(space: tuple[Parameter, ...]) -> tuple[Parameter, ...]:
    return tuple(Parameter(**{**vars(item), "name": item.name.removeprefix("hp.")}) for item in space)


def _short_trial(trial: Trial) -> Trial:
    return Trial(**{**vars(trial), "values": {name.removeprefix("hp."): v for name, v in trial.values.items()}})


def _project(path: Path, columns: Columns) -> Study:
    """A Keras Tuner project: the space from its oracle, each trial from a file of its own."""
    if columns.parameters or columns.log:
        raise SettingsError(f"{path} is a Keras Tuner project, which knows its parameters and ranges: name none.")
    space = tuple(_parameter(item, path / ORACLE) for item in _json(path / ORACLE, _space_of))
    runs = [_json(file, _run) for file in sorted(path.glob("trial_*/trial.json"))]
    runs = [run for run in runs if run.status not in ("RUNNING", "IDLE")]
    score, direction = _objective(runs, columns, path)
    roles = {role: name for role in ("test", "seconds", "weights") if (name := getattr(columns, role)) is not None}
    trials = []
    for run in runs:
        value, step = run.best(score, direction) if columns.score else (run.score, run.step)
        fine = run.status in ("COMPLETED", "STOPPED")
        if value is not None and math.isfinite(value):
            status = "completed" if fine else "failed"
        else:  # it tries again where a score is no number, and gives the trial up as failed in the end
            status = "diverged" if fine or value is not None else "failed"
        numbers: dict[str, Any] = {role: run.at(name, step if role == "test" else None) for role, name in roles.items()}
        trials.append(Trial(run.name, status, run.values, value, error=run.message, **numbers))
    return Study(Objective(score, direction), space, trials=tuple(trials))


class _Run(NamedTuple):
    """What Keras Tuner writes of a trial; of each metric the mean over executions by step."""

    name: str
    status: str
    score: float | None
    step: int | None
    values: dict[str, Any]
    metrics: dict[str, dict[int, float]]
    directions: dict[str, str]
    message: str

    def best(self, name: str, direction: str) -> tuple[float | None, int | None]:
        """The best value of a metric and its step; NaN where none is finite, `None` where there is none."""
        steps = self.metrics.get(name, {})
        finite = {step: value for step, value in steps.items() if math.isfinite(value)}
        if not finite:
            return (math.nan if steps else None), None
        step = (min if direction == "min" else max)(finite, key=lambda step: finite[step])
        return finite[step], step

    def at(self, name: str, step: int | None) -> float | None:
        """The value of a metric at a step, or at the last one where it has none of that step."""
        steps = self.metrics.get(name, {})
        return steps[step if step in steps else max(steps)] if steps else None


def _run(found: dict[str, Any]) -> _Run:
    values = {key: value for key, value in found["hyperparameters"]["values"].items() if not key.startswith("tuner/")}
    metrics = found["metrics"]["metrics"]
    steps = {
        name: {one["step"]: sum(one["value"]) / len(one["value"]) for one in metric["observations"] if one["value"]}
        for name, metric in metrics.items()
    }
    directions = {name: metric["direction"] for name, metric in metrics.items()}
    head = found["trial_id"], found["status"], found["score"], found.get("best_step")
    return _Run(*head, values, steps, directions, found.get("message") or "")


def _objective(runs: list[_Run], columns: Columns, path: Path) -> tuple[str, str]:
    """The name of the score and its direction. Keras Tuner does not keep it: it is the metric that equals the score."""
    known = {name: direction for run in runs for name, direction in run.directions.items()}
    for name in (columns.score, columns.test, columns.seconds, columns.weights):
        if name is not None and name not in known:
            raise SettingsError(
                f"{path}: no trial has a metric {name!r}; expected one of {', '.join(known)}.{suggest(name, known)}"
            )
    if columns.score is not None:
        return columns.score, columns.direction or known[columns.score]
    scored = [run for run in runs if run.score is not None and math.isfinite(run.score)]
    same = [name for name in known if scored and all(run.best(name, known[name])[0] == run.score for run in scored)]
    if len(same) == 1 or same and len({known[name] for name in same}) == 1:
        return same[0], columns.direction or known[same[0]]
    if columns.direction is not None:
        return "score", columns.direction
    raise DataError(
        f"which of its metrics ({', '.join(known) or 'none'}) is the objective cannot be told: name it as "
        "the score, or say the direction, min or max.",
        str(path),
    )


def _space_of(found: dict[str, Any]) -> Any:
    return [item for item in found["hyperparameters"]["space"] if not item["config"]["name"].startswith("tuner/")]


def _parameter(item: dict[str, Any], path: Path) -> Parameter:
    kind, config = item["class_name"].lower(), item["config"]
    if kind not in ("float", "int", "choice", "boolean", "fixed"):
        raise DataError(f"hyperparameter {config['name']!r} is of the unknown class {item['class_name']!r}.", str(path))
    conditions = tuple(
        Condition(one["config"]["name"], tuple(one["config"]["values"])) for one in config.get("conditions") or ()
    )
    values = tuple(config.get("values") or ([config["value"]] if kind == "fixed" else ()))
    low, high = config.get("min_value"), config.get("max_value")
    return Parameter(config["name"], kind, low, high, config.get("sampling"), config.get("step"), values, conditions)


def _json(path: Path, part: Callable[[dict[str, Any]], Any]) -> Any:
    """A part of a JSON file; a file that is damaged or lacks what it should hold is named."""
    try:
        return part(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"not as Keras Tuner writes it ({type(error).__name__}: {error}). Was it cut off? Remove the trial's "
            "folder, or restore it.",
            str(path),
        ) from error
