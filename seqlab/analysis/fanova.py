"""Functional analysis of variance of a forest: how much of a score's variance each hyperparameter explains."""

from __future__ import annotations

import copy
import itertools
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from seqlab.analysis.forest import Leaves, grow
from seqlab.analysis.space import Axis
from seqlab.errors import DataError, SettingsError, suggest

LEAST_TRIALS = 10


class Share(NamedTuple):
    """A share of the variance: its mean over trees, their standard deviation, and that of forests' means.

    Trees are drawn independently of one another, so means of forests of T trees spread by `trees / sqrt(T)`. What
    other trials would have given is not in it.
    """

    mean: float
    trees: float
    forests: float


@dataclass(frozen=True, eq=False)
class Importance:
    """Shares of the variance of a forest's predictions, over trees.

    Args:
        names: The hyperparameters.
        singles: Share of each alone. (trees, names)
        pairs: Share of each pair's interaction alone, by the pair's names in the order of `names`. (trees,) each
        variances: Variance of each tree over the whole space. (trees,)
    """

    names: tuple[str, ...]
    singles: np.ndarray
    pairs: dict[tuple[str, str], np.ndarray]
    variances: np.ndarray

    def single(self, name: str) -> Share:
        """Returns the share of one hyperparameter alone."""
        return _share(self.singles[:, _index(name, self.names)])

    def pair(self, one: str, other: str) -> Share:
        """Returns the share that is due to the interaction of two hyperparameters and to none of them alone."""
        first, second = sorted((one, other), key=lambda name: _index(name, self.names))
        if first == second:
            raise SettingsError(f"A pair is two hyperparameters. Received: {one!r} twice.")
        return _share(self.pairs[first, second])

    def higher(self, beyond: int = 2) -> Share:
        """Returns the share of interactions of more than `beyond` (1 or 2) hyperparameters."""
        if beyond not in (1, 2):
            raise SettingsError(f"`beyond` must be 1 or 2. Received: {beyond!r}.")
        rest = 1 - self.singles.sum(axis=1)
        return _share(rest - sum(self.pairs.values()) if beyond == 2 else rest)


class Marginal(NamedTuple):
    """What is predicted along one axis, averaged over all others: places, values there, mean and spread of trees."""

    name: str
    places: np.ndarray
    values: list[Any]
    mean: np.ndarray
    spread: np.ndarray


class PairMarginal(NamedTuple):
    """What is predicted over two axes, averaged over all others, and the part of it that is interaction alone."""

    first: Marginal
    second: Marginal
    mean: np.ndarray  # (places of the first, places of the second)
    interaction: np.ndarray  # the same shape: less both marginals, plus the mean of all


class Fanova:
    """Functional ANOVA of a forest (Hutter, Hoos & Leyton-Brown 2014), exact for each tree.

    A tree f is constant on boxes, so each integral over its space is a finite sum. With the axes' measures, and
    a_U(x_U) the mean of f over all axes but those in U:

        V     = int f(x)^2 dx - a_0^2                          a_0 = int f(x) dx
        V_i   = int a_i(x_i)^2 dx_i - a_0^2
        V_ij  = int a_ij(x_i, x_j)^2 dx_i dx_j - a_0^2 - V_i - V_j

    and V_i / V is the share of i alone, V_ij / V that of the interaction of i and j alone; what singles and pairs leave
    is of higher order. A value that is not set in a trial (its condition did not hold) is drawn at random for each
    tree: the variance is that of f over the whole product space, where an inactive hyperparameter has no effect.

    Args:
        axes: The hyperparameters.
        places: Where each trial lies on each axis, NaN where it is not set. (trials, axes)
        targets: The score of each trial. (trials,)
        trees: How many trees.
        leaf: Least number of trials in a leaf.
        seed: Of all that is random.
        jobs: Threads; all cores if not given.

    Raises:
        DataError: For fewer than 10 trials, scores that are all the same, or scores that are not finite.
        SettingsError: Without any hyperparameter.
    """

    def __init__(
        self,
        axes: Sequence[Axis],
        places: np.ndarray,
        targets: np.ndarray,
        trees: int = 100,
        leaf: int = 3,
        seed: int = 1,
        jobs: int | None = None,
    ) -> None:
        if not axes:
            raise SettingsError("There is no hyperparameter to analyse: name some, or search over some.")
        if len(targets) < LEAST_TRIALS:
            raise DataError(
                f"An analysis of variance needs at least {LEAST_TRIALS} trials with a value, received {len(targets)}: "
                "run more."
            )
        if np.ptp(targets) == 0:
            raise DataError(
                f"All {len(targets)} values are {targets[0]:g}: there is no variance to explain. Is this the right "
                "column?"
            )
        self.axes = tuple(axes)
        self.names = tuple(axis.name for axis in axes)
        self.jobs = jobs or os.cpu_count() or 1
        self.forest = grow(axes, places, np.asarray(targets, "float64"), trees, leaf, seed, self.jobs)

    def importance(self) -> Importance:
        """Returns the shares of all hyperparameters and pairs.

        Raises:
            DataError: If no tree has found anything to split by.
        """
        pairs = list(itertools.combinations(range(len(self.axes)), 2))
        with ThreadPoolExecutor(self.jobs) as pool:
            rows = [row for row in pool.map(lambda leaves: variances(leaves, pairs), self.forest) if row[0] > 0]
        if not rows:
            raise DataError(
                "No tree of the forest splits: there are too few trials for leaves of that size. Run more trials, or "
                "set `leaf` to 1."
            )
        table = np.array(rows)
        shares = table[:, 1:] / table[:, :1]
        count = len(self.axes)
        named = {(self.names[i], self.names[j]): shares[:, count + k] for k, (i, j) in enumerate(pairs)}
        return Importance(self.names, shares[:, :count], named, table[:, 0])

    def marginal(self, name: str, points: int = 50) -> Marginal:
        """Returns what the forest predicts along one axis, averaged over the others; the spread is that over trees."""
        number = _index(name, self.names)
        places, values = self.axes[number].grid(points)
        curves = []
        for leaves in self.forest:
            line = Line(leaves, number)
            curves.append(line.fill(leaves.values * _others(leaves.lengths, number))[line.find(places)])
        return Marginal(name, places, values, np.mean(curves, axis=0), np.std(curves, axis=0))

    def pair(self, one: str, other: str, points: int = 50) -> PairMarginal:
        """Returns what the forest predicts over two axes, averaged over the others."""
        i, j = _index(one, self.names), _index(other, self.names)
        if i == j:
            raise SettingsError(f"A pair is two hyperparameters. Received: {one!r} twice.")
        first, second = self.marginal(one, points), self.marginal(other, points)
        mean = np.zeros((len(first.places), len(second.places)))
        for leaves in self.forest:
            weights = leaves.values * _others(leaves.lengths, i, j)
            lines = Line(leaves, i).at(first.places), Line(leaves, j).at(second.places)
            mean += fill(*lines, weights) / len(self.forest)
        overall = np.mean([leaves.values @ leaves.lengths.prod(axis=1) for leaves in self.forest])
        return PairMarginal(first, second, mean, mean - first.mean[:, None] - second.mean + overall)


