"""A process that ends with the one that started it, whatever ends that."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

ORPHANED = 75  # exit status


def end_with_parent(receive: Callable[[bytes], None] | None = None) -> None:
    """Ends this process at once when its standard input is closed, as it is when its parent dies.

    The parent holds the other end of the pipe open.

    Args:
        receive: Told each line that the parent writes, in a thread of its own.
    """

    def wait() -> None:
        with os.fdopen(descriptor, "rb", closefd=False) as stream:
            for line in stream:
                if receive is not None:
                    receive(line)
        os._exit(ORPHANED)

    descriptor = sys.stdin.fileno()
    threading.Thread(target=wait, daemon=True, name="end-with-parent").start()
