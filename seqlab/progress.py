"""A bar on the terminal while something large is read or computed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

Move = Callable[[int, int], None]


def reading_bar(path: str | os.PathLike[str], stream: Any = None) -> AbstractContextManager[Move]:
    """Gives a function of (bytes read, bytes in all) that moves a bar; where there is no terminal it does nothing.

    The bar appears with the first call and goes away at the end of the block.

    Args:
        path: What is read, for the bar's title.
        stream: Where to draw; standard error without.
    """
    return _bar(f"reading {os.path.basename(path)}", "DownloadColumn", stream)


def counting_bar(title: str, stream: Any = None) -> AbstractContextManager[Move]:
    """Gives a function of (things done, things in all) that moves a bar, as `reading_bar`."""
    return _bar(title, "MofNCompleteColumn", stream)


@contextmanager
def _bar(title: str, count: str, stream: Any) -> Iterator[Move]:
    stream = sys.stderr if stream is None else stream
    if not stream.isatty():
        yield lambda done, total: None
        return

    from rich import progress
    from rich.console import Console

    columns = (progress.TextColumn("{task.description}"), progress.BarColumn(), getattr(progress, count)())
    bar = progress.Progress(*columns, progress.TimeRemainingColumn(), console=Console(file=stream), transient=True)

    def move(done: int, total: int) -> None:
        if not bar.tasks:
            bar.start()
            bar.add_task(title, total=total)
        bar.update(bar.tasks[0].id, completed=done)

    try:
        yield move
    finally:
        bar.stop()
