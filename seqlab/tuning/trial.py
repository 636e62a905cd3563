"""The process of one trial: `python -m seqlab.tuning.trial FOLDER` does the job in the folder and leaves the result."""

from __future__ import annotations

import json
import logging
import math
import shutil
import statistics
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqlab.errors import SeqlabError, SettingsError
from seqlab.files import replaced_folder
from seqlab.tuning.job import Job, Outcome, read_job, write_result
from seqlab.tuning.kinds import kind_of, settings_from
from seqlab.tuning.watch import end_with_parent

HISTORY = "history.jsonl"


@dataclass(frozen=True)
class Execution:
    """What one training of a trial came to.

    `score` is that of the best epoch before the loss was no number any more, in epoch `diverged` if it came to that;
    none if no epoch came before. `seconds` are those of the epochs alone, where what surrounds them is to be left out.
    """

    score: float | None
    test: float | None
    epochs: int
    weights: int
    diverged: int | None = None
    seconds: float | None = None


Execute = Callable[[Job, Path, int], Execution]


def main(arguments: Sequence[str]) -> int:
    """Does the job of the folder that is named."""
    (name,) = arguments
    end_with_parent()
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.INFO)
    folder = Path(name)
    write_result(folder, run_job(read_job(folder), folder))
    return 0


def run_job(job: Job, folder: Path, one: Execute | None = None) -> Outcome:
    """Trains once for each seed, in `run-SEED` of the trial's folder, going on with what is there.

    Args:
        job: What to do.
        folder: The trial's folder.
        one: Trains with one seed, in place of `execute`.

    Returns:
        The outcome: the mean of the executions, or why there is none. A trial diverged if one of them did, and has a
        score if each has one, from before that. An error of settings or data is fatal. The time is that of this
        process; what one before it took that was killed is not in it.
    """
    began = time.monotonic()
    found: list[Execution] = []
    try:
        for seed in job.seeds:
            found.append((one or execute)(job, folder, seed))
            if found[-1].score is None:
                break
    except SeqlabError as error:
        return Outcome("failed", seconds=time.monotonic() - began, error=str(error), fatal=True)
    except Exception as error:  # whatever it is, it concerns this trial alone and belongs into the table
        traceback.print_exc()
        return Outcome("failed", seconds=time.monotonic() - began, error=f"{type(error).__name__}: {error}")
    took = [item.seconds for item in found if item.seconds is not None]
    known: dict[str, Any] = {
        "epochs": sum(item.epochs for item in found),
        "weights": found[0].weights,
        "seconds": sum(took) if len(took) == len(found) else time.monotonic() - began,
    }
    scores = [item.score for item in found if item.score is not None]
    lost = [(seed, item) for seed, item in zip(job.seeds, found, strict=False) if item.diverged is not None]
    told = "; ".join(f"the loss is no number from epoch {item.diverged} on, with seed {seed}" for seed, item in lost)
    status = "diverged" if lost else "completed"
    if len(scores) < len(found):
        return Outcome(status, error=told, **known)
    tests = [item.test for item in found if item.test is not None]
    test = statistics.mean(tests) if tests else None
    return Outcome(status, statistics.mean(scores), test, error=told, **known)


def execute(job: Job, folder: Path, seed: int) -> Execution:
    """Trains with one seed."""
    place = folder / f"run-{seed}"
    before = folder.parent / f"trial_{job.after}" / place.name
    if job.after is not None and not place.exists() and before.is_dir():
        with replaced_folder(place, lambda path: False) as temporary:
            shutil.copytree(before, temporary, dirs_exist_ok=True, ignore=shutil.ignore_patterns("lock", "scores.json"))
    settings = settings_from({**job.settings, "seed": seed})
    trained = kind_of(settings).train(settings, place, job.until)
    history = [json.loads(line) for line in (place / HISTORY).read_text("utf-8").splitlines()]
    score, diverged = _best(history, job.objective, job.direction)
    if trained.dev is not None and score is not None and diverged is None:
        score = trained.dev
    test = trained.test if score is not None and trained.test is not None and math.isfinite(trained.test) else None
    return Execution(score, test, len(history), trained.weights, diverged)


def _best(history: list[dict[str, float]], objective: str, direction: str) -> tuple[float | None, int | None]:
    """The best figure of the epochs before the loss was no finite number any more, and in which epoch that was."""
    if any(objective not in row for row in history):
        raise SettingsError(f"the objective {objective!r} is not among {', '.join(history[0])}.")
    fine = [math.isfinite(row["loss"]) and math.isfinite(row[objective]) for row in history]
    before = fine.index(False) if False in fine else len(fine)
    best = (min if direction == "min" else max)((row[objective] for row in history[:before]), default=None)
    return best, None if before == len(fine) else before + 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
