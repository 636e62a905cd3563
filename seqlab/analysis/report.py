"""The whole analysis of studies as a report: tables, tests, pictures, and what they rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from seqlab.analysis import plots
from seqlab.analysis.document import Document
from seqlab.analysis.fanova import Fanova, Importance
from seqlab.analysis.findings import Findings, Options
from seqlab.analysis.groups import add_importances, add_tests, add_winners
from seqlab.analysis.trials import Trials
from seqlab.errors import DataError, SettingsError


def analyse(studies: Sequence[Trials], options: Options | None = None) -> Findings:
    """Analyses studies; `write` of what it returns writes the report.

    Args:
        studies: Their trials. Each has a part of the report of its own, and a bar in the figure of importances.
        options: How.

    Raises:
        DataError: For a study of which no analysis of variance can be made: fewer than 10 trials, scores that are all
            the same, none that is finite. What cannot be done for a group, or a test, is in the `notes`.
        SettingsError: For options that contradict themselves or the study, and studies of one name.
    """
    options = options or Options()
    options.check()
    names = [trials.name for trials in studies]
    if len(set(names)) < len(names):
        raise SettingsError(f"studies must have names of their own, received {', '.join(names)}: rename a folder.")
    findings = Findings(options, Document(f"Analysis of {', '.join(names)}"))
    bars: dict[str, Importance] = {}
    for number, trials in enumerate(studies, 1):
        bars.update(_study(findings, trials, f"{number}-" if len(studies) > 1 else ""))
    findings.document.heading("Importances")
    figure = plots.draw_importances(bars)
    findings.document.figure("importances.png", figure, f"Shares of the variance of the {options.measure}.")
    findings.document.heading("How this was computed")
    for text in _method(options):
        findings.document.text(text)
    return findings


def _study(findings: Findings, trials: Trials, prefix: str) -> dict[str, Importance]:
    """One study's part of the report; returns the bars of its importances."""
    options, document = findings.options, findings.document
    objective, direction = trials.objective
    document.heading(trials.name)
    document.text(f"{trials.file}: {trials}. Score: {objective}, the {direction}imum is best.")
    groups = trials.groups(options.group) if options.group else {trials.name: trials}
    add_winners(findings, groups)
    if options.group:
        add_tests(findings, trials, groups, f"{prefix}boxes.png")
    sample = trials.sample(options.measure, options.diverged, options.cap)
    forest = findings.fanova(sample, trials)
    found = forest.importance()
    document.heading(f"What explains the {options.measure}", 3)
    document.text(f"Analysis of variance over {sample.note}.")
    findings.importance(found, trials.name, options.measure)
    bars = {trials.name: found}
    if options.group:
        bars |= add_importances(findings, groups, trials.name if prefix else "")
    times = _times(findings, trials)
    _marginals(findings, trials, forest, times, f"{prefix}marginals.png", sample.note)
    _pairs(findings, trials, forest, found, f"{prefix}pairs.png", sample.note)
    if options.group:
        _within(findings, trials, groups[options.baseline or next(iter(groups))], prefix)
    if np.isfinite(trials.numbers["seconds"]).any():
        figure = plots.draw_times(groups, objective, options.drawn(trials.sign))
        caption = f"{objective} against the time of each trial that did not diverge.{findings.capped}"
        document.figure(f"{prefix}times.png", figure, caption)
    return bars


def _within(findings: Findings, trials: Trials, group: Trials, prefix: str) -> None:
    """Marginals and pairs of the baseline's trials alone, where the other groups move nothing."""
    options, name = findings.options, group.name
    group = replace(group, name=f"{trials.name}: {name}")
    try:
        sample = group.sample(options.measure, options.diverged, options.cap)
        forest = findings.fanova(sample, group)
        found = forest.importance()
    except (DataError, SettingsError) as error:
        findings.note(f"no marginals within {name}: {error}")
        return
    times = None
    if np.isfinite(group.numbers["seconds"]).any():
        try:
            times = findings.fanova(group.sample("seconds"), group)
        except DataError as error:
            findings.note(f"no analysis of times within {name}: {error}")
    _marginals(findings, group, forest, times, f"{prefix}baseline-marginals.png", sample.note, f" within {name}")
    _pairs(findings, group, forest, found, f"{prefix}baseline-pairs.png", sample.note, f" within {name}")


