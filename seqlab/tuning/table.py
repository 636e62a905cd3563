"""What a person sees of a search: the best trials so far, and at the end those that went wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seqlab import studies

BEST = 8  # trials in the table


def table(study: studies.Study, title: str = "", best: int = BEST) -> Any:
    """Returns the best trials as a table of `rich`, with their hyperparameters but for those that are fixed."""
    from rich.table import Table

    ranked = study.ranked()[:best]
    names = [item.name for item in study.space if item.kind != "fixed"]
    found = Table("trial", study.objective.name, "test", "epochs", "seconds", *names, title=title or None)
    for trial in ranked:
        cells = (trial.score, trial.test, trial.epochs, trial.seconds, *(trial.values.get(name) for name in names))
        found.add_row(trial.trial, *map(shown, cells))
    return found


def shown(value: studies.Value | None) -> str:
    """Returns a cell's text.

    >>> shown(0.000123456), shown(None), shown(True)
    ('0.0001235', '', 'True')
    """
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def summary(study: studies.Study) -> str:
    """Counts the trials by what came of them, and says of each that is not completed why."""
    counts = {status: sum(trial.status == status for trial in study.trials) for status in studies.STATUSES}
    listed = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in counts.items() if count)
    lines = [f"{len(study.trials)} trials{': ' if listed else ''}{listed}"]
    for trial in study.trials:
        if trial.status != "completed":
            lines.append(f"  trial {trial.trial}, {trial.status.replace('_', ' ')}: {trial.error}")
    return "\n".join(lines)


@contextmanager
def live(folder: Path, running: Callable[[], int], stream: Any = None) -> Iterator[Callable[[studies.Trial], None]]:
    """Gives a function that shows each finished trial: in a table that stays in place, or in lines without a terminal.

    Args:
        folder: Folder of the study.
        running: Tells how many trials are under way.
        stream: Where to show it; standard output without.
    """
    from rich.console import Console
    from rich.live import Live

    stream = sys.stdout if stream is None else stream
    if not stream.isatty():
        yield lambda trial: print(line(trial), file=stream, flush=True)
        return

    def drawn() -> Any:
        study = studies.read(folder)
        return table(study, f"{len(study.trials)} trials finished, {running()} under way")

    with Live(console=Console(file=stream), auto_refresh=False) as display:
        display.update(drawn(), refresh=True)
        yield lambda trial: display.update(drawn(), refresh=True)


def line(trial: studies.Trial) -> str:
    """One trial in one line."""
    values = ", ".join(f"{name} {shown(value)}" for name, value in trial.values.items())
    came = [] if trial.status == "completed" else [trial.status.replace("_", " ")]
    came += [] if trial.score is None else [f"score {shown(trial.score)}"]
    after = f", {shown(round(trial.seconds, 1))} s" if trial.seconds is not None else ""
    return f"trial {trial.trial}: {', '.join(came)}{after} ({values}){': ' + trial.error if trial.error else ''}"
