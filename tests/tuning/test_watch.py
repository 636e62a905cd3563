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
