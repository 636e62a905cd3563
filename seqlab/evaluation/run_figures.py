"""Pictures of results of several tasks: scores by epoch, and what each combination of tasks brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seqlab.analysis.plots import colours, new_figure
from seqlab.evaluation.run_tables import Ahead, Course, partners


def draw_courses(courses: Sequence[Course]) -> Any:
    """Draws development scores by epoch: a row for each set of tasks, a panel for each task and for their mean.

    Lines are medians over seeds; the bands reach from the least to the greatest score.

    Args:
        courses: What `courses` returned, at least one.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    models = list(dict.fromkeys(course.model for course in courses))
    palette = dict(zip(models, colours(len(models)), strict=True))
    sets = list(dict.fromkeys(course.tasks for course in courses))
    width = max(len({course.task for course in courses if course.tasks == tasks}) for tasks in sets)
    figure = new_figure(3.6 * width, 0.8 + 2.8 * len(sets))
    handles: dict[str, Any] = {}
    for row, tasks in enumerate(sets):
        mine = [course for course in courses if course.tasks == tasks]
        for column, task in enumerate(dict.fromkeys(course.task for course in mine)):
            axes = figure.add_subplot(len(sets), width, row * width + column + 1)
            axes.set_title(f"{task or 'mean'}, trained on {' '.join(tasks)}", parse_math=False, fontsize="small")
            axes.set_xlabel("epoch")
            if not column:
                axes.set_ylabel("development score")
            for course in mine:
                if course.task == task:
                    epochs, median, low, high, _ = zip(*course.rows(), strict=True)
                    per_cent = [[100 * value for value in values] for values in (median, low, high)]
                    (handles[course.model],) = axes.plot(
                        epochs, per_cent[0], color=palette[course.model], marker=".", label=course.model
                    )
                    axes.fill_between(epochs, *per_cent[1:], color=palette[course.model], alpha=0.2, lw=0)
            axes.xaxis.get_major_locator().set_params(integer=True)
    _legend(figure, handles)
    return figure


def draw_gains(gains: Sequence[Ahead], part: str) -> Any:
    """Draws what the tasks beside it bring to each task: a panel for each, a bar for each set and model.

    Bars are means over seeds, lines their intervals, where there are two seeds or more.

    Args:
        gains: What `gains` returned, at least one with a difference.
        part: Name of the data.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    drawn = [one for one in gains if one.difference is not None]
    models = list(dict.fromkeys(one.model for one in drawn))
    tasks = list(dict.fromkeys(one.task for one in drawn))
    palette = dict(zip(models, colours(len(models)), strict=True))
    figure = new_figure(1.0 + 3.6 * len(tasks), 3.8)
    handles: dict[str, Any] = {}
    first = None
    for number, task in enumerate(tasks):
        axes = figure.add_subplot(1, len(tasks), number + 1, sharey=first)
        first = first or axes
        axes.set_title(task, parse_math=False)
        axes.axhline(0, color="black", lw=0.8)
        names = list(dict.fromkeys(partners(one.tasks, task) for one in drawn if one.task == task))
        thick = 0.8 / len(models)
        for one in drawn:
            if one.task != task or one.difference is None:
                continue
            place = names.index(partners(one.tasks, task)) + thick * (models.index(one.model) - (len(models) - 1) / 2)
            height = 100 * one.difference.mean
            handles[one.model] = axes.bar(place, height, width=thick, color=palette[one.model], label=one.model)
            if (interval := one.difference.interval) is not None:
                ends = [[height - 100 * interval.low], [100 * interval.high - height]]
                axes.errorbar(place, height, yerr=ends, color="black", capsize=3, fmt="none")
        axes.set_xticks(range(len(names)), [f"+ {name}" for name in names], parse_math=False)
        if not number:
            axes.set_ylabel(f"points against alone, {part}", parse_math=False)
    _legend(figure, handles)
    return figure


def _legend(figure: Any, handles: dict[str, Any]) -> None:
    legend = figure.legend(list(handles.values()), list(handles), loc="outside lower center", ncols=4)
    for text in legend.get_texts():
        text.set_parse_math(False)
