"""`seqlab report`: the tables and figures of many runs of several tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from seqlab.errors import SettingsError


@dataclass(frozen=True)
class Report:
    """Writes a report on runs of several tasks: scores by model, differences, curves, what other tasks bring.

    RESULTS is a CSV file with the columns experiment, model, tasks (names, spaces between them), task, seed, dev and
    test (scores in per cent), as scripts/sc_lstm_tables.py writes it.
    """

    results: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(help="CSV file")]
    output: Annotated[Path, tyro.conf.arg(help="folder to write; an earlier report there is replaced")]
    curves: Annotated[
        Path | None, tyro.conf.arg(help="CSV file with the first five columns, epoch and dev, for the curves")
    ] = None
    model: Annotated[str | None, tyro.conf.arg(help="model that is compared with all others; else sc_lstm")] = None
    alone: Annotated[
        str | None, tyro.conf.arg(help="model whose tasks share nothing, so that each is learnt alone; else stl")
    ] = None
    level: Annotated[float, tyro.conf.arg(help="confidence of the intervals over seeds")] = 0.95


def main(arguments: Sequence[str]) -> int:
    """Parses the arguments, writes the report and prints its tables."""
    options = tyro.cli(Report, args=list(arguments), prog="seqlab report")

    for path in (options.results, options.curves):
        if path is not None and path.resolve().is_relative_to(options.output.resolve()):
            raise SettingsError(f"{path} lies in {options.output}, which would be replaced: name another --output.")

    from seqlab.analysis.document import REPORT
    from seqlab.evaluation.run_report import report_runs
    from seqlab.evaluation.run_results import read_results

    results = read_results(options.results, options.curves)
    try:
        made = report_runs(results, options.model, options.alone, options.level)
    except ImportError as error:  # the extra is not installed: the message says how
        raise SettingsError(str(error)) from error
    made.write(options.output)
    print(made.document.plain())
    print(f"report: {options.output / REPORT}")
    return 0
