"""A forest of regression trees over hyperparameters, and the boxes into which each tree's leaves cut their space."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqlab.analysis.space import Axis
from seqlab.errors import DataError, check_count


@dataclass(frozen=True, eq=False)
class Leaves:
    """The leaves of one tree: boxes that fill the space without overlap, each with one value.

    Args:
        values: What the tree predicts in each leaf. (leaves,)
        starts: Where each leaf begins on each axis. (leaves, axes)
        stops: Where it ends. (leaves, axes)
        members: For each axis without order, which of its levels each leaf holds. (leaves, levels)
    """

    values: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    members: dict[int, np.ndarray]

    @property
    def lengths(self) -> np.ndarray:
        """The share of each axis that each leaf takes, (leaves, axes)."""
        lengths: np.ndarray = self.stops - self.starts
        for number, member in self.members.items():
            lengths[:, number] = member.mean(axis=1)
        return lengths


def grow(
    axes: Sequence[Axis],
    places: np.ndarray,
    targets: np.ndarray,
    trees: int = 100,
    leaf: int = 3,
    seed: int = 1,
    jobs: int | None = None,
) -> list[Leaves]:
    """Grows a forest and returns the leaves of each tree.

    Each tree sees as many trials as there are, drawn with replacement. A place that is NaN, because the hyperparameter
    was not active in that trial, is drawn anew for each tree by the axis' measure: where a parameter has no effect,
    the forest sees that it has none.

    Args:
        axes: The hyperparameters.
        places: Where each trial lies on each axis, as `Axis.place` tells. (trials, axes)
        targets: What is to be explained. (trials,)
        trees: How many trees.
        leaf: Least number of trials in a leaf.
        seed: Of all that is random; the result does not depend on `jobs`.
        jobs: Threads; all cores if not given.

    Raises:
        DataError: For a target that is no finite number.
        ImportError: Without scikit-learn.
    """
    check_count("trees", trees)
    check_count("leaf", leaf)
    check_count("jobs", jobs := jobs or os.cpu_count() or 1)
    if not np.isfinite(targets).all():
        raise DataError(f"{(~np.isfinite(targets)).sum()} of {len(targets)} targets are no finite numbers.")

    def one(state: np.random.SeedSequence) -> Leaves:
        return _tree(axes, places, targets, leaf, np.random.default_rng(state))

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, np.random.SeedSequence(seed).spawn(trees)))


def _tree(
    axes: Sequence[Axis], places: np.ndarray, targets: np.ndarray, leaf: int, random: np.random.Generator
) -> Leaves:
    try:
        from sklearn.tree import DecisionTreeRegressor
    except ImportError as error:
        raise ImportError("Analyses need scikit-learn: pip install 'seqlab[analysis]'.") from error
    filled = places.copy()
    for number, axis in enumerate(axes):
        unset = np.isnan(filled[:, number])
        filled[unset, number] = axis.draw(int(unset.sum()), random)
    chosen = random.integers(len(targets), size=len(targets))
    tree = DecisionTreeRegressor(min_samples_leaf=leaf, random_state=int(random.integers(2**31)))
    tree.fit(columns(axes, filled)[chosen], targets[chosen])
    return leaves_of(tree.tree_, axes)


def columns(axes: Sequence[Axis], places: np.ndarray) -> np.ndarray:
    """Returns what the trees read: a column for each ordered axis, one of 0 and 1 for each level of the others."""
    parts = []
    for number, axis in enumerate(axes):
        part = places[:, number, None]
        parts.append(part if axis.ordered else (part == np.arange(len(axis.levels))).astype("float64"))
    return np.concatenate(parts, axis=1).astype("float32")


def leaves_of(tree: Any, axes: Sequence[Axis]) -> Leaves:
    """Returns the leaves of a fitted scikit-learn tree (its `tree_`), walking down one level of it at a time."""
    source = [
        (number, level) for number, axis in enumerate(axes) for level in range(1 if axis.ordered else len(axis.levels))
    ]
    numbers, levels = np.array(source).T
    starts = np.zeros((tree.node_count, len(axes)))
    stops = np.ones_like(starts)
    members = {
        number: np.ones((tree.node_count, len(axis.levels)), bool)
        for number, axis in enumerate(axes)
        if not axis.ordered
    }
    cuts = _cuts(tree, axes, numbers)
    nodes = np.array([0])
    while True:
        nodes = nodes[tree.children_left[nodes] >= 0]
        if not len(nodes):
            break
        left, right = tree.children_left[nodes], tree.children_right[nodes]
        for table in (starts, stops, *members.values()):
            table[left] = table[right] = table[nodes]
        split = numbers[tree.feature[nodes]]
        ordered = np.array([axis.ordered for axis in axes])[split]
        stops[left[ordered], split[ordered]] = cuts[nodes[ordered]]
        starts[right[ordered], split[ordered]] = cuts[nodes[ordered]]
        for number, member in members.items():
            here = split == number
            level = levels[tree.feature[nodes[here]]]
            member[left[here], level] = False
            held = member[right[here], level]
            member[right[here]] = False
            member[right[here], level] = held
        nodes = np.concatenate([left, right])
    ends = tree.children_left < 0
    kept = {number: member[ends] for number, member in members.items()}
    return Leaves(tree.value[ends, 0, 0], starts[ends], stops[ends], kept)


def _cuts(tree: Any, axes: Sequence[Axis], numbers: np.ndarray) -> np.ndarray:
    """Where each inner node cuts its ordered axis."""
    cuts = np.zeros(tree.node_count)
    inner = tree.children_left >= 0
    for number, axis in enumerate(axes):
        if axis.ordered:
            here = inner & (numbers[np.where(inner, tree.feature, 0)] == number)
            cuts[here] = axis.cut(tree.threshold[here])
    return cuts
