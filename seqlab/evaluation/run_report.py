"""A report on results of several tasks: Table 3 of the SC-LSTM paper, its Figures 3 and 4, and differences."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seqlab.analysis.document import Document, write_report
from seqlab.errors import SettingsError
from seqlab.evaluation.resampling import LEVEL
from seqlab.evaluation.run_figures import draw_courses, draw_gains
from seqlab.evaluation.run_results import PARTS, Results, Tasks
from seqlab.evaluation.run_tables import Ahead, Cell, cells, courses, differences, gains, partners

MODEL, ALONE = "sc_lstm", "stl"
HEADERS = {
    "scores": "experiment,part,model,tasks,task,seeds,median,min,max,mean,stdev",
    "differences": "experiment,part,model,baseline,tasks,task,seeds,difference,low,high,level",
    "gains": "experiment,part,model,alone,task,partners,seeds,difference,low,high,level",
    "curves": "experiment,tasks,model,task,epoch,seeds,median,min,max",
}


@dataclass
class RunReport:
    """What a report says, and its tables.

    Attributes:
        document: The report.
        tables: Rows of each CSV file by its name, the header first.
    """

    document: Document
    tables: dict[str, list[list[Any]]] = field(
        default_factory=lambda: {name: [list(text.split(","))] for name, text in HEADERS.items()}
    )

    def write(self, folder: str | Path) -> None:
        """Writes everything into a folder; see `seqlab.analysis.document.write_report`."""
        write_report(self.document, self.tables, folder)


def report_runs(
    results: Results, model: str | None = None, alone: str | None = None, level: float = LEVEL
) -> RunReport:
    """Reports on results: scores by model and task, differences, courses, and what combinations of tasks bring.

    Args:
        results: What `read_results` returned.
        model: The model that is compared with all others; `MODEL`, where there are results of it, if not given.
        alone: The model whose tasks share nothing, so that it learns each task as if it were alone; likewise `ALONE`.
        level: The confidence of intervals.

    Raises:
        SettingsError: For a model that no result is of, or a level that is none.
        ImportError: Without matplotlib, or without SciPy where there are several seeds.
    """
    if not 0 < level < 1:
        raise SettingsError(f"level lies between 0 and 1, as 0.95; received {level!r}.")
    for name, role in ((model, "--model"), (alone, "--alone")):
        if name is not None:
            results.check_model(name, role)
    model, alone = model or MODEL, alone or ALONE
    made = RunReport(Document(f"Results of {Path(results.file).name or 'several tasks'}"))
    for number, experiment in enumerate(results.experiments, 1):
        made.document.heading(experiment)
        one = results.of(experiment)
        for part, name in PARTS.items():
            _scores(made, experiment, one, part, name)
            if model in one.models:
                _differences(made, experiment, differences(one, part, model, alone, level), name)
            _gains(made, experiment, gains(one, part, alone, level), f"{number}-gains-{part}.png", name)
        _courses(made, experiment, one, alone, f"{number}-curves.png")
    made.document.heading("How this was computed")
    made.document.text(
        f"Scores are in per cent, differences in points. An interval ({100 * level:g}%) is that of Student's t over "
        "the differences of runs with the same seed: it says how the mean would vary with other seeds, on the same "
        "sentences. With one seed there is none. Standard deviations divide by the number of seeds minus 1."
    )
    return made


def _scores(made: RunReport, experiment: str, results: Results, part: str, name: str) -> None:
    """The table of models by tasks."""
    found = cells(results, part)
    if not found:
        return
    by_place = {(cell.model, cell.tasks, cell.task): cell for cell in found}
    rows = []
    for model, tasks in dict.fromkeys((cell.model, cell.tasks) for cell in found):
        texts = [_text(by_place.get((model, tasks, task))) for task in results.tasks]
        rows.append([_label(results, model, tasks), *texts])
    made.document.heading(f"Scores on {name}", 3)
    made.document.text("Median of the seeds; in brackets least and greatest, standard deviation and number of seeds.")
    made.document.table(["", *results.tasks], rows)
    made.tables["scores"] += [
        [
            *(experiment, part, cell.model, " ".join(cell.tasks), cell.task, len(cell.spread.values)),
            *map(_per_cent, (cell.spread.median, cell.spread.minimum, cell.spread.maximum, cell.spread.mean)),
            _per_cent(cell.spread.stdev),
        ]
        for cell in found
    ]


def _text(cell: Cell | None) -> str:
    if cell is None:
        return ""
    found = cell.spread
    if found.stdev is None:
        return f"{100 * found.median:.2f} (1 seed)"
    return (
        f"{100 * found.median:.2f} ({100 * found.minimum:.2f} to {100 * found.maximum:.2f}, sd "
        f"{100 * found.stdev:.2f}, {len(found.values)} seeds)"
    )


def _label(results: Results, model: str, tasks: Tasks) -> str:
    """The model, with its tasks where an experiment has several sets of them."""
    return model if len(results.sets()) == 1 else f"{model}: {' '.join(tasks)}"


def _differences(made: RunReport, experiment: str, found: list[Ahead], name: str) -> None:
    """How far one model is ahead of the others."""
    if not found:
        return
    made.document.heading(f"{found[0].model} minus the others on {name}", 3)
    made.document.table(
        ["", "tasks", "task", "difference"],
        [[f"minus {one.baseline}", " ".join(one.tasks), one.task, _difference(one)] for one in found],
    )
    made.tables["differences"] += [
        [experiment, one.part, one.model, one.baseline, " ".join(one.tasks), one.task, *_numbers(one)] for one in found
    ]


def _gains(made: RunReport, experiment: str, found: list[Ahead], file: str, name: str) -> None:
    """What each combination of tasks brings; nothing where there is a single one, which the differences tell."""
    if len({one.tasks for one in found}) < 2:
        return
    alone = found[0].baseline
    made.document.heading(f"With other tasks minus alone ({alone}) on {name}", 3)
    made.document.table(
        ["task", "with", "model", "difference"],
        [[one.task, f"+ {partners(one.tasks, one.task)}", one.model, _difference(one)] for one in found],
    )
    if any(one.difference is not None for one in found):
        made.document.figure(file, draw_gains(found, name), f"What other tasks bring to each task, on {name}.")
    made.tables["gains"] += [
        [experiment, one.part, one.model, alone, one.task, partners(one.tasks, one.task), *_numbers(one)]
        for one in found
    ]


def _courses(made: RunReport, experiment: str, results: Results, alone: str, file: str) -> None:
    """Scores by epoch."""
    found = courses(results, alone)
    if not found:
        made.document.text("There are no curves of these runs.")
        return
    made.document.heading("Convergence", 3)
    made.document.figure(
        file,
        draw_courses(found),
        "Score on development data after each epoch: median over the seeds, from the least to the greatest. A run that "
        "has stopped is in no later epoch.",
    )
    made.tables["curves"] += [
        [experiment, " ".join(one.tasks), one.model, one.task or "mean", epoch, seeds, *map(_per_cent, scores)]
        for one in found
        for epoch, *scores, seeds in one.rows()
    ]


def _difference(one: Ahead) -> str:
    return "no seed in common" if one.difference is None else str(one.difference)


def _numbers(one: Ahead) -> list[Any]:
    """Seeds, difference, ends of the interval and its level; what is not there is empty."""
    found = one.difference
    if found is None:
        return [0, "", "", "", ""]
    if found.interval is None:
        return [len(found.seeds), _per_cent(found.mean), "", "", ""]
    ends = found.interval
    return [len(found.seeds), *map(_per_cent, (found.mean, ends.low, ends.high)), ends.level]


def _per_cent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.4f}"
