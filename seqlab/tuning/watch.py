"""A process that ends with the one that started it, whatever ends that."""

from __future__ import annotations

import os
import sys
import threading

ORPHANED = 75  # exit status


def end_with_parent() -> None:
    """Ends this process at once when its standard input is closed, as it is when its parent dies.

    The parent holds the other end of the pipe open and writes nothing.
    """

    def wait() -> None:
        while os.read(descriptor, 1024):
            pass
        os._exit(ORPHANED)

    descriptor = sys.stdin.fileno()
    threading.Thread(target=wait, daemon=True, name="end-with-parent").start()
