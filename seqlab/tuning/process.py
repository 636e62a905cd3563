"""A trial as a process of its own: what it took of memory goes back with it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from seqlab.tuning.job import OUTPUT, Outcome, read_result

GRACE = 5.0  # seconds between asking a process to end and ending it
LAST_LINES = 3  # of a process' output in the error of one that died


class TrialProcess:
    """The process of one trial, from its start to its outcome.

    Args:
        folder: The trial's folder, with `job.json`; the process writes `result.json`, and its output goes to
            `output.txt`.
        command: What to start; the folder is added to it.
        timeout: Seconds after which the trial is over; none without.
        environment: Changes to the environment.
        cores: Numbers of the cores that it may use, where the system can restrict it (Linux); all without.
    """

    def __init__(
        self,
        folder: Path,
        command: Sequence[str],
        timeout: float | None = None,
        environment: dict[str, str] | None = None,
        cores: Collection[int] | None = None,
    ) -> None:
        self.timeout = timeout
        self._take(folder)
        with (folder / OUTPUT).open("ab") as output:
            # The pipe tells the process of our end; a session of its own keeps the terminal's Ctrl-C from it, which
            # is ours to handle.
            self.process = subprocess.Popen(
                [*command, str(folder)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        if cores and sys.platform == "linux":
            with contextlib.suppress(ProcessLookupError):  # it has ended already
                # It has only begun: the threads that it will start inherit this, and frameworks count these cores.
                os.sched_setaffinity(self.process.pid, cores)

    def _take(self, folder: Path) -> None:
        self.folder = folder
        self.began = time.monotonic()

    @property
    def seconds(self) -> float:
        """How long it has been running."""
        return time.monotonic() - self.began

    def poll(self) -> Outcome | None:
        """Returns the outcome if the trial is over.

        Raises:
            DataError: If the file of its result is damaged.
        """
        status = self.process.poll()
        if status is None:
            if self.timeout is None or self.seconds < self.timeout:
                return None
            self.stop()
            return Outcome("timed_out", seconds=self.seconds, error=f"over the limit of {self.timeout:g} seconds")
        self._close()
        found = read_result(self.folder)
        if found is not None:
            return found
        return Outcome("failed", seconds=self.seconds, error=f"{_ending(status)}{self._last_lines()}")

    def stop(self) -> None:
        """Ends the process and what it has started; first kindly, then for certain."""
        for kindly in (True, False):
            if self.process.poll() is not None:
                break
            if sys.platform == "win32":
                self.process.kill()
            else:
                os.killpg(self.process.pid, signal.SIGTERM if kindly else signal.SIGKILL)
            try:
                self.process.wait(GRACE)
            except subprocess.TimeoutExpired:
                continue
        self._close()

    def _close(self) -> None:
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # what it was still to read
                self.process.stdin.close()

    def _last_lines(self) -> str:
        lines = (self.folder / OUTPUT).read_text("utf-8", errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()][-LAST_LINES:]
        return f": {' / '.join(said)}" if said else ""


def _ending(status: int) -> str:
    if status >= 0:
        return f"the process ended with status {status} and left no result"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"the process was ended by {name}"
