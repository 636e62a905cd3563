"""Tables of the results of several tasks: scores by model, differences, and what other tasks bring."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from seqlab.evaluation.resampling import LEVEL
from seqlab.evaluation.run_results import Results, Score, Tasks
from seqlab.evaluation.seeds import SeedDifference, Spread, seed_difference, spread


@dataclass(frozen=True)
class Cell:
    """Where the scores of one model in one task lie, over seeds.

    Attributes:
        model: The model.
        tasks: The tasks that it was trained on.
        task: The task.
        part: Part of the data.
        spread: The scores.
    """

    model: str
    tasks: Tasks
    task: str
    part: str
    spread: Spread


@dataclass(frozen=True)
class Ahead:
    """How far one model is ahead of another in one task.

    Attributes:
        model: The model.
        baseline: What it is compared with.
        tasks: The tasks that the model was trained on.
        task: The task.
        part: Part of the data.
        difference: The difference; `None` where no seed is in both.
    """

    model: str
    baseline: str
    tasks: Tasks
    task: str
    part: str
    difference: SeedDifference | None


def cells(results: Results, part: str) -> list[Cell]:
    """Returns the cells of the table of an experiment: models by tasks, the paper's Table 3."""
    found = []
    for model in results.models:
        for tasks in results.sets(model):
            for task in tasks:
                scores = results.scores(model, tasks, task, part)
                if scores:
                    found.append(Cell(model, tasks, task, part, spread(scores.values())))
    return found


def differences(results: Results, part: str, model: str, alone: str, level: float = LEVEL) -> list[Ahead]:
    """Returns how far a model is ahead of each other one that was trained on the same tasks.

    Args:
        results: Those of one experiment.
        part: Part of the data.
        model: The model.
        alone: The model whose tasks share nothing: its scores stand for any set of tasks.
        level: The confidence of intervals.
    """
    found = []
    for baseline in results.models:
        for tasks in results.sets(model):
            for task in tasks:
                theirs = results.set_alone(baseline, tasks, task) if baseline == alone else tasks
                one = results.scores(model, tasks, task, part)
                other = results.scores(baseline, theirs, task, part)
                if baseline != model and one and other:
                    found.append(Ahead(model, baseline, tasks, task, part, seed_difference(one, other, level)))
    return found


def gains(results: Results, part: str, alone: str, level: float = LEVEL) -> list[Ahead]:
    """Returns what training with other tasks brings to each task: its score with them minus that without, Figure 4.

    Args:
        results: Those of one experiment.
        part: Part of the data.
        alone: The model whose tasks share nothing, whose score is that without.
        level: The confidence of intervals.
    """
    found = []
    for model in results.models:
        if model != alone:
            found += [one for one in differences(results, part, model, alone, level) if one.baseline == alone]
    return [one for one in found if len(one.tasks) > 1]


def partners(tasks: Tasks, task: str) -> str:
    """Returns the tasks beside one, as text."""
    return " ".join(other for other in tasks if other != task)


@dataclass(frozen=True)
class Course:
    """The development score of a model after each epoch.

    Attributes:
        model: The model.
        tasks: The tasks that are learnt.
        task: The task; `None` for the mean of all of them.
        points: Score by seed after each epoch, from 1. A run that has stopped is in no later epoch.
    """

    model: str
    tasks: Tasks
    task: str | None
    points: dict[int, Score]

    def rows(self) -> Iterator[tuple[int, float, float, float, int]]:
        """Gives epoch, median, least and greatest score, and number of seeds."""
        for epoch, scores in self.points.items():
            values = list(scores.values())
            yield epoch, statistics.median(values), min(values), max(values), len(values)


def courses(results: Results, alone: str) -> list[Course]:
    """Returns the courses for each set of tasks, and each model that learnt it, Figure 3.

    Args:
        results: Those of one experiment.
        alone: The model whose tasks share nothing: it stands beside every set whose tasks it learnt.
    """
    found = []
    for tasks in results.sets():
        for model in results.models:
            curves = {}
            for task in tasks:
                theirs = results.set_alone(model, tasks, task) if model == alone else tasks
                curves[task] = results.curve(model, theirs, task)
            found += [Course(model, tasks, task, curve) for task, curve in curves.items() if curve]
            if len(tasks) > 1 and (mean := _mean(list(curves.values()))):
                found.append(Course(model, tasks, None, mean))
    return found


def _mean(curves: list[dict[int, Score]]) -> dict[int, Score]:
    """The mean over tasks, where all of them have a score."""
    found: dict[int, Score] = {}
    for epoch in sorted(set.intersection(*map(set, curves))):
        scores = [curve[epoch] for curve in curves]
        seeds = sorted(set.intersection(*map(set, scores)))
        if seeds:
            found[epoch] = {seed: statistics.fmean(one[seed] for one in scores) for seed in seeds}
    return found