class Line:
    """One axis as a tree cuts it: cells that no leaf divides, and which of them each leaf covers.

    Args:
        leaves: The tree.
        number: Of the axis.
    """

    def __init__(self, leaves: Leaves, number: int) -> None:
        self.member = leaves.members.get(number)
        self.size: int
        if self.member is not None:
            self.size = self.member.shape[1]
            self.lengths = np.full(self.size, 1 / self.size)
            return
        starts, stops = leaves.starts[:, number], leaves.stops[:, number]
        self.edges = np.unique(np.concatenate([starts, stops]))
        self.lengths = np.diff(self.edges)
        self.size = len(self.lengths)
        self.start, self.stop = np.searchsorted(self.edges, starts), np.searchsorted(self.edges, stops)

    def find(self, places: np.ndarray) -> np.ndarray:
        """Returns the cell of each place."""
        if self.member is not None:
            return places.astype(int)
        return np.clip(np.searchsorted(self.edges, places, side="right") - 1, 0, self.size - 1)

    def at(self, places: np.ndarray) -> Line:
        """Returns a line with sorted places in its cells' stead; a line of levels has them all already."""
        line = copy.copy(self)
        if line.member is None:
            cells = self.find(places)
            line.start, line.stop = np.searchsorted(cells, self.start), np.searchsorted(cells, self.stop)
            line.size, line.lengths = len(places), np.full(len(places), 1 / len(places))
        return line

    def fill(self, weights: np.ndarray) -> np.ndarray:
        """Returns the sum, in each cell, of the weights of the leaves that cover it."""
        if self.member is not None:
            return np.asarray(weights @ self.member)
        steps = np.bincount(self.start, weights, self.size + 1) - np.bincount(self.stop, weights, self.size + 1)
        return np.cumsum(steps)[:-1]


def fill(first: Line, second: Line, weights: np.ndarray) -> np.ndarray:
    """Returns the sum, in each cell of two lines' grid, of the weights of the leaves that cover it."""
    if first.member is not None and second.member is not None:
        return np.asarray((first.member * weights[:, None]).T @ second.member)
    if first.member is not None:
        return np.array([second.fill(weights * held) for held in first.member.T])
    if second.member is not None:
        return fill(second, first, weights).T
    # Each leaf puts its weight at its box's corners with alternating signs: sums along both axes then fill the boxes.
    width = second.size + 1
    corners = [first.start * width, first.stop * width]
    cells = np.concatenate([row + column for row in corners for column in (second.start, second.stop)])
    signed = np.concatenate([weights, -weights, -weights, weights])
    steps = np.bincount(cells, signed, (first.size + 1) * width).reshape(-1, width)
    return np.cumsum(np.cumsum(steps[:-1], axis=0, out=steps[:-1]), axis=1)[:, :-1]


def variances(leaves: Leaves, pairs: Sequence[tuple[int, int]]) -> list[float]:
    """Returns V of a tree, then V_i of each axis, then V_ij of each pair of axes."""
    lengths = leaves.lengths
    volumes = lengths.prod(axis=1)
    # Variances do not depend on the zero point, and rounding is least about the mean.
    values = leaves.values - leaves.values @ volumes
    lines = [Line(leaves, number) for number in range(lengths.shape[1])]
    singles = [
        float(line.lengths @ line.fill(values * _others(lengths, number)) ** 2) for number, line in enumerate(lines)
    ]
    found = [float(values**2 @ volumes), *singles]
    for i, j in pairs:
        grid = fill(lines[i], lines[j], values * _others(lengths, i, j))
        found.append(float(lines[i].lengths @ (grid * grid) @ lines[j].lengths) - singles[i] - singles[j])
    return found


def _others(lengths: np.ndarray, *numbers: int) -> np.ndarray:
    """The volume of each leaf over all axes but some."""
    return np.asarray(np.delete(lengths, numbers, axis=1).prod(axis=1))


def _share(shares: np.ndarray) -> Share:
    spread = float(shares.std(ddof=1)) if len(shares) > 1 else 0.0
    return Share(float(shares.mean()), spread, spread / len(shares) ** 0.5)


def _index(name: str, names: Sequence[str]) -> int:
    if name not in names:
        raise SettingsError(
            f"There is no hyperparameter {name!r}; expected one of {', '.join(names)}.{suggest(name, names)}"
        )
    return names.index(name)
