"""The loop of a search: trials from an oracle, each in a process of its own, several at once."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from keras_tuner.engine.trial import Trial, TrialStatus

from seqlab import studies
from seqlab.errors import SeqlabError
from seqlab.tuning.job import RESULT, Job, Outcome, read_result, write_job
from seqlab.tuning.oracles import report
from seqlab.tuning.process import TrialProcess
from seqlab.tuning.resident import ResidentProcess
from seqlab.tuning.space import SearchSpace

PROGRAM = (sys.executable, "-m", "seqlab.tuning.trial")
COMPILED = (sys.executable, "-m", "seqlab.tuning.compiled")
PAUSE = 0.05  # seconds between two looks at the processes
FAILURES = 5  # in a row, after which the search stops


@dataclass(frozen=True)
class Options:
    """How trials are run.

    Attributes:
        jobs: Trials at once.
        executions: Trainings of each trial, with the seeds `seed`, `seed + 1`, ...
        timeout: Seconds that a trial may take; no limit without.
        command: What starts the process of a trial; the trial's folder is added.
        resident: Whether that process stays for further trials, see `ResidentProcess`.
    """

    jobs: int = 1
    executions: int = 1
    timeout: float | None = None
    command: Sequence[str] = PROGRAM
    resident: bool = False


class Search:
    """Runs the trials that an oracle gives out.

    Args:
        oracle: One of `seqlab.tuning.oracles`, or its stand-in on another machine.
        space: The search space.
        folder: Folder of the study; each trial has `trial_NAME` in it.
        objective: The figure.
        options: How trials are run.
        worker: Name of this machine, which nobody else may have; a worker that starts again under its old name goes on
            with its old trials.
    """

    def __init__(
        self,
        oracle: Any,
        space: SearchSpace,
        folder: Path,
        objective: studies.Objective,
        options: Options,
        worker: str = "tuner",
    ) -> None:
        self.oracle = oracle
        self.space = space
        self.folder = folder
        self.objective = objective
        self.options = options
        self.running: dict[str, tuple[Trial, TrialProcess]] = {}
        self._free = [f"{worker}-{number}" for number in range(options.jobs)]
        self._idle: dict[str, ResidentProcess] = {}
        self._ready: list[tuple[Trial, Outcome]] = []
        self._failures = 0

    def run(self) -> Generator[studies.Trial, None, None]:
        """Runs the trials and yields each as it is finished.

        Raises:
            SeqlabError: If settings or data are wrong, or too many trials in a row have failed. Trials under way are
                stopped; a resumed search goes on with them.
        """
        try:
            while True:
                waiting = self._fill()
                for trial, outcome in self._finished():
                    yield self._end(trial, outcome)
                if not self._free and not self.running and not waiting:
                    return
                time.sleep(PAUSE if self.running else 10 * PAUSE)
        finally:
            for process in (*(process for _, process in self.running.values()), *self._idle.values()):
                process.stop()

    def _fill(self) -> bool:
        """Starts trials where there is room; returns whether a free place waits for others to finish."""
        for place in list(self._free):
            trial = self.oracle.create_trial(place)
            if trial.status == TrialStatus.IDLE:
                return True
            self._free.remove(place)
            if trial.status == TrialStatus.RUNNING:
                self._start(place, trial)
        return False

    def _start(self, place: str, trial: Trial) -> None:
        folder = self.folder / f"trial_{trial.trial_id}"
        folder.mkdir(parents=True, exist_ok=True)
        known = read_result(folder)
        if known is not None and not known.fatal:  # the search was cut off between the trial's end and its row
            self._ready.append((trial, known))
            self._free.append(place)
            return
        (folder / RESULT).unlink(missing_ok=True)
        write_job(folder, self.job(trial))
        self.running[place] = trial, self._process(place, folder)

    def _process(self, place: str, folder: Path) -> TrialProcess:
        """The process that does the trial in a folder: one that waits for it, or a new one."""
        idle = self._idle.pop(place, None)
        if idle is not None and idle.begin(folder):
            return idle
        jobs, number = self.options.jobs, int(place.rpartition("-")[2])
        given = environment(jobs), cores_of(number, jobs)
        start = ResidentProcess if self.options.resident else TrialProcess
        return start(folder, self.options.command, self.options.timeout, *given)

    def job(self, trial: Trial) -> Job:
        """Returns what a trial's process is to do."""
        values = dict(trial.hyperparameters.values)
        settings = self.space.settings({name: value for name, value in values.items() if not name.startswith("tuner/")})
        return Job(
            settings.model_dump(mode="json"),
            values,
            seeds=tuple(settings.seed + number for number in range(self.options.executions)),
            objective=self.objective.name,
            direction=self.objective.direction,
            until=values.get("tuner/epochs"),
            after=values.get("tuner/trial_id"),
        )

    def _finished(self) -> Iterator[tuple[Trial, Outcome]]:
        while self._ready:
            yield self._ready.pop(0)
        for place, (trial, process) in list(self.running.items()):
            outcome = process.poll()
            if outcome is not None:
                del self.running[place]
                self._free.append(place)
                if isinstance(process, ResidentProcess):
                    self._idle[place] = process
                yield trial, outcome

    def _end(self, trial: Trial, outcome: Outcome) -> studies.Trial:
        if outcome.fatal:
            (self.folder / f"trial_{trial.trial_id}" / RESULT).unlink(missing_ok=True)  # once put right, it may succeed
            raise SeqlabError(f"trial {trial.trial_id}: {outcome.error}")
        row = outcome.row(trial.trial_id, self.job(trial).seeds)
        known = {parameter.name for parameter in self.space.parameters}
        values = {name: value for name, value in trial.hyperparameters.values.items() if name in known}
        report(self.oracle, trial, row)
        self._failures = self._failures + 1 if row.status == "failed" else 0
        if self._failures == FAILURES:
            raise SeqlabError(
                f"{FAILURES} trials in a row have failed, the last one, {row.trial}, with: {row.error} Put that right "
                "and resume the search."
            )
        return replace(row, values=values)


def environment(jobs: int) -> dict[str, str]:
    """Shares the machine among several trials at once; what is set already stays."""
    if jobs == 1:
        return {}
    share = max(1, len(_cores()) // jobs)
    wanted = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"), str(share))
    wanted |= {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    return {name: value for name, value in wanted.items() if name not in os.environ}


def cores_of(place: int, jobs: int) -> list[int] | None:
    """The cores of one of several trials at once, none where there is only one trial.

    JAX takes its number of threads from the cores that a process may use, and from no variable of the environment.
    """
    if jobs == 1:
        return None
    cores = _cores()
    if jobs >= len(cores):
        return [cores[place % len(cores)]]
    return cores[place * len(cores) // jobs : (place + 1) * len(cores) // jobs]


def _cores() -> list[int]:
    if sys.platform == "linux":
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))
