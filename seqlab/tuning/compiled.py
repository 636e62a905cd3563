"""Trials as compiled epochs: `python -m seqlab.tuning.compiled FOLDER` does the jobs of one folder after another.

A program of JAX is compiled for each variant and rounded size (`seqlab.training.trials`) and serves all further trials
of the process; programs are kept in the user's cache (`seqlab.cache`) for the
processes that follow. Trials that share a program may train side by
side in it (`run_together`); one for each number of them is compiled.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
import time
from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from seqlab.cache import keep_programs
from seqlab.errors import SeqlabError, SettingsError
from seqlab.frame_settings import FrameSettings
from seqlab.settings_part import Part
from seqlab.tuning.job import OUTPUT, Job, Outcome, read_job, write_result
from seqlab.tuning.kinds import settings_from
from seqlab.tuning.resident import serve
from seqlab.tuning.trial import Execution, run_job

if TYPE_CHECKING:
    from seqlab.training import trials
    from seqlab.training.trials import Pieces, Trial

log = logging.getLogger(__name__)
FIXED: dict[str, Any] = {
    "data.format": "piano_roll",
    "network.bidirectional": False,
    "network.standardize": False,
    "network.initial_std": 0.1,
    "training.nesterov": True,
    "training.clip": None,
    "training.batch_size": 1,
}
"""What the compiled programs do, by the flags of settings that could ask for something else."""


def main(arguments: Sequence[str]) -> NoReturn:
    """Does the jobs of the folder that is named and of those that follow on standard input."""
    (name,) = arguments
    # Read when JAX starts. The products of small models are too small for several threads.
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    keep_programs()
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.INFO)
    serve(name, work)


def work(folder: Path) -> None:
    """Does the job of a folder, together with those that it names, and leaves the results: its own last."""
    job = read_job(folder)
    folders = [folder, *(folder.parent / f"trial_{name}" for name in job.others)]
    for other in folders[1:]:
        with (other / OUTPUT).open("a", encoding="utf-8") as stream:
            stream.write(f"trains together with {folder.name}: see its {OUTPUT}\n")
    outcomes = run_together([job, *map(read_job, folders[1:])], folders)
    for place, outcome in reversed(list(zip(folders, outcomes, strict=True))):
        write_result(place, outcome)


def run_together(jobs: Sequence[Job], folders: Sequence[Path]) -> list[Outcome]:
    """Does several jobs that are `alike`, side by side as one program, once for each of their seeds.

    Each outcome is as `run_job` alone gives it, within rounding: a search gives all its trials the same seeds, so that
    the order of pieces, which a population shares, is also that of each by itself. Seconds are equal shares.

    Args:
        jobs: What to do.
        folders: The folder of each.
    """
    began = time.monotonic()
    if len(jobs) == 1:
        return [run_job(jobs[0], folders[0], execute)]
    population = _Population(jobs, folders)
    found = [
        run_job(job, folder, functools.partial(population.execution, number))
        for number, (job, folder) in enumerate(zip(jobs, folders, strict=True))
    ]
    share = (time.monotonic() - began) / len(jobs)
    return [replace(outcome, seconds=share) if outcome.status == "failed" else outcome for outcome in found]


class _Population:
    """The trainings of several jobs; all those with one seed run when the first of them is asked for.

    Where they fail together, for want of memory for instance, each half is tried by itself, down to single jobs, which
    run as `execute` has them. Errors of settings and data are those of all jobs.
    """

    def __init__(self, jobs: Sequence[Job], folders: Sequence[Path]) -> None:
        self.jobs, self.folders = jobs, folders
        self.groups = [list(range(len(jobs)))]  # of those that have a score with each seed so far
        self.found: dict[int, dict[int, Execution | Exception]] = {}

    def execution(self, number: int, job: Job, folder: Path, seed: int) -> Execution:
        """What came of the training of one job with one of its seeds."""
        if seed not in self.found:
            self.found[seed] = self._run(seed)
        found = self.found[seed][number]
        if isinstance(found, Exception):
            raise found
        return found

    def _run(self, seed: int) -> dict[int, Execution | Exception]:
        found: dict[int, Execution | Exception] = {}
        waiting, self.groups = self.groups, []
        while waiting:
            group = waiting.pop(0)
            results = self._train(group, seed)
            if isinstance(results, Exception) and len(group) > 1 and not isinstance(results, SeqlabError):
                log.warning("%d trials together: %s. Each half is tried by itself.", len(group), results)
                middle = len(group) // 2
                waiting = [group[:middle], group[middle:], *waiting]
                continue
            found |= dict.fromkeys(group, results) if isinstance(results, Exception) else results
            self.groups.append([one for one in group if getattr(found[one], "score", None) is not None])
        self.groups = [group for group in self.groups if group]
        return found

    def _train(self, group: Sequence[int], seed: int) -> dict[int, Execution] | Exception:
        from seqlab.training.trials import run_population

        first = group[0]
        try:
            if len(group) == 1:
                return {first: execute(self.jobs[first], self.folders[first], seed)}
            members = [trial_of(settings_from({**self.jobs[number].settings, "seed": seed})) for number in group]
            outcomes = run_population(members, *_data_and_epochs(self.jobs[first]), order_seed=seed)
        except Exception as error:
            return error.with_traceback(None)  # whose frames would hold the memory that was too little
        return {number: _execution(outcome) for number, outcome in zip(group, outcomes, strict=True)}


def execute(job: Job, folder: Path, seed: int) -> Execution:
    """Trains with one seed, from the beginning: a compiled trial leaves nothing to go on with."""
    from seqlab.training.trials import run_trial

    return _execution(run_trial(trial_of(settings_from({**job.settings, "seed": seed})), *_data_and_epochs(job)))


def alike(settings: FrameSettings) -> Hashable:
    """What trials have in common that can train as one program."""
    from seqlab.training.trials import width_of

    network, training = settings.network, settings.training
    return network.variant, width_of(network.units), settings.data.path, training.epochs, training.patience


def _data_and_epochs(job: Job) -> tuple[Pieces, int, int]:
    options = job.settings["training"]
    epochs = options["epochs"] if job.until is None else min(job.until, options["epochs"])
    return pieces_of(job.settings["data"]["path"]), epochs, options["patience"]


def _execution(found: trials.Outcome) -> Execution:
    # An error without divergence is one of the test pieces alone, which then have no figure.
    diverged = found.epochs if found.status == "diverged" else None
    return Execution(found.score, found.test, found.epochs, found.weights, diverged, found.seconds)


def trial_of(settings: Part) -> Trial:
    """Returns the hyperparameters that settings stand for.

    Raises:
        SettingsError: For settings of other runs than compiled programs do, or another backend than JAX.
    """
    import keras

    from seqlab.training.trials import Trial

    if keras.backend.backend() != "jax":
        raise SettingsError(
            f"--compiled needs the backend jax, received {keras.backend.backend()!r}: set KERAS_BACKEND=jax, or leave "
            "--compiled out."
        )
    if not isinstance(settings, FrameSettings):
        raise SettingsError(
            f"--compiled is for recipes of frames such as recipes/jsb.py, received {type(settings).__name__}: leave "
            "it out."
        )
    for flag, wanted in FIXED.items():
        part, name = flag.split(".")
        found = getattr(getattr(settings, part), name)
        if found != wanted:
            raise SettingsError(
                f"--compiled trains with {flag} {wanted} alone, received {found}: change it, or leave --compiled out."
            )
    network, training = settings.network, settings.training
    return Trial(
        network.variant, network.units, training.learning_rate, training.momentum, network.noise, settings.seed
    )


@functools.lru_cache(maxsize=1)
def pieces_of(path: str) -> Pieces:
    """Reads the pieces that trials learn from, once for all trials of a process."""
    from seqlab.corpora.piano_roll import piano_rolls
    from seqlab.training.trials import Pieces

    return Pieces.of(piano_rolls(path))


if __name__ == "__main__":
    main(sys.argv[1:])
