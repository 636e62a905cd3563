"""A process that does one trial after another: what it has compiled for one serves the next."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import NoReturn

from seqlab.tuning.job import OUTPUT, Outcome, read_result
from seqlab.tuning.process import TrialProcess
from seqlab.tuning.watch import end_with_parent

MEMORY = 2500  # megabytes of a process, after which another takes its place


class ResidentProcess(TrialProcess):
    """As `TrialProcess`, but that the process stays when a trial is over, and takes the next by `begin`.

    The first folder is an argument of the process, further ones are lines of JSON on its standard input (see `serve`).
    A trial over its time, or one that ends the process, costs the process; the next trial needs a new one.
    """

    def begin(self, folder: Path, timeout: float | None = None) -> bool:
        """Gives the process another trial; returns whether it took it. One that did not is at its end.

        Args:
            folder: The trial's folder.
            timeout: Seconds after which this trial is over, whatever the limit of the one before; none without.
        """
        if self.process.poll() is not None or self.process.stdin is None or megabytes(self.process.pid) > MEMORY:
            self.stop()
            return False
        try:
            self.process.stdin.write(f"{json.dumps(str(folder))}\n".encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            self.stop()
            return False
        self.timeout = timeout
        self._take(folder)
        return True

    def poll(self) -> Outcome | None:
        """Returns the outcome if the trial is over, whether or not the process goes on."""
        found = read_result(self.folder) if self.process.poll() is None else None
        return found if found is not None else super().poll()


def serve(first: str, work: Callable[[Path], None]) -> NoReturn:
    """Does one trial after another in this process, until its parent closes its standard input or dies.

    Args:
        first: The first trial's folder.
        work: Does the trial in a folder and leaves the result there; what it prints goes to the trial's own file.
    """
    folders: SimpleQueue[str] = SimpleQueue()
    folders.put(first)
    end_with_parent(lambda line: folders.put(json.loads(line)))
    while True:
        folder = Path(folders.get())
        sys.stdout.flush()
        sys.stderr.flush()
        with (folder / OUTPUT).open("ab") as output:
            for stream in (sys.stdout, sys.stderr):
                os.dup2(output.fileno(), stream.fileno())
        work(folder)


def megabytes(process: int) -> float:
    """The memory that a process holds; NaN outside Linux, and if it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text("utf-8")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024
    except (OSError, StopIteration):
        return float("nan")
