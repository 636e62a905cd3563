"""Trials as compiled epochs: `python -m seqlab.tuning.compiled FOLDER` does the jobs of one folder after another.

A program of JAX is compiled for each variant and rounded size (`seqlab.training.trials`) and serves all further trials
of the process; programs are kept on disk for the processes that follow.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from seqlab.errors import SettingsError
from seqlab.frame_settings import FrameSettings
from seqlab.settings_part import Part
from seqlab.tuning.job import Job, read_job, write_result
from seqlab.tuning.kinds import settings_from
from seqlab.tuning.resident import serve
from seqlab.tuning.trial import Execution, run_job

if TYPE_CHECKING:
    from seqlab.training.trials import Pieces, Trial

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

    from seqlab.text.vector_cache import cache_folder
    from seqlab.training.compiled import keep_programs

    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.INFO)
    kept = cache_folder(True, 0)
    if kept is not None:
        keep_programs(kept / "jax")
    serve(name, lambda folder: write_result(folder, run_job(read_job(folder), folder, execute)))


def execute(job: Job, folder: Path, seed: int) -> Execution:
    """Trains with one seed, from the beginning: a compiled trial leaves nothing to go on with."""
    from seqlab.training.trials import run_trial

    settings = settings_from({**job.settings, "seed": seed})
    trial, pieces = trial_of(settings), pieces_of(job.settings["data"]["path"])
    options = job.settings["training"]
    found = run_trial(trial, pieces, options["epochs"], options["patience"])
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
