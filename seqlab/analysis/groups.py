"""The part of a report that compares groups of trials, as variants of a cell: winners, tests, boxes, importances."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from seqlab.analysis import plots
from seqlab.analysis.comparison import Comparison, Values, best, boxes, compare
from seqlab.analysis.fanova import Importance
from seqlab.analysis.findings import Findings, on_test
from seqlab.analysis.trials import Trials
from seqlab.errors import DataError, SettingsError

COLUMNS = ("", "n", "mean", "difference", "t", "freedom", "p", "p corrected", "detectable", "verdict")


def add_winners(findings: Findings, groups: Mapping[str, Trials]) -> None:
    """Adds the trial with the best validation score of each group, and its test value."""
    rows: list[list[Any]] = []
    for name, trials in groups.items():
        if trials.without_score == len(trials):
            rows.append([name, len(trials), trials.diverged, "-", "-", "-"])
            continue
        winner = best(trials, 1 / len(trials))
        values = {key: found[0] for key, found in winner.values.items() if found[0] is not None}
        numbers = [_number(winner.numbers[column][0]) for column in ("score", "test")]
        told = ", ".join(
            f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in values.items()
        )
        rows.append([name, len(trials), trials.diverged, *numbers, told])
    findings.document.table(["best by score", "trials", "diverged", "score", "its test", "values"], rows)


def add_tests(findings: Findings, trials: Trials, groups: Mapping[str, Trials], file: str) -> None:
    """Adds boxes of all trials and of the best ones, and the tests of the best ones against the baseline.

    Test values are compared; validation scores, with a word about it, where no trial has a test value. A group that
    cannot be tested becomes a note; only where it is the baseline there are no tests.
    """
    options, objective = findings.options, trials.objective[0]
    tested = bool(np.isfinite(trials.numbers["test"]).any())
    column: Values = "test" if tested else "score"
    baseline = options.baseline or next(iter(groups))
    findings.document.heading(f"{options.group} against {baseline}", 3)
    rows = {"all trials": boxes(groups, column)}
    found: list[Comparison] = []
    try:
        skipped: list[DataError] = []
        found = compare(groups, baseline, options.best, column, options.alpha, options.power, skipped)
        for missing in skipped:
            findings.note(f"no test: {missing}")
        tried = {name: groups[name] for name in groups if name in {baseline, *(one.name for one in found)}}
        rows[f"best {options.best:.0%} by validation score"] = boxes(tried, column, options.best)
    except DataError as error:
        findings.note(f"no tests: {error}")
    if found:
        what = "test values" if tested else "validation scores (there are no test values)"
        findings.document.text(
            f"Welch's t-tests of the {what} of the best {options.best:.0%} of each group by validation score; p times "
            f"{len(groups) - 1} (Bonferroni) against {options.alpha:g}. Detectable: the true difference that such a "
            f"test finds with a chance of {options.power:.0%}."
        )
        reference = best(groups[baseline], options.best).numbers[column]
        table = [[baseline, len(reference), f"{reference.mean():.4g}", *["-"] * 7], *map(_row, found)]
        findings.document.table(COLUMNS, table)
        exact = [[baseline, len(reference), reference.mean(), *[""] * 7], *map(_exact, found)]
        findings.rows["tests"] += [[trials.name, *row] for row in exact]
    marked = [one.name for one in found if one.verdict != "not different"]
    label = on_test(objective) if tested else objective
    caption = (
        f"{label}: the middle half of the trials, whiskers to the last ones, median (line) and mean (dot); in colour: "
        f"different from {baseline}. Grey: mean number of weights.{findings.capped}"
    )
    if options.cap is not None:
        caption += " So it counts in these means; below the names stands how often."
    figure = plots.draw_boxes(rows, label, marked, options.drawn(trials.sign))
    findings.document.figure(file, figure, caption)


def add_importances(findings: Findings, groups: Mapping[str, Trials], study: str = "") -> dict[str, Importance]:
    """Adds the shares within each group; returns them by the group's name (and the study's, if one is given).

    A group of which none can be made, as of fewer than 10 trials, becomes a note.
    """
    options, found, counts = findings.options, {}, {}
    for name, trials in groups.items():
        label = f"{study}: {name}" if study else name
        try:
            sample = trials.sample(options.measure, options.diverged, options.cap)
            found[label], counts[label] = findings.fanova(sample, trials).importance(), len(sample.targets)
        except (DataError, SettingsError) as error:
            findings.note(f"no importances within {label}: {error}")
    names = list(dict.fromkeys(name for one in found.values() for name in one.names))
    rows = []
    for label, one in found.items():
        singles = [one.single(name) if name in one.names else None for name in names]
        cells = ["-" if share is None else f"{share.mean:.1%} ± {share.trees:.0%}" for share in singles]
        pairs, higher = one.higher(1).mean - one.higher().mean, one.higher().mean
        rows.append([label, counts[label], *cells, f"{pairs:.1%}", f"{higher:.1%}"])
        findings.shares(one, label, options.measure)
    if rows:
        findings.document.heading(f"Within each {options.group}", 3)
        findings.document.table(["", "trials", *names, "pairs", "higher order"], rows)
        findings.document.text("± one standard deviation over trees: the fewer the trials, the less a tree knows.")
    return found


def _row(one: Comparison) -> list[Any]:
    test, numbers = one.welch, [len(one.values), f"{one.values.mean():.4g}"]
    numbers += [f"{test.difference:+.4g}", f"{test.t:.2f}", f"{test.freedom:.1f}", f"{test.p:.2g}"]
    return [one.name, *numbers, f"{one.corrected:.2g}", f"{one.detectable:.4g}", one.verdict]


def _exact(one: Comparison) -> list[Any]:
    return [one.name, len(one.values), one.values.mean(), *one.welch, one.corrected, one.detectable, one.verdict]


def _number(value: float) -> str:
    return f"{value:.5g}" if np.isfinite(value) else "-"
