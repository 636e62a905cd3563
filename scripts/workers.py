"""Worker processes for benchmarks: one for each system, asked in turn, so that all see the same machine."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

GRACE = 5.0  # seconds that a worker without further jobs has to end


def start(
    script: str,
    system: str,
    *arguments: str,
    backend: str = "",
    python: str = sys.executable,
    own_session: bool = False,
) -> subprocess.Popen[str]:
    """Starts `python SCRIPT --worker SYSTEM ARGUMENTS...` with a Keras backend, by default the one of its first word.

    In a session of its own the terminal's Ctrl-C does not reach it: its parent must end it.
    """
    name = system.split()[0]
    chosen = backend or ("tensorflow" if name == "torch" else name)
    return subprocess.Popen(
        [python, script, "--worker", system, *arguments],
        env=os.environ | {"KERAS_BACKEND": chosen, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=own_session,
    )


def ask(worker: subprocess.Popen[str], job: Any) -> Any:
    """Has a worker do one job (anything that JSON holds); `None` if it cannot."""
    if worker.stdin is None or worker.stdout is None or worker.poll() is not None:
        return None
    try:
        worker.stdin.write(json.dumps(job) + "\n")
        worker.stdin.flush()
        return json.loads(worker.stdout.readline())
    except (BrokenPipeError, json.JSONDecodeError):  # it ended, or was ended within its answer
        return None


def finish(worker: subprocess.Popen[str]) -> int:
    """Has a worker end, kindly and then for certain; returns its exit status."""
    if worker.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            worker.stdin.close()
    try:
        worker.wait(GRACE)
    except subprocess.TimeoutExpired:
        worker.kill()
    if worker.stdout is not None:
        worker.stdout.close()
    return worker.wait()


def resident(worker: subprocess.Popen[str]) -> float:
    """Megabytes that a worker holds; NaN if it has ended, and outside Linux."""
    try:
        return _kilobytes(Path(f"/proc/{worker.pid}/status").read_text(), "VmRSS") / 1024
    except (OSError, StopIteration):
        return float("nan")


def serve(answer: Callable[[Any], Any]) -> None:
    """Answers jobs from standard input with `answer(job)` until it ends."""
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


def follow(parent: int) -> None:
    """Ends this process when its parent has ended, however that came about: nobody would read its answer."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def growth(step: Callable[[], Any]) -> float:
    """Megabytes by which resident memory peaks above what it was before a step; NaN outside Linux."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not reset.exists():
        return float("nan")
    ctypes.CDLL(None).malloc_trim(0)  # else the step takes what earlier ones gave back
    reset.write_text("5")
    before = _kilobytes(status.read_text(), "VmRSS")
    step()
    return (_kilobytes(status.read_text(), "VmHWM") - before) / 1024


def _kilobytes(status: str, name: str) -> int:
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(name))
