from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from seqlab.tuning.watch import ORPHANED

PROGRAM = """
import time
from seqlab.tuning.watch import end_with_parent
end_with_parent()
print("ready", flush=True)
time.sleep(60)
"""


def test_ends_when_its_input_is_closed() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert process.stdin is not None and process.stdout is not None
    assert process.stdout.readline() == b"ready\n" and process.poll() is None
    process.stdin.close()
    assert process.wait(30) == ORPHANED
    process.stdout.close()


LISTENER = """
from queue import SimpleQueue
from seqlab.tuning.watch import end_with_parent
lines = SimpleQueue()
end_with_parent(lines.put)
for _ in range(2):
    print(lines.get().decode().strip(), flush=True)
lines.get()
"""


def test_hands_over_what_its_parent_writes() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", LISTENER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert process.stdin is not None and process.stdout is not None
    for word in (b"one", b"two"):
        process.stdin.write(word + b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == word + b"\n"
    process.stdin.close()
    assert process.wait(30) == ORPHANED
    process.stdout.close()
