"""The search of Greff et al. (2017) on JSB Chorales: random trials of nine LSTM variants, in a study's folder.

    SEQLAB_DATA=../shared/data python scripts/jsb_study.py --trials 540 --jobs 2
    seqlab analyse recipes/studies/jsb --group variant --baseline V --measure test --cap 11 --output reports/jsb

Goes on where it was stopped, on any machine that has the folder: trial N of seed S has the same variant,
hyperparameters and random numbers everywhere. Variants take turns, so the first 9 n trials hold n of each. Every trial
trains for at most 150 epochs and stops after 15 without a better validation value. Each worker is a process on the JAX
backend; compiled programs are kept in `--cache`, and a worker whose memory they have filled is started anew. Seconds
are those of the processor. A trial that failed is run again when the study goes on; after 5 failures in a row it stops.
The command in `study.json` leaves `--trials` out: 540 is the size of the study.

The cap of the analysis is chance. Who gives each key the frequency it has in the training pieces (one added to the
counts of sounding and of silence; the first steps, which nobody predicts, left out) has a negative log-likelihood of
10.99 per step on the validation pieces, 11.09 on the test pieces and 11.13 on the training pieces.

The space is that of the paper: blocks log-uniform in [20, 200], learning rate log-uniform in [1e-6, 1e-2], 1 - momentum
log-uniform in [0.01, 1], standard deviation of the input noise uniform in [0, 1].
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from workers import ask, finish, follow, resident, serve, start  # beside this file

from seqlab import studies
from seqlab.corpora.catalogue import locate
from seqlab.corpora.piano_roll import piano_rolls
from seqlab.errors import SeqlabError, SettingsError
from seqlab.studies import Objective, Parameter, Study, Trial
from seqlab.training.lock import locked

FOLDER = Path(__file__).resolve().parents[1] / "recipes" / "studies" / "jsb"
DATA = Path(os.environ.get("SEQLAB_DATA", "data"))
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seqlab" / "jax"
VARIANTS = ("V", "NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP", "FGR")  # in the order of their turns
FAILURES = 5  # in a row, after which the study stops
MEMORY = 2500  # megabytes of a worker, after which another takes its place
DIGITS = 6  # of drawn numbers: those in the table are those that were used

SPACE = (
    Parameter("variant", "choice", values=VARIANTS),
    Parameter("units", "int", 20, 200, "log"),
    Parameter("learning_rate", "float", 1e-6, 1e-2, "log"),
    Parameter("one_minus_momentum", "float", 0.01, 1.0, "log"),
    Parameter("noise", "float", 0.0, 1.0, "linear"),
)


def main() -> None:
    """Runs the study, or one of its workers."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=540, help="trials in the study when it is done")
    parser.add_argument("--jobs", type=int, default=2, help="trials at a time, each in a process of one thread")
    parser.add_argument("--seed", type=int, default=1, help="of the study")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of the study")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the corpora")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of compiled programs")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        threading.Thread(target=follow, args=(os.getppid(),), daemon=True).start()
        serve(Worker(locate("jsb", "quarter", options.data), options.cache))
        return
    piano_rolls(locate("jsb", "quarter", options.data))  # bad data fail here, not in each worker
    # One thread for each worker: the products are too small for more.
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    arguments = [f"--data={options.data}", f"--cache={options.cache}"]
    search(options.folder, options.seed, options.trials, options.jobs, arguments)


def draw(seed: int, number: int) -> tuple[dict[str, Any], int]:
    """The hyperparameters and the seed of a trial."""
    generator = np.random.default_rng((seed, number))
    drawn: dict[str, Any] = {"variant": VARIANTS[number % len(VARIANTS)]}
    for parameter in SPACE[1:]:
        low, high, place = parameter.low or 0.0, parameter.high or 0.0, generator.random()
        if parameter.kind == "int":
            drawn[parameter.name] = int(low * ((high + 1) / low) ** place)
            continue
        value = low * (high / low) ** place if parameter.sampling == "log" else low + (high - low) * place
        drawn[parameter.name] = float(f"{value:.{DIGITS}g}")
    return drawn, int(generator.integers(2**31))


def opened(folder: Path, seed: int) -> Study:
    """Reads the study in a folder, or begins it."""
    command = "python scripts/jsb_study.py" + ("" if seed == 1 else f" --seed {seed}")
    fresh = Study(Objective("valid_nll", "min"), SPACE, command, seed, "random")
    if not (folder / studies.STUDY).is_file():
        folder.mkdir(parents=True, exist_ok=True)
        studies.write_header(folder, fresh)
    found = studies.read(folder)
    if (found.seed, found.space, found.objective) != (seed, SPACE, fresh.objective):
        raise SettingsError(f"{folder} holds another study (seed {found.seed}): choose another --folder or its --seed.")
    return found


def search(folder: Path, seed: int, trials: int, jobs: int, arguments: list[str]) -> None:
    """Runs the trials that a study lacks."""
    with locked(folder):
        found = opened(folder, seed)
        done = {trial.trial: trial for trial in found.trials if trial.status in ("completed", "diverged")}
        left = [number for number in range(trials) if str(number) not in done]
        Search(folder, seed, left, done, arguments).run(jobs)


