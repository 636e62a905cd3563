"""Trials of a search over small recurrent models: whole trainings, one by one or side by side."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from seqlab.batches.packing import Packed, pack
from seqlab.corpora.piano_roll import PianoRolls
from seqlab.errors import SettingsError, check_count
from seqlab.training.compiled import Program, Rates, State, keys_of

EPOCHS, PATIENCE = 150, 15
WIDTHS = (28, 40, 56, 80, 112, 152, 200)
"""Sizes that layers are rounded up to: a program is compiled for each variant and size."""


@dataclass(frozen=True)
class Trial:
    """The hyperparameters of one training.

    Attributes:
        variant: Code of the LSTM variant.
        units: Blocks of its layer.
        learning_rate: Rate of SGD, before it is multiplied by (1 - momentum).
        momentum: Nesterov's.
        noise: Standard deviation of the Gaussian noise on the inputs.
        seed: Of the initial weights, the order of pieces and the noise.
    """

    variant: str
    units: int
    learning_rate: float
    momentum: float
    noise: float
    seed: int


@dataclass(frozen=True)
class Outcome:
    """What a training gave.

    Attributes:
        status: `completed`, or `diverged` where the loss was no number after some epoch.
        score: Best negative log-likelihood per step on the validation pieces, before it diverged; `None` without any.
        test: That of the test pieces, with the weights of the best validation value; `None` if it is no number.
        epochs: Epochs run.
        seconds: Time that they took, without compiling; in a population each model's equal share of all.
        processor_seconds: Time of the processor likewise, which other processes on the machine do not lengthen.
        weights: Number of trainable weights.
        error: Since when the loss is no number, and whether that of the test pieces is none.
        best: The weights of the best validation value: the cell's, then those of the outputs.
    """

    status: str
    score: float | None
    test: float | None
    epochs: int
    seconds: float
    processor_seconds: float
    weights: int
    error: str = ""
    best: list[np.ndarray] = field(default_factory=list, repr=False)


class Pieces(NamedTuple):
    """A data set, packed."""

    train: Packed
    valid: Packed
    test: Packed

    @classmethod
    def of(cls, rolls: PianoRolls) -> Pieces:
        """Packs a data set."""
        return cls(pack(rolls.train), pack(rolls.valid), pack(rolls.test))


class Progress:
    """One trial's way through the epochs."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.best, self.waited, self.epochs = math.inf, 0, 0
        self.weights: list[np.ndarray] = []
        self.error, self.stopped = "", False

    def observe(self, value: float) -> bool:
        """Counts an epoch; says whether its value is the best so far."""
        self.epochs += 1
        if not math.isfinite(value):  # and so it stays: NaN weights do not recover
            self.error, self.stopped = f"the loss is no number from epoch {self.epochs} on", True
            return False
        better = value < self.best
        self.best, self.waited = (value, 0) if better else (self.best, self.waited + 1)
        self.stopped = self.waited >= self.patience
        return better


def run_trial(trial: Trial, pieces: Pieces, epochs: int = EPOCHS, patience: int = PATIENCE) -> Outcome:
    """Trains one model, with an update after each piece.

    An epoch goes over all training pieces in an order of its own. Training ends after `epochs`, after `patience` epochs
    without a better validation value, or when the loss is no number any more. What was best before that counts.

    Args:
        trial: Its hyperparameters.
        pieces: The data.
        epochs: Most epochs.
        patience: Epochs without a better value after which training stops.

    Raises:
        SettingsError: On another backend than JAX, or for counts below 1.
    """
    return _run([trial], pieces, epochs, patience, trial.seed, population=False)[0]


def run_population(
    trials: Sequence[Trial], pieces: Pieces, epochs: int = EPOCHS, patience: int = PATIENCE, order_seed: int = 0
) -> list[Outcome]:
    """Trains several models of one variant side by side, as one program.

    Each is as in `run_trial`, but that all meet the pieces in one order. The program runs until the last of them stops.

    Args:
        trials: Their hyperparameters; the widest layer sets the size of all.
        pieces: The data.
        epochs: As in `run_trial`.
        patience: As in `run_trial`.
        order_seed: Of the order of pieces, in place of the trials' own seeds.

    Raises:
        SettingsError: For no trial, or trials of several variants; and as `run_trial`.
    """
    variants = sorted({trial.variant for trial in trials})
    if len(variants) != 1:
        raise SettingsError(f"A population is of one variant, received {variants}: run one population for each.")
    return _run(trials, pieces, epochs, patience, order_seed, population=True)


