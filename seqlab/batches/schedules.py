"""Which task a step of training belongs to, when several tasks with batches of their own are learnt at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from seqlab.errors import SettingsError, suggest


class Schedule(ABC):
    """Gives the order of an epoch's steps. It draws from the generator that it is given, so a seed fixes the order."""

    @abstractmethod
    def order(self, counts: Sequence[int], random: np.random.Generator) -> np.ndarray:
        """Returns the position of each step's task.

        Args:
            counts: Number of batches of each task, all above 0.
            random: Source of what is drawn.

        Returns:
            `(steps,)`. A task that is there more often than it has batches begins anew.
        """

    def check(self, tasks: Sequence[str], counts: Sequence[int] | None = None) -> None:
        """Refuses a schedule that does not fit these tasks, or never visits one.

        Args:
            tasks: Their names.
            counts: Number of batches of each, where it is known.

        Raises:
            SettingsError: It names the task, or how many there are.
        """
        if not tasks:
            raise SettingsError("Expected at least one task, received none.")


@dataclass(frozen=True)
class Exhaustive(Schedule):
    """Algorithm 1 of Lu, Bai and Langlais: a task at random among those with batches left, until none has.

    p(k) = 1 / number of tasks with batches left. Small tasks are mostly used up early in the epoch.
    """

    def order(self, counts: Sequence[int], random: np.random.Generator) -> np.ndarray:
        """Uses every batch of every task once."""
        left = np.array(counts)
        steps = []
        while left.any():
            task = random.choice(np.flatnonzero(left))
            left[task] -= 1
            steps.append(task)
        return np.array(steps, int)


@dataclass(frozen=True)
class Proportional(Schedule):
    """A task at random in proportion to its batches left: p(k) = left(k) / sum of left. All tasks end together."""

    def order(self, counts: Sequence[int], random: np.random.Generator) -> np.ndarray:
        """Uses every batch of every task once: such draws are a random order of all batches."""
        return random.permutation(np.repeat(np.arange(len(counts)), counts))


@dataclass(frozen=True)
class Sequential(Schedule):
    """One task after the other, as validation does. Training in this order forgets the tasks that come first."""

    def order(self, counts: Sequence[int], random: np.random.Generator) -> np.ndarray:
        """Uses every batch of every task once."""
        return np.repeat(np.arange(len(counts)), counts)


@dataclass(frozen=True)
class Steps(Schedule):
    """Base of the schedules with a fixed number of steps.

    Attributes:
        steps: Steps of an epoch; as many as all tasks have batches if not given.
    """

    steps: int | None = None

    def check(self, tasks: Sequence[str], counts: Sequence[int] | None = None) -> None:
        """Refuses fewer steps than there are tasks."""
        super().check(tasks, counts)
        if self.steps is not None and self.steps < len(tasks):
            raise SettingsError(
                f"An epoch of {self.steps} steps cannot visit {len(tasks)} tasks ({', '.join(tasks)}): give at least "
                f"{len(tasks)} steps."
            )


@dataclass(frozen=True)
class Temperature(Steps):
    """Draws tasks with p(k) in proportion to batches(k) ^ (1 / temperature).

    At 1 large tasks come as often as their size says, at greater temperatures small ones gain.

    Attributes:
        steps: As in `Steps`.
        temperature: Above 0.
    """

    temperature: float = 2.0

    def __post_init__(self) -> None:
        if not 0 < self.temperature < np.inf:
            raise SettingsError(f"The temperature of a schedule is a number above 0, received {self.temperature!r}.")

    def check(self, tasks: Sequence[str], counts: Sequence[int] | None = None) -> None:
        """Refuses a temperature so near 0 that the share of a small task is 0."""
        super().check(tasks, counts)
        if counts is not None:
            _check_shares(tasks, self._weights(counts))

    def order(self, counts: Sequence[int], random: np.random.Generator) -> np.ndarray:
        """Draws each step for itself."""
        return _drawn(self._weights(counts), self.steps or sum(counts), random)

    def _weights(self, counts: Sequence[int]) -> np.ndarray:
        logs = np.log(np.array(counts, float)) / self.temperature
        return np.exp(logs - logs.max())


@dataclass(frozen=True)
class Uniform(Steps):
    """Draws all tasks equally often: p(k) = 1 / number of tasks. Small tasks are seen several times an epoch."""

    def order(self, counts: Sequence[int], random: np.random.Generator) -> np.ndarray:
        """Draws each step for itself."""
        return _drawn(np.ones(len(counts)), self.steps or sum(counts), random)