class Search:
    """Gives trials to workers and writes what comes of them.

    Args:
        folder: Folder of the study.
        seed: Of the study.
        left: Numbers of the trials to run.
        done: Trials that were run before.
        arguments: Of each worker.
    """

    def __init__(self, folder: Path, seed: int, left: list[int], done: dict[str, Trial], arguments: list[str]) -> None:
        self.folder, self.seed, self.left, self.done, self.arguments = folder, seed, iter(left), done, arguments
        self.lock, self.stopping, self.started = threading.Lock(), False, time.perf_counter()
        self.workers: dict[int, subprocess.Popen[str]] = {}
        self.ran: list[Trial] = []
        self.failures = 0

    def run(self, jobs: int) -> None:
        """Runs all trials, several at a time; whatever ends it early, no trial cut off by that gets a row."""
        pool = ThreadPoolExecutor(jobs)
        futures = [pool.submit(self.work, job) for job in range(1, jobs + 1)]
        try:
            for future in wait(futures, return_when=FIRST_EXCEPTION).done:
                future.result()
        finally:
            with self.lock:
                self.stopping = True
                for worker in self.workers.values():
                    worker.kill()
            pool.shutdown()
            for worker in self.workers.values():
                finish(worker)

    def work(self, job: int) -> None:
        """Runs one trial after another."""
        worker = self.begin(job)
        while worker is not None and (number := self.take()) is not None:
            values, own = draw(self.seed, number)
            answer = ask(worker, {**values, "seed": own})
            used = answer is None or resident(worker) > MEMORY
            ended = finish(worker) if used else 0
            if answer is None:
                answer = {"status": "failed", "error": f"the worker ended with {ended}"}
            self.write(replace(Trial(str(number), "failed", values, seeds=(own,)), **answer))
            if used:
                worker = self.begin(job)
        if worker is not None:
            finish(worker)

    def begin(self, job: int) -> subprocess.Popen[str] | None:
        """Starts a worker, unless the study is stopping."""
        with self.lock:
            if self.stopping:
                return None
            # Ctrl-C is for this process: a worker that it ended would be a failed trial.
            self.workers[job] = start(__file__, str(job), *self.arguments, backend="jax", own_session=True)
            return self.workers[job]

    def take(self) -> int | None:
        """The next trial, unless the study is stopping."""
        with self.lock:
            return None if self.stopping else next(self.left, None)

    def write(self, trial: Trial) -> None:
        """Writes a trial's row, unless the study is stopping; raises `SeqlabError` after too many failures."""
        with self.lock:
            if self.stopping:
                return
            studies.write_trial(self.folder, trial)
            self.ran.append(trial)
            self.done[trial.trial] = trial
            print(line(trial), *progress(self.done, self.ran, self.started), flush=True)
            self.failures = self.failures + 1 if trial.status == "failed" else 0
            if self.failures == FAILURES:
                raise SeqlabError(
                    f"{FAILURES} trials in a row have failed, the last one, {trial.trial}, with: {trial.error}. Put "
                    "that right and start the study again."
                )


def line(trial: Trial) -> str:
    """One trial, in short."""
    values = " ".join(f"{value:<9}" for value in trial.values.values())
    scores = "    ".join("-     " if x is None else f"{x:6.3f}" for x in (trial.score, trial.test))
    took = f"{trial.epochs or 0:3} epochs {trial.seconds or 0:6.1f} s"
    return f"{trial.trial:>4} {trial.status:<9} {values} {scores} {took} {trial.error}"


def progress(done: dict[str, Trial], ran: list[Trial], started: float) -> Iterator[str]:
    """Where the study stands."""
    best = min((t for t in done.values() if t.score is not None), key=lambda t: t.score or 0, default=None)
    if best is not None and best.test is not None:
        yield f"| best {best.trial}: {best.score:.3f}, test {best.test:.3f}"
    yield f"| median {statistics.median(t.seconds or 0 for t in ran):.1f} s"
    yield f"| {3600 * len(ran) / (time.perf_counter() - started):.0f} an hour"


class Worker:
    """Runs trials in a process of its own."""

    def __init__(self, rolls: Path, cache: Path) -> None:
        from seqlab.training.compiled import keep_programs_in
        from seqlab.training.trials import Pieces

        cache.mkdir(parents=True, exist_ok=True)
        keep_programs_in(cache)
        self.pieces = Pieces.of(piano_rolls(rolls))

    def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
        """The outcome of a trial, as fields of the table."""
        from seqlab.training import trials

        momentum = 1 - job.pop("one_minus_momentum")
        try:
            found = trials.run_trial(trials.Trial(momentum=momentum, **job), self.pieces)
        except Exception as error:  # one trial's failure is a row of the table, not the end of the study
            return {"status": "failed", "error": f"{type(error).__name__}: {error}"}
        fields = ("status", "score", "test", "epochs", "weights", "error")
        return {name: getattr(found, name) for name in fields} | {"seconds": round(found.processor_seconds, 2)}


if __name__ == "__main__":
    try:
        main()
    except (SeqlabError, ValueError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print("stopped: the same command goes on with the study", file=sys.stderr)
        sys.exit(130)