def width_of(units: int) -> int:
    """The size that a layer is rounded up to.

    >>> width_of(65), width_of(200), width_of(201)
    (80, 200, 232)
    """
    return next((width for width in WIDTHS if width >= units), 200 - -(units - 200) // 32 * 32)


def rates_of(trial: Trial) -> Rates:
    """The rates of a trial's program: that of SGD is multiplied by (1 - momentum).

    >>> float(rates_of(Trial("V", 20, learning_rate=1.0, momentum=0.75, noise=0.5, seed=1)).learning_rate)
    0.25
    """
    # Typed: a plain number would be another program.
    return Rates(*map(np.float32, (trial.learning_rate * (1 - trial.momentum), trial.momentum, trial.noise)))


def _run(
    trials: Sequence[Trial], pieces: Pieces, epochs: int, patience: int, order_seed: int, population: bool
) -> list[Outcome]:
    check_count("epochs", epochs)
    check_count("patience", patience)
    units = [trial.units for trial in trials]
    keys, bounds = pieces.train.steps.shape[-1], pieces.train.bounds
    program = _program(trials[0].variant, width_of(max(units)), keys, bounds, population)
    state, rates, live = _start(program, trials)
    groups, tests = pieces.valid.split(), pieces.test.split()
    count, size = int(pieces.valid.lengths.sum()), len(pieces.train.lengths)
    progress = [Progress(patience) for _ in trials]
    seeds = [trial.seed for trial in trials]

    def epoch(state: State, number: int) -> tuple[State, np.ndarray]:
        order = np.random.default_rng((order_seed, number)).permutation(size).astype("int32")
        draws = keys_of(seeds, number)
        state, _ = program.epoch(state, rates, live, draws if population else draws[0], order, pieces.train.arrays)
        return state, np.atleast_1d(program.totals(state.weights, groups))

    _compile(program, pieces, len(trials), lambda: (epoch(state, 0), program.totals(state.weights, tests)))
    started = time.perf_counter(), time.process_time()
    for number in range(1, epochs + 1):
        state, totals = epoch(state, number)
        for n, (own, total) in enumerate(zip(progress, totals.tolist(), strict=True)):
            if not own.stopped and own.observe(total / count):
                own.weights = [weight[n] if population else weight for weight in state.weights]
        if all(own.stopped for own in progress):
            break
    ended = time.perf_counter(), time.process_time()
    took = ((ended[0] - started[0]) / len(trials), (ended[1] - started[1]) / len(trials))
    return [_outcome(program, trial, own, pieces.test, took) for trial, own in zip(trials, progress, strict=True)]


@functools.lru_cache(maxsize=128)
def _program(variant: str, width: int, keys: int, bounds: tuple[int, ...], population: bool) -> Program:
    return Program(variant, width, keys, bounds, population)


def _start(program: Program, trials: Sequence[Trial]) -> tuple[State, Rates, list[Any]]:
    """States, rates and live weights of all trials; with a leading axis of trials for a population."""
    weights = [program.widened(program.initial(trial.units, trial.seed), trial.units) for trial in trials]
    live = [program.live(trial.units) for trial in trials]
    rates = [rates_of(trial) for trial in trials]
    if not program.population:
        return State(weights[0], [np.zeros_like(x) for x in weights[0]]), rates[0], live[0]
    stacked = [np.stack(parts) for parts in zip(*weights, strict=True)]
    rows = [np.array(parts) for parts in zip(*rates, strict=True)]
    return (
        State(stacked, [np.zeros_like(x) for x in stacked]),
        Rates(*rows),
        [np.stack(parts) for parts in zip(*live, strict=True)],
    )


def _compile(program: Program, pieces: Pieces, count: int, run: Any) -> None:
    """Runs something once for each shape of the data, so that what follows is not timed with the compiler."""
    shapes = (count, *((part.steps.shape, part.bounds) for part in pieces))
    if shapes not in program.compiled:
        run()
        program.compiled.add(shapes)


def _outcome(program: Program, trial: Trial, own: Progress, test: Packed, took: tuple[float, float]) -> Outcome:
    size = sum(int(np.prod(shape)) for shape in program.shapes(trial.units))
    if not own.weights:
        return Outcome("diverged", None, None, own.epochs, *took, size, own.error)
    weights = [weight[None] for weight in own.weights] if program.population else own.weights
    total = float(np.ravel(program.totals(weights, test.split()))[0])
    best = program.narrowed(own.weights, trial.units)
    value = total / int(test.lengths.sum())
    status = "diverged" if own.error else "completed"
    if math.isfinite(value):
        return Outcome(status, own.best, value, own.epochs, *took, size, own.error, best)
    error = "; ".join(text for text in (own.error, "the loss of the test pieces is no number") if text)
    return Outcome(status, own.best, None, own.epochs, *took, size, error, best)