def _times(findings: Findings, trials: Trials) -> Fanova | None:
    """What explains the time, where there are times; returns its forest."""
    if not np.isfinite(trials.numbers["seconds"]).any():
        return None
    findings.document.heading("What explains the time", 3)
    try:
        sample = trials.sample("seconds")
        forest = findings.fanova(sample, trials)
        found = forest.importance()
    except DataError as error:
        findings.note(f"no analysis of times: {error}")
        return None
    findings.document.text(f"Analysis of variance over {sample.note}.")
    findings.importance(found, trials.name, "seconds")
    return forest


def _marginals(
    findings: Findings, trials: Trials, score: Fanova, time: Fanova | None, file: str, note: str, where: str = ""
) -> None:
    """What is predicted along each hyperparameter."""
    curves = [score.marginal(name) for name in score.names]
    times = [] if time is None else [time.marginal(name) for name in time.names]
    for measure, found in ((findings.options.measure, curves), ("seconds", times)):
        for one in found:
            points = zip(one.values, one.mean, one.spread, strict=True)
            findings.rows["marginals"] += [[trials.name, measure, one.name, *point] for point in points]
    figure = plots.draw_marginals(curves, times, findings.options.label(trials.objective[0]), _logs(trials))
    findings.document.heading(f"Marginals{where}", 3)
    findings.document.figure(
        file,
        figure,
        f"Predicted {findings.options.measure} (blue){' and seconds (orange)' if times else ''}, averaged over all "
        f"other hyperparameters; one standard deviation over trees. Over {note}.",
    )


def _pairs(
    findings: Findings, trials: Trials, forest: Fanova, found: Importance, file: str, note: str, where: str = ""
) -> None:
    """The pairs whose interaction explains most, but for those with the hyperparameter that makes the groups."""
    pairs = [pair for pair in found.pairs if findings.options.group not in pair]
    ranked = sorted(((found.pair(*pair).mean, pair) for pair in pairs), reverse=True)
    drawn = [(forest.pair(*pair, points=40), share) for share, pair in ranked[: findings.options.pairs]]
    if drawn:
        figure = plots.draw_pairs(drawn, findings.options.label(trials.objective[0]), _logs(trials))
        findings.document.heading(f"Pairs{where}", 3)
        findings.document.figure(
            file,
            figure,
            f"Predicted over two hyperparameters, and the part of it that is their interaction alone. Over {note}.",
        )


def _logs(trials: Trials) -> list[str]:
    return [item.name for item in trials.parameters if item.sampling == "log"]


def _method(options: Options) -> list[str]:
    """What the figures rest on, in words."""
    if options.diverged == "leave_out":
        fate = "are left out"
    else:
        fate = "count as the worst finite one" if options.cap is None else f"count as {options.cap:g}"
    if options.cap is not None:
        fate += f", and values worse than {options.cap:g} count as it"
    return [
        f"Functional analysis of variance (Hutter, Hoos & Leyton-Brown 2014), exact for each of {options.trees} "
        f"regression trees with at least {options.leaf} trials in a leaf (seed {options.seed}). Over trees: standard "
        "deviation of the trees' shares. Over forests: that of the means of forests of as many trees. Neither tells "
        "what other trials would have given. The measure is that by which values are drawn: uniform, log-uniform, or "
        "equal for each value. A hyperparameter that is not active in a trial gets a value drawn anew for each tree; "
        "one that never varies has no share.",
        "Trials that failed or ran out of time count nowhere. Trials without a finite score have diverged. In the "
        f"analysis of variance of the {options.measure} their values {fate}; they count among the trials of which the "
        "best fraction is taken, and rank last. Boxes leave them out; their numbers stand below the names. A trial "
        "that diverged after epochs with a score counts with the best of these. Of the time all trials that diverged "
        "are left out, for they stopped early; seconds are what the study recorded as such, by whatever clock.",
    ]
