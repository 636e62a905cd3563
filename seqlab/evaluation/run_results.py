"""What many runs of several tasks reached: reads the tables to which `scripts/sc_lstm_tables.py` appends."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from seqlab.analysis.tables import Rows, read_rows
from seqlab.errors import DataError, SettingsError, suggest

PARTS = {"test": "test data", "dev": "development data"}
KEY = ("experiment", "model", "tasks", "task", "seed")
Item = TypeVar("Item")
Tasks = tuple[str, ...]
Score = dict[int, float]
"""Score by seed."""
Orders = dict[frozenset[str], Tasks]
"""The order of a set of tasks, as it stands in the first line that has them: others may name them in another."""


@dataclass(frozen=True)
class Result:
    """What one run reached in one of its tasks.

    Attributes:
        experiment: Runs of one name have all settings in common but model, tasks and seed.
        model: Name of the model.
        tasks: The tasks that it was trained on.
        task: The task.
        seed: The seed.
        scores: Score between 0 and 1 by part of the data; only parts that were scored.
    """

    experiment: str
    model: str
    tasks: Tasks
    task: str
    seed: int
    scores: dict[str, float]


@dataclass(frozen=True)
class Point:
    """What a run had reached in one of its tasks after an epoch, on development data; else as `Result`."""

    experiment: str
    model: str
    tasks: Tasks
    task: str
    seed: int
    epoch: int
    score: float


class Results:
    """Finds results by what was trained.

    Args:
        rows: The results.
        points: Their course.
        file: Where they come from, for errors.
    """

    def __init__(self, rows: Sequence[Result], points: Sequence[Point] = (), file: str = "") -> None:
        self.rows = list(rows)
        self.points = list(points)
        self.file = file

    @property
    def experiments(self) -> list[str]:
        """The experiments, in the table's order."""
        return _distinct(row.experiment for row in self.rows)

    def of(self, experiment: str) -> Results:
        """Returns one experiment's results."""
        return Results(
            [row for row in self.rows if row.experiment == experiment],
            [point for point in self.points if point.experiment == experiment],
            self.file,
        )

    @property
    def models(self) -> list[str]:
        """The models, in the table's order."""
        return _distinct(row.model for row in self.rows)

    @property
    def tasks(self) -> Tasks:
        """All tasks."""
        return tuple(_distinct(task for row in self.rows for task in row.tasks))

    def sets(self, *models: str) -> list[Tasks]:
        """The sets of tasks that models were trained on, all models' by default."""
        return _distinct(row.tasks for row in self.rows if not models or row.model in models)

    def check_model(self, name: str, role: str) -> None:
        """Refuses a model that no result is of.

        Raises:
            SettingsError: If so.
        """
        if name not in self.models:
            raise SettingsError(
                f"{self.file}: there is no model {name!r} for {role}; expected one of {', '.join(self.models)}."
                f"{suggest(name, self.models)}"
            )

    def scores(self, model: str, tasks: Tasks, task: str, part: str) -> Score:
        """Returns the score of each seed."""
        return {
            row.seed: row.scores[part]
            for row in self.rows
            if (row.model, row.tasks, row.task) == (model, tasks, task) and part in row.scores
        }

    def curve(self, model: str, tasks: Tasks, task: str) -> dict[int, Score]:
        """Returns the score of each seed after each epoch, epochs counted from 1."""
        found: dict[int, Score] = {}
        for point in self.points:
            if (point.model, point.tasks, point.task) == (model, tasks, task):
                found.setdefault(point.epoch, {})[point.seed] = point.score
        return dict(sorted(found.items()))

    def set_alone(self, model: str, tasks: Tasks, task: str) -> Tasks:
        """Returns with which tasks a model whose tasks share nothing learnt one: those given, or else the fewest."""
        own = [found for found in self.sets(model) if task in found]
        return tasks if tasks in own or not own else min(own, key=len)


