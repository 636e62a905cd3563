"""Time of the functional analysis of variance with all pairs, and how near it comes to known shares.

    python scripts/bench_fanova.py --trials 1000 10000 --leaf 3 1

Draws trials of eight hyperparameters (two of them log-uniform, one a whole number, one a choice of nine, one a boolean,
three uniform), scores them by a function of which the shares are known in closed form, with a little noise, and times
the growing of the forest and the shares of all 8 singles and 28 pairs. The error is the greatest distance of a share
from the true one, among singles and the one pair that interacts.
"""

from __future__ import annotations

import argparse
import os
import resource
import time

import numpy as np

from seqlab.analysis.fanova import Fanova, Importance
from seqlab.analysis.space import Axis, axis

NOISE = 0.05


def space() -> list[Axis]:
    """The eight hyperparameters."""
    return [
        axis("rate", "float", 1e-6, 1e-2, "log"),
        axis("units", "int", 20, 200, "log"),
        axis("noise", "float", 0, 1),
        axis("dropout", "float", 0, 1),
        axis("variant", "choice", values=list("abcdefghi")),
        axis("bias", "boolean"),
        axis("decay", "float", 1e-5, 1e-1, "log"),
        axis("momentum", "float", 0, 1),
    ]


def truth() -> dict[str, float]:
    """Shares of `draw`'s scores: the variances of its terms over their sum.

    u uniform on [0, 1] has 1/12, so 3 u has 9/12 and 6 (u - 1/2) (v - 1/2) has 36/144; one of nine levels has 80/12.
    """
    parts = {"rate": 9 / 12, "noise": 1 / 12, "variant": (81 - 1) / 12 / 16, "rate x dropout": 36 / 144}
    return {name: part / sum(parts.values()) for name, part in parts.items()}


def draw(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Places on the axes, and scores."""
    random = np.random.default_rng(seed)
    places = np.stack([one.draw(count, random) for one in space()], axis=1)
    rate, noise, dropout, variant = places[:, 0], places[:, 2], places[:, 3], places[:, 4]
    scores = 3 * rate + noise + variant / 4 + 6 * (rate - 0.5) * (dropout - 0.5)
    return places, scores + NOISE * random.normal(size=count)


def error(found: Importance) -> float:
    """Greatest distance of a share from the true one."""
    wanted = truth()
    gaps = [abs(found.single(name).mean - wanted.get(name, 0.0)) for name in found.names]
    return max(*gaps, abs(found.pair("rate", "dropout").mean - wanted["rate x dropout"]))


def row(trials: int, leaf: int, trees: int, jobs: int) -> str:
    """One line of the table."""
    places, scores = draw(trials)
    start = time.perf_counter()
    forest = Fanova(space(), places, scores, trees=trees, leaf=leaf, jobs=jobs)
    grown = time.perf_counter()
    found = forest.importance()
    done = time.perf_counter()
    leaves = np.mean([len(one.values) for one in forest.forest])
    parts = f"{grown - start:6.1f} {done - grown:6.1f} {done - start:6.1f}"
    return f"{trials:7,} {leaf:5} {trees:5} {leaves:7,.0f} {parts} {error(found):7.3f}"


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, nargs="+", default=[1000, 10_000], help="numbers of trials")
    parser.add_argument("--leaf", type=int, nargs="+", default=[3, 1], help="least numbers of trials in a leaf")
    parser.add_argument("--trees", type=int, default=100, help="trees of the forest")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="threads")
    options = parser.parse_args()
    print(f"{options.jobs} threads, 8 hyperparameters, 28 pairs; seconds")
    print(f"{'trials':>7} {'leaf':>5} {'trees':>5} {'leaves':>7} {'forest':>6} {'shares':>6} {'both':>6} {'error':>7}")
    for trials in options.trials:
        for leaf in options.leaf:
            print(row(trials, leaf, options.trees, options.jobs), flush=True)
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
