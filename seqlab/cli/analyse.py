"""`seqlab analyse`: tells what hyperparameters matter in a study, and whether its groups differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from seqlab.errors import SettingsError


@dataclass(frozen=True)
class Analyse:
    """Writes a report on studies: importances of hyperparameters, marginals, interactions, tests of groups, figures.

    A study is the folder of `seqlab tune`, the project folder of a Keras Tuner search, or a CSV file with a header,
    whose columns are named by the flags --score to --log (of a Keras Tuner project they name metrics).
    """

    studies: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(help="folders or CSV files")]
    output: Annotated[Path, tyro.conf.arg(help="folder to write; an earlier report there is replaced")]
    group: Annotated[str | None, tyro.conf.arg(help="hyperparameter whose values are compared, as `variant`")] = None
    baseline: Annotated[str | None, tyro.conf.arg(help="value that others are compared with; else the first")] = None
    best: Annotated[float, tyro.conf.arg(help="fraction of each group's trials, best by score, to test")] = 0.1
    alpha: Annotated[float, tyro.conf.arg(help="chance of any false finding among the tests")] = 0.05
    power: Annotated[float, tyro.conf.arg(help="chance to find the detectable difference")] = 0.8
    measure: Annotated[Literal["score", "test"], tyro.conf.arg(help="whose variance is explained")] = "score"
    diverged: Annotated[
        Literal["worst", "leave_out"],
        tyro.conf.arg(help="trials that diverged count in that as the worst value (or --cap), or not at all"),
    ] = "worst"
    cap: Annotated[
        float | None, tyro.conf.arg(help="worst value that counts in it, and that figures show, such as chance")
    ] = None
    trees: Annotated[int, tyro.conf.arg(help="trees of each forest")] = 100
    leaf: Annotated[int, tyro.conf.arg(help="least number of trials in a leaf")] = 3
    pairs: Annotated[int, tyro.conf.arg(help="how many pairs to draw, those that interact most")] = 6
    seed: Annotated[int, tyro.conf.arg(help="of the forests")] = 1
    jobs: Annotated[int | None, tyro.conf.arg(help="threads; all cores if not given")] = None
    score: Annotated[str | None, tyro.conf.arg(help="column of the score")] = None
    direction: Annotated[Literal["min", "max"] | None, tyro.conf.arg(help="which score is best; min for a table")] = (
        None
    )
    test: Annotated[str | None, tyro.conf.arg(help="column of the same figure on test data")] = None
    seconds: Annotated[str | None, tyro.conf.arg(help="column of how long a trial took")] = None
    weights: Annotated[str | None, tyro.conf.arg(help="column of how many weights it had")] = None
    parameters: Annotated[
        list[str], tyro.conf.arg(help="columns of hyperparameters; those named hp.NAME, or all others, if not given")
    ] = field(default_factory=list)
    log: Annotated[list[str], tyro.conf.arg(help="columns whose range is logarithmic in any case")] = field(
        default_factory=list
    )


def main(arguments: Sequence[str]) -> int:
    """Parses the arguments, writes the report and prints the shares and tests."""
    options = tyro.cli(Analyse, args=list(arguments), prog="seqlab analyse")
    if not options.studies:
        raise SettingsError("name at least one study.")

    from seqlab.analysis.document import REPORT
    from seqlab.analysis.findings import Options
    from seqlab.analysis.reading import Columns, read_trials
    from seqlab.analysis.report import analyse

    columns = Columns(
        **{name: getattr(options, name) for name in ("score", "direction", "test", "seconds", "weights")},
        parameters=tuple(options.parameters),
        log=tuple(options.log),
    )
    trials = [read_trials(place, columns) for place in options.studies]
    chosen = Options(**{name: getattr(options, name) for name in Options.__dataclass_fields__})
    try:
        findings = analyse(trials, chosen)
    except ImportError as error:  # the extra is not installed: the message says how
        raise SettingsError(str(error)) from error
    findings.write(options.output)
    print(findings.document.plain())
    print(f"report: {options.output / REPORT}")
    return 0
