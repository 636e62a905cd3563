"""Worker processes for benchmarks: one for each system, asked in turn, so that all see the same machine."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def start(
    script: str, system: str, *arguments: str, backend: str = "", python: str = sys.executable
) -> subprocess.Popen[str]:
    """Starts `python SCRIPT --worker SYSTEM ARGUMENTS...` with a Keras backend, by default the one of that name."""
    chosen = backend or ("tensorflow" if system == "torch" else system)
    return subprocess.Popen(
        [python, script, "--worker", system, *arguments],
        env=os.environ | {"KERAS_BACKEND": chosen, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def ask(worker: subprocess.Popen[str], job: Any) -> Any:
    """Has a worker do one job (anything that JSON holds); `None` if it cannot."""
    if worker.stdin is None or worker.stdout is None or worker.poll() is not None:
        return None
    worker.stdin.write(json.dumps(job) + "\n")
    worker.stdin.flush()
    answer = worker.stdout.readline()
    return json.loads(answer) if answer else None


def serve(answer: Callable[[Any], Any]) -> None:
    """Answers jobs from standard input with `answer(job)` until it ends."""
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


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