@dataclass(frozen=True)
class Alternating(Steps):
    """The tasks in turn, again and again; nothing is drawn.

    Attributes:
        steps: Steps of an epoch; if not given, until all batches of every task have been used at least once.
        turns: How many steps each task has in a row, in the order of the tasks; 1 each if not given.
    """

    turns: tuple[int, ...] | None = None

    def check(self, tasks: Sequence[str], counts: Sequence[int] | None = None) -> None:
        """Refuses turns for another number of tasks, tasks without a turn, and an end within the first round."""
        super().check(tasks, counts)
        if self.turns is not None and len(self.turns) != len(tasks):
            raise SettingsError(f"The schedule has turns for {len(self.turns)} tasks, there are {len(tasks)}.")
        for name, turns in zip(tasks, self.turns or (), strict=False):
            if turns < 1:
                raise SettingsError(f"The schedule never visits the task {name!r}: it has {turns} turns in a round.")
        if self.steps is not None and self.steps < sum(self.turns or (1,) * len(tasks)):
            raise SettingsError(f"An epoch of {self.steps} steps is over before all of {', '.join(tasks)} had a turn.")

    def order(self, counts: Sequence[int], random: np.random.Generator) -> np.ndarray:
        """Repeats the round."""
        turns = np.array(self.turns or (1,) * len(counts))
        circle = np.repeat(np.arange(len(counts)), turns)
        rounds = int(np.max(-(-np.array(counts) // turns)))
        return np.resize(circle, self.steps or rounds * len(circle))


@dataclass(frozen=True)
class Weighted(Steps):
    """Draws tasks by weights: p(k) in proportion to weights(k). `ScoreWeights` changes them between epochs.

    Attributes:
        steps: As in `Steps`.
        weights: A number above 0 for each task, in their order; equal ones if not given.
    """

    weights: tuple[float, ...] | None = None

    def check(self, tasks: Sequence[str], counts: Sequence[int] | None = None) -> None:
        """Refuses weights for another number of tasks, or none above 0."""
        super().check(tasks, counts)
        if self.weights is None:
            return
        if len(self.weights) != len(tasks):
            raise SettingsError(f"The schedule has {len(self.weights)} weights for {len(tasks)} tasks: give one each.")
        for name, weight in zip(tasks, self.weights, strict=True):
            if not 0 < weight < np.inf:
                raise SettingsError(
                    f"The schedule never visits the task {name!r}, or it alone: its weight is {weight}, expected a "
                    "number above 0."
                )
        _check_shares(tasks, np.array(self.weights, float))

    def order(self, counts: Sequence[int], random: np.random.Generator) -> np.ndarray:
        """Draws each step for itself."""
        weights = np.ones(len(counts)) if self.weights is None else np.array(self.weights, float)
        return _drawn(weights, self.steps or sum(counts), random)

    def weighted(self, weights: Sequence[float]) -> Weighted:
        """Returns the schedule with other weights."""
        return replace(self, weights=tuple(float(weight) for weight in weights))


def _drawn(weights: np.ndarray, steps: int, random: np.random.Generator) -> np.ndarray:
    return random.choice(len(weights), size=steps, p=weights / weights.sum())


def _check_shares(tasks: Sequence[str], weights: np.ndarray) -> None:
    for name, share in zip(tasks, weights / weights.sum(), strict=True):
        if not share:  # too small for a float beside the greatest
            raise SettingsError(
                f"The schedule never visits the task {name!r}: its share is 0. Weights that differ less, or a greater "
                "temperature, give it one."
            )


SCHEDULES: dict[str, type[Schedule]] = {
    "exhaustive": Exhaustive,
    "proportional": Proportional,
    "uniform": Uniform,
    "temperature": Temperature,
    "alternating": Alternating,
    "weighted": Weighted,
    "sequential": Sequential,
}
"""The schedules by their names in settings."""


def find_schedule(schedule: str | Schedule) -> Schedule:
    """Returns the schedule of that name with its defaults, or the schedule itself.

    Raises:
        SettingsError: For a name that is not in `SCHEDULES`.
    """
    if isinstance(schedule, Schedule):
        return schedule
    if schedule not in SCHEDULES:
        raise SettingsError(
            f"Unknown schedule {schedule!r}; expected one of {', '.join(SCHEDULES)}.{suggest(str(schedule), SCHEDULES)}"
        )
    return SCHEDULES[schedule]()
