"""The loop of a search: trials from an oracle, each in a process of its own, several at once."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from keras_tuner.engine.trial import Trial, TrialStatus

from seqlab import studies
from seqlab.errors import SeqlabError
from seqlab.tuning.job import RESULT, Job, Outcome, read_result, write_job
from seqlab.tuning.messages import report
from seqlab.tuning.process import TrialProcess
from seqlab.tuning.resident import ResidentProcess
from seqlab.tuning.space import SearchSpace

log = logging.getLogger(__name__)
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
        population: Trials that are taken from the oracle together; those that are alike train as one program.
        alike: From the settings of a trial to what those that train together have in common. Without, each is alone.
    """

    jobs: int = 1
    executions: int = 1
    timeout: float | None = None
    command: Sequence[str] = PROGRAM
    resident: bool = False
    population: int = 1
    alike: Callable[[Any], Hashable] | None = None


Group = list[tuple[str, Trial]]  # trials that train together, with the names under which the oracle gave them out


class Search:
    """Runs the trials that an oracle gives out.

    Trials that train together share a process. Its time limit is that of one trial times their number, and when it is
    over, so is each trial whose result is not there yet. Where the process ends without them, for want of memory for
    instance, each half of them is tried by itself, down to single trials. One that a kill has cut off begins anew.

    Args:
        oracle: One of `seqlab.tuning.oracles`, or its stand-in on another machine.
        space: The search space.
        folder: Folder of the study; each trial has `trial_NAME` in it.
        objective: The figure.
        options: How trials are run.
        worker: Name of this machine, which nobody else may have; a worker that starts again under its old name goes on
            with its old trials.
        held: Names under which the oracle has had it before; where it ran more at once then, it goes on with those too.
    """

    def __init__(
        self,
        oracle: Any,
        space: SearchSpace,
        folder: Path,
        objective: studies.Objective,
        options: Options,
        worker: str = "tuner",
        held: Sequence[str] = (),
    ) -> None:
        self.oracle = oracle
        self.space = space
        self.folder = folder
        self.objective = objective
        self.options = options
        self.running: dict[int, tuple[Group, TrialProcess]] = {}
        own = (f"{worker}-{number}" for number in range(options.jobs * options.population))
        self._names = list(dict.fromkeys([*held, *own]))
        self._free = list(range(options.jobs))
        self._groups: list[Group] = []
        self._idle: dict[int, ResidentProcess] = {}
        self._ready: list[tuple[str, Trial, Outcome]] = []
        self._failures = 0

    def run(self) -> Generator[studies.Trial, None, None]:
        """Runs the trials and yields each as it is finished.

        Raises:
            SeqlabError: If settings or data are wrong, or too many trials in a row have failed; those that fail
                together count as one. Trials under way are stopped; a resumed search goes on with them.
        """
        try:
            while True:
                waiting = self._fill()
                for group in self._finished():
                    rows = [self._end(trial, outcome) for trial, outcome in group]
                    yield from rows
                    self._count(rows)
                if not (self._names or self._groups or self.running or waiting):
                    return
                time.sleep(PAUSE if self.running else 10 * PAUSE)
        finally:
            for process in (*(process for _, process in self.running.values()), *self._idle.values()):
                process.stop()

    def _fill(self) -> bool:
        """Starts trials where there is room; returns whether a free place waits for others to finish."""
        while self._free and (self._groups or self._names):
            waiting = not self._groups and self._take()
            if self._groups:
                self._start(self._free.pop(0), self._groups.pop(0))
            elif waiting:
                return True
        return False

    def _take(self) -> bool:
        """Takes trials from the oracle and groups them; returns whether it has none for now."""
        groups: dict[Hashable, Group] = {}
        waiting = False
        for name in self._names[: self.options.population]:
            trial = self.oracle.create_trial(name)
            waiting = trial.status == TrialStatus.IDLE
            if waiting:
                break
            self._names.remove(name)
            if trial.status != TrialStatus.RUNNING:
                continue
            folder = self._folder(trial)
            folder.mkdir(parents=True, exist_ok=True)
            known = read_result(folder)
            if known is not None and not known.fatal:  # the search was cut off between the trial's end and its row
                self._ready.append((name, trial, known))
                continue
            (folder / RESULT).unlink(missing_ok=True)
            groups.setdefault(self._alike(name, trial), []).append((name, trial))
        self._groups += groups.values()
        return waiting

    def _alike(self, name: str, trial: Trial) -> Hashable:
        if self.options.alike is None:
            return name
        return trial.hyperparameters.values.get("tuner/epochs"), self.options.alike(self._settings(trial))

    def _start(self, place: int, group: Group) -> None:
        (_, first), *rest = group
        for _, trial in rest:
            write_job(self._folder(trial), self.job(trial))
        others = tuple(trial.trial_id for _, trial in rest)
        write_job(self._folder(first), replace(self.job(first), others=others))
        self.running[place] = group, self._process(place, self._folder(first), len(group))

    def _process(self, place: int, folder: Path, size: int) -> TrialProcess:
        """The process that does the trials of a folder: one that waits for them, or a new one."""
        timeout = self.options.timeout and self.options.timeout * size
        idle = self._idle.pop(place, None)
        if idle is not None and idle.begin(folder, timeout):
            return idle
        jobs = self.options.jobs
        start = ResidentProcess if self.options.resident else TrialProcess
        return start(folder, self.options.command, timeout, environment(jobs), cores_of(place, jobs))

    def _folder(self, trial: Trial) -> Path:
        return self.folder / f"trial_{trial.trial_id}"

    def _settings(self, trial: Trial) -> Any:
        values = trial.hyperparameters.values.items()
        return self.space.settings({name: value for name, value in values if not name.startswith("tuner/")})

    def job(self, trial: Trial) -> Job:
        """Returns what a trial's process is to do."""
        values = dict(trial.hyperparameters.values)
        settings = self._settings(trial)
        return Job(
            settings.model_dump(mode="json"),
            values,
            seeds=tuple(settings.seed + number for number in range(self.options.executions)),
            objective=self.objective.name,
            direction=self.objective.direction,
            until=values.get("tuner/epochs"),
            after=values.get("tuner/trial_id"),
        )

    def _finished(self) -> Iterator[list[tuple[Trial, Outcome]]]:
        while self._ready:
            name, trial, known = self._ready.pop(0)
            self._names.append(name)
            yield [(trial, known)]
        for place, (group, process) in list(self.running.items()):
            outcome = process.poll()
            if outcome is None:
                continue
            del self.running[place]
            self._free.append(place)
            if isinstance(process, ResidentProcess):
                self._idle[place] = process
            rows = self._results(group, outcome)
            if rows:
                yield rows

    def _results(self, group: Group, outcome: Outcome) -> list[tuple[Trial, Outcome]]:
        """What came of trials whose process is done with them; those that are to be tried again are not among them."""
        found = [(name, trial, read_result(self._folder(trial))) for name, trial in group]
        if len(group) > 1 and outcome.status == "timed_out":
            outcome = _share(outcome, len(group))
        elif len(group) > 1:
            left = [(name, trial) for name, trial, known in found if known is None]
            if left:
                told = f"{len(left)} of {len(group)} trials together: {outcome.error or 'the process left no result'}"
                log.warning("%s. Each half is tried by itself.", told)
            middle = len(left) // 2
            self._groups += [part for part in (left[:middle], left[middle:]) if part]
            found = [(name, trial, known) for name, trial, known in found if known is not None]
        self._names += [name for name, _, _ in found]
        return [(trial, known or outcome) for _, trial, known in found]

    def _end(self, trial: Trial, outcome: Outcome) -> studies.Trial:
        if outcome.fatal:
            (self._folder(trial) / RESULT).unlink(missing_ok=True)  # once put right, it may succeed
            raise SeqlabError(f"trial {trial.trial_id}: {outcome.error}")
        row = outcome.row(trial.trial_id, self.job(trial).seeds)
        known = {parameter.name for parameter in self.space.parameters}
        values = {name: value for name, value in trial.hyperparameters.values.items() if name in known}
        report(self.oracle, trial, row)
        return replace(row, values=values)

    def _count(self, rows: Sequence[studies.Trial]) -> None:
        failed = all(row.status == "failed" for row in rows)
        self._failures = self._failures + 1 if failed else 0
        if self._failures == FAILURES:
            raise SeqlabError(
                f"{FAILURES} trials in a row have failed, the last one, {rows[-1].trial}, with: {rows[-1].error} Put "
                "that right and resume the search."
            )


def _share(outcome: Outcome, size: int) -> Outcome:
    """What became of each trial of a process that was over its time, by what became of the process."""
    seconds = None if outcome.seconds is None else outcome.seconds / size
    return replace(outcome, seconds=seconds, error=f"one of {size} trials that trained together: {outcome.error}")


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
