"""Worker processes for benchmarks: one for each system, asked in turn, so that all see the same machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any


def start(script: str, system: str, *arguments: str) -> subprocess.Popen[str]:
    """Starts `python SCRIPT --worker SYSTEM ARGUMENTS...` with that system's Keras backend."""
    backend = {"KERAS_BACKEND": "tensorflow" if system == "torch" else system, "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.Popen(
        [sys.executable, script, "--worker", system, *arguments],
        env=os.environ | backend,
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


def serve(answer: Any) -> None:
    """Answers jobs from standard input with `answer(job)` until it ends."""
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
