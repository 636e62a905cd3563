"""What several runs reached, which differ in their seeds alone."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from seqlab.errors import DataError


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
