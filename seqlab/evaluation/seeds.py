"""What several runs reached, which differ in their seeds alone."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from seqlab.analysis.comparison import scipy_stats
from seqlab.errors import DataError, SettingsError
from seqlab.evaluation.resampling import LEVEL, Interval


@dataclass(frozen=True)
class Spread:
    """Where the scores of several runs lie.

    Attributes:
        values: The scores, in the order given.
        median: The middle one, or the mean of the two in the middle.
        minimum: The least.
        maximum: The greatest.
        mean: Their mean.
        stdev: Standard deviation of the sample, over n - 1; `None` for one score.
    """

    values: tuple[float, ...]
    median: float
    minimum: float
    maximum: float
    mean: float
    stdev: float | None

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as JSON-safe values."""
        return {**asdict(self), "values": list(self.values)}

    def __str__(self) -> str:
        """The spread in per cent."""
        if self.stdev is None:
            return f"{100 * self.median:.2f} (one run)"
        return (
            f"{100 * self.median:.2f} (median of {len(self.values)} runs; {100 * self.minimum:.2f} to "
            f"{100 * self.maximum:.2f}; mean {100 * self.mean:.2f}, standard deviation {100 * self.stdev:.2f})"
        )


def spread(values: Iterable[float]) -> Spread:
    """Says where scores lie.

    Args:
        values: Scores of runs, between 0 and 1.

    Raises:
        DataError: Without a score, or for one that is no number from 0 to 1.

    >>> print(spread([0.9438, 0.9426, 0.9435]))
    94.35 (median of 3 runs; 94.26 to 94.38; mean 94.33, standard deviation 0.06)
    """
    found = tuple(float(value) for value in values)
    if not found:
        raise DataError("Expected the scores of some runs, received none.")
    for value in found:
        if not 0 <= value <= 1:
            raise DataError(f"Expected scores between 0 and 1, received {value}.")
    return Spread(
        values=found,
        median=statistics.median(found),
        minimum=min(found),
        maximum=max(found),
        mean=statistics.fmean(found),
        stdev=statistics.stdev(found) if len(found) > 1 else None,
    )


@dataclass(frozen=True)
class SeedDifference:
    """How far one model is ahead of another over the seeds that both were trained with.

    Attributes:
        seeds: The seeds, in their order.
        mean: The mean of the differences.
        interval: Where the mean over many seeds lies; `None` for a single seed.
    """

    seeds: tuple[int, ...]
    mean: float
    interval: Interval | None

    def __str__(self) -> str:
        """The difference in points of per cent."""
        if self.interval is None:
            return f"{100 * self.mean:+.2f} (1 seed: no interval)"
        ends = f"{100 * self.interval.low:+.2f} to {100 * self.interval.high:+.2f}"
        return f"{100 * self.mean:+.2f} ({ends}, {len(self.seeds)} seeds)"


def seed_difference(
    one: Mapping[int, float], other: Mapping[int, float], level: float = LEVEL
) -> SeedDifference | None:
    """Compares two models by the seeds that both were trained with.

        d(s) = one(s) - other(s),    interval = mean(d) -+ t stdev(d) / sqrt(n)

    t is the (1 + level) / 2 quantile of Student's distribution with n - 1 degrees of freedom. The interval says how the
    difference would vary with other seeds, on the same test sentences.

    Args:
        one: Score by seed.
        other: Those of what it is compared with.
        level: The confidence.

    Returns:
        The difference, or `None` where no seed is in both.

    Raises:
        SettingsError: For a level that is not between 0 and 1.
        ImportError: Without SciPy, where there are two seeds or more.

    >>> print(seed_difference({1: 0.95, 2: 0.96, 3: 0.97}, {1: 0.94, 2: 0.94, 3: 0.96}))
    +1.33 (-0.10 to +2.77, 3 seeds)
    """
    if not 0 < level < 1:
        raise SettingsError(f"level lies between 0 and 1, as 0.95; received {level!r}.")
    seeds = tuple(sorted(set(one) & set(other)))
    if not seeds:
        return None
    found = [one[seed] - other[seed] for seed in seeds]
    mean = statistics.fmean(found)
    if len(found) == 1:
        return SeedDifference(seeds, mean, None)
    t = float(scipy_stats().t.ppf((1 + level) / 2, len(found) - 1))
    half = t * statistics.stdev(found) / len(found) ** 0.5
    return SeedDifference(seeds, mean, Interval(mean - half, mean + half, level))
