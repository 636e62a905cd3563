"""A bar on the terminal while a large file is read."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def reading_bar(path: str | os.PathLike[str], stream: Any = None) -> Iterator[Callable[[int, int], None]]:
    """Gives a function of (bytes read, bytes in all) that moves a bar; where there is no terminal it does nothing.

    The bar appears with the first call and goes away at the end of the block.

    Args:
        path: What is read, for the bar's title.
        stream: Where to draw; standard error without.
    """
    stream = sys.stderr if stream is None else stream
    if not stream.isatty():
        yield lambda done, total: None
        return

    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("reading {task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(file=stream), transient=True)
    name = os.path.basename(path)

    def move(done: int, total: int) -> None:
        if not bar.tasks:
            bar.start()
            bar.add_task(name, total=total)
        bar.update(bar.tasks[0].id, completed=done)

    try:
        yield move
    finally:
        bar.stop()
