"""Runs a search of many trials whose processes train nothing, and shows that its own memory stays flat.

    python scripts/tune_memory.py --trials 200        # KERAS_BACKEND chooses the backend

Each trial is a process as in `seqlab tune`, with a score in closed form. Every 20 trials a line tells the resident set
of this process, in MiB. The exit status is 1 if it has grown by more than the limit since the first line.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

STEP = 20
LIMIT = 16.0  # MiB; the table and the oracle's list of trials are in it
PROGRAM = """
import json, sys
from pathlib import Path
folder = Path(sys.argv[1])
job = json.loads((folder / "job.json").read_text("utf-8"))
score = 1 - abs(job["values"]["rate"] - 0.01) - job["values"]["dropout"] / 100
(folder / "result.json").write_text(json.dumps({"status": "completed", "score": score, "seconds": 0.0, "epochs": 1}))
"""


def search_space(hp: Any) -> dict[str, Any]:
    """The space."""
    return {
        "training.learning_rate": hp.Float("rate", 1e-4, 1.0, sampling="log"),
        "encoder.dropout": hp.Float("dropout", 0.0, 0.9),
    }


def resident() -> float:
    """The resident set of this process, in MiB."""
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS in /proc/self/status: this script needs Linux.")


def measure(trials: int, tuner: str, jobs: int, folder: Path) -> list[float]:
    """Runs the search; returns the resident set after every 20 trials."""
    from seqlab import studies
    from seqlab.settings import DataSettings, Settings
    from seqlab.tuning.description import described
    from seqlab.tuning.folder import open_study
    from seqlab.tuning.oracles import make_oracle
    from seqlab.tuning.search import Options, Search
    from seqlab.tuning.space import SearchSpace

    program = folder / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    settings = Settings(data=DataSettings(train="none"))
    space, objective = SearchSpace(settings, search_space), studies.Objective("val_f1", "max")
    oracle = make_oracle(tuner, objective, space.hyperparameters, trials, 1, 9)
    open_study(folder, studies.Study(objective, space.parameters), described(settings, 1, False), oracle, False, False)
    options = Options(jobs=jobs, command=(sys.executable, str(program)))
    found, began = [], time.monotonic()
    for number, _ in enumerate(Search(oracle, space, folder, objective, options).run(), 1):
        if number % STEP == 0:
            found.append(resident())
            print(f"{number:4} trials {time.monotonic() - began:7.1f} s {found[-1]:8.1f} MiB", flush=True)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the arguments, measures and compares."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200, help="number of trials, at least 40")
    parser.add_argument("--tuner", default="random", help="any of seqlab tune")
    parser.add_argument("--jobs", type=int, default=2, help="trials at once")
    options = parser.parse_args(arguments)
    if options.trials < 2 * STEP:
        parser.error(f"--trials takes at least {2 * STEP}, received {options.trials}")
    with tempfile.TemporaryDirectory() as folder:
        found = measure(options.trials, options.tuner, options.jobs, Path(folder))
    grown = found[-1] - found[0]
    print(f"{grown:+.1f} MiB from trial {STEP} to the last; limit {LIMIT:.0f}")
    return int(grown > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