def read_results(path: str | Path, curves: str | Path | None = None) -> Results:
    """Reads a table of results, and their curves where there are any.

    Args:
        path: A CSV file with the columns experiment, model, tasks (names, spaces between them), task, seed, dev and
            test: scores in per cent, empty where there is none. The tasks may stand in any order. Other columns are
            not read.
        curves: A CSV file with the columns experiment, model, tasks, task, seed, epoch and dev.

    Raises:
        DataError: With file and line, for a missing column, a cell that makes no sense, two lines of one result, or a
            curve of a model, task or set of tasks that the results do not have.
    """
    rows = _rows(path, ("dev", "test"))
    orders: Orders = {}
    results = Results([_result(rows, number, orders) for number in range(len(rows.lines))], (), str(path))
    _check_once(rows, KEY, results.rows)
    if curves is None:
        return results
    rows = _rows(curves, ("epoch", "dev"))
    results.points = [_point(rows, number, orders, results) for number in range(len(rows.lines))]
    _check_once(rows, (*KEY, "epoch"), results.points)
    return results


def _rows(path: str | Path, others: Sequence[str]) -> Rows:
    rows = read_rows(path)
    missing = [name for name in (*KEY, *others) if name not in rows.names]
    if missing:
        raise DataError(
            f"there is no column {', '.join(missing)}; expected {', '.join((*KEY, *others))}, received "
            f"{', '.join(rows.names)}.",
            rows.file,
            1,
        )
    return rows


def _key(rows: Rows, number: int, orders: Orders) -> tuple[str, str, Tasks, str, int]:
    experiment, model, tasks, task = (rows.cells[name][number].strip() for name in KEY[:-1])
    names = tuple(tasks.split())
    if not experiment or not model or task not in names or len(set(names)) < len(names):
        raise DataError(
            "expected an experiment, a model, distinct tasks and one of these as task; received "
            f"{experiment!r}, {model!r}, {tasks!r} and {task!r}.",
            rows.file,
            rows.lines[number],
        )
    return experiment, model, orders.setdefault(frozenset(names), names), task, _whole(rows, "seed", number, 0)


def _result(rows: Rows, number: int, orders: Orders) -> Result:
    scores = {part: _score(rows, part, number) for part in PARTS}
    return Result(*_key(rows, number, orders), {part: value for part, value in scores.items() if value is not None})


def _point(rows: Rows, number: int, orders: Orders, results: Results) -> Point:
    experiment, model, tasks, task, seed = _key(rows, number, orders)
    known = results.of(experiment)
    sets = [" ".join(one) for one in known.sets(model)]
    for name, received, expected in (
        ("model", model, known.models),
        ("task", task, known.tasks),
        (f"model {model!r} on the tasks", " ".join(tasks), sets),
    ):
        if received not in expected:
            raise DataError(
                f"{results.file} has no result of the {name} {received!r} in the experiment {experiment!r}; expected "
                f"one of {', '.join(expected) or 'none'}.{suggest(received, expected)}",
                rows.file,
                rows.lines[number],
            )
    score = _score(rows, "dev", number)
    if score is None:
        raise DataError("column 'dev': empty, expected a score in per cent.", rows.file, rows.lines[number])
    return Point(experiment, model, tasks, task, seed, _whole(rows, "epoch", number, 1), score)


def _whole(rows: Rows, name: str, number: int, least: int) -> int:
    value = rows.number(name, number)
    if not (value >= least and value.is_integer()):
        text = rows.cells[name][number]
        raise DataError(
            f"column {name!r}: expected a whole number of at least {least}, received {text!r}.",
            rows.file,
            rows.lines[number],
        )
    return int(value)


def _score(rows: Rows, name: str, number: int) -> float | None:
    value = rows.number(name, number)
    if math.isnan(value) and not rows.cells[name][number].strip():
        return None
    if not 0 <= value <= 100:
        raise DataError(
            f"column {name!r}: expected a score from 0 to 100, received {rows.cells[name][number]!r}.",
            rows.file,
            rows.lines[number],
        )
    return value / 100


def _check_once(rows: Rows, key: Sequence[str], items: Sequence[Any]) -> None:
    """Refuses two lines of one result by what they say, however it is written."""
    seen: dict[tuple[Any, ...], int] = {}
    for item, line in zip(items, rows.lines, strict=True):
        found = tuple(getattr(item, name) for name in key)
        if found in seen:
            raise DataError(f"the same {', '.join(key)} as in line {seen[found]}; leave one of them.", rows.file, line)
        seen[found] = line


def _distinct(items: Iterable[Item]) -> list[Item]:
    return list(dict.fromkeys(items))
