"""A trial's process that trains nothing: its score comes from the hyperparameters, its troubles from `mode`."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

from seqlab.tuning.job import Outcome, read_job, write_result
from seqlab.tuning.resident import serve
from seqlab.tuning.watch import end_with_parent


def score(values: dict[str, float]) -> float:
    rate, units = float(values.get("rate", 0.01)), float(values.get("encoder.units", 20))
    return 1 - abs(rate - 0.01) - abs(units - 80) / 1000 - float(values.get("encoder.dropout", 0.0)) / 100


def main(folder: Path) -> None:
    others = read_job(folder).others
    if len(others) >= int(os.environ.get("FAKE_MOST", "99")):
        print(f"no room for {len(others) + 1}", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    for name in others:
        one(folder.parent / f"trial_{name}")
    one(folder)


def one(folder: Path) -> None:
    job = read_job(folder)
    with (folder / "starts.txt").open("a", encoding="utf-8") as stream:
        stream.write(f"{os.getpid()}\n")
    if hasattr(os, "sched_getaffinity"):
        (folder / "cores.txt").write_text(" ".join(map(str, os.sched_getaffinity(0))), encoding="utf-8")
    mode = str(job.values.get("task.mode", "good"))
    time.sleep(float(os.environ.get("FAKE_SECONDS", "0")))
    if mode == "hang":
        time.sleep(60)
    if mode == "die":
        print("about to die", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    outcome = {
        "good": Outcome("completed", score(job.values), 0.5, job.until or 3, 0.1, 100),
        "nan": Outcome("diverged", epochs=2, error="the loss was no number any more"),
        "bad": Outcome("failed", error="ValueError: no"),
        "fatal": Outcome("failed", error="there is no such file.", fatal=True),
    }
    if mode == "broken":
        (folder / "result.json").write_text(json.dumps({"status": "good"}), encoding="utf-8")
        return
    write_result(folder, outcome[mode])


if __name__ == "__main__":
    if sys.argv[1] == "--resident":
        serve(sys.argv[2], main)
    end_with_parent()
    main(Path(sys.argv[1]))
