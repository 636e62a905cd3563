"""Compares studies of one recipe by several tuners at equal cost: the best score after the same trials or seconds.

    python scripts/compare_tuners.py studies/random studies/bayesian studies/guided

A row for each study and budget. The budgets are a quarter, a half and all of what the cheapest study took, in trials
and in seconds of training. A trial counts once it has ended; one that fails costs what it took. A second table has the
median score of the trials after the first third, which the Bayesian tuner draws at random.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from seqlab import studies
from seqlab.errors import SeqlabError

SHARES = (0.25, 0.5, 1.0)


def best_after(
    study: studies.Study, trials: float = float("inf"), seconds: float = float("inf")
) -> studies.Trial | None:
    """The best of the trials that a budget pays for, in the order in which they ended."""
    spent, paid = 0.0, []
    for trial in study.trials:
        spent += trial.seconds or 0.0
        if len(paid) + 1 > trials or spent > seconds * (1 + 1e-9):
            break
        paid.append(trial)
    ranked = studies.Study(study.objective, study.space, trials=tuple(paid)).ranked()
    return ranked[0] if ranked else None


def rows(found: dict[str, studies.Study]) -> list[tuple[str, ...]]:
    """The table, without its header."""
    trials = min(len(study.trials) for study in found.values())
    seconds = min(sum(trial.seconds or 0.0 for trial in study.trials) for study in found.values())
    table = []
    for share in SHARES:
        count = max(1, int(share * trials))
        for budget, limits in (
            (f"{count} trials", {"trials": float(count)}),
            (f"{share * seconds:.0f} s", {"seconds": share * seconds}),
        ):
            for name, study in found.items():
                best = best_after(study, **limits)
                figures = (best.score, best.test) if best is not None else (None, None)
                shown = ("" if value is None else f"{value:.4f}" for value in figures)
                table.append((budget, name, study.tuner or "", *shown))
    return list(dict.fromkeys(table))  # shares of few trials may be the same number


def later_median(study: studies.Study) -> float | None:
    """The median score of the trials after the first third, of those that have one."""
    found = [trial.score for trial in study.trials[len(study.trials) // 3 :] if trial.score is not None]
    return statistics.median(found) if found else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the arguments and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="folders of studies")
    options = parser.parse_args(arguments)
    try:
        found = {str(folder): studies.read(folder) for folder in options.folders}
    except SeqlabError as error:
        print(error, file=sys.stderr)
        return 1
    first = next(iter(found.values()))
    for name, study in found.items():
        if study.objective != first.objective or not study.trials:
            print(f"{name}: no trial, or another objective than {first.objective.name}.", file=sys.stderr)
            return 1
    header = ("budget", "study", "tuner", f"best {first.objective.name}", "its test")
    print("| " + " | ".join(header) + " |\n|" + "---|" * len(header))
    for row in rows(found):
        print("| " + " | ".join(row) + " |")
    print(f"\n| study | tuner | median {first.objective.name} after a third of the trials |\n|---|---|---|")
    for name, study in found.items():
        median = later_median(study)
        print(f"| {name} | {study.tuner or ''} | {'' if median is None else f'{median:.4f}'} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
