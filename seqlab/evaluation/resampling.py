"""Intervals of scores, by drawing the sentences of the test set anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from seqlab.errors import SettingsError, check_count
from seqlab.evaluation.sentence_counts import SentenceCounts, check_same, f1

SAMPLES = 10_000
"""Resamples, and exchanges of the permutation test, if no number is given."""
LEVEL = 0.95
CHUNK = 1_000_000  # sentences drawn at once


@dataclass(frozen=True)
class Interval:
    """From where to where a score lies with some confidence.

    Attributes:
        low: Lower end.
        high: Upper end.
        level: The confidence, such as 0.95.
    """

    low: float
    high: float
    level: float

    def __str__(self) -> str:
        """Both ends in per cent."""
        return f"{100 * self.low:.2f} to {100 * self.high:.2f}"


def bootstrap(counts: SentenceCounts, samples: int = SAMPLES, level: float = LEVEL, seed: int = 0) -> Interval:
    """Returns the percentile interval of a score over sentences.

        b times: draw n of the n sentences with replacement, s(b) = score of those drawn
        interval = the (1 - level) / 2 and (1 + level) / 2 quantiles of s

    It says how the score would vary with other test sentences of the same kind, not with other seeds of training.

    Args:
        counts: What each sentence adds to the score.
        samples: How often to draw.
        level: Confidence, between 0 and 1.
        seed: Seed of the draws.

    Raises:
        SettingsError: For a level or a number of samples out of range.

    Reference: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13.
    """
    values = [f1(rows[drawn].sum(axis=1)) for rows, drawn in _drawn([counts], samples, level, seed)]
    return _interval(np.concatenate(values), level)


def bootstrap_difference(
    one: SentenceCounts, other: SentenceCounts, samples: int = SAMPLES, level: float = LEVEL, seed: int = 0
) -> Interval:
    """Returns the percentile interval of `score of other - score of one`, both of the same sentences in each draw.

    Arguments and errors as those of `bootstrap`.

    Raises:
        DataError: If the two are not of the same sentences.
    """
    check_same(one, other)
    values = []
    for rows, drawn in _drawn([one, other], samples, level, seed):
        sums = rows[drawn].sum(axis=1)  # (samples, 6)
        values.append(f1(sums[:, 3:]) - f1(sums[:, :3]))
    return _interval(np.concatenate(values), level)


def _drawn(
    counts: list[SentenceCounts], samples: int, level: float, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields the counts side by side, (sentences, counts), and which of them are drawn, (samples, sentences)."""
    check_count("samples", samples)
    if not 0 < level < 1:
        raise SettingsError(f"level must lie between 0 and 1, received {level!r}.")
    rows = np.concatenate([part.rows for part in counts], axis=1)
    random = np.random.default_rng(seed)
    size = max(1, CHUNK // len(rows))
    for start in range(0, samples, size):
        yield rows, random.integers(len(rows), size=(min(size, samples - start), len(rows)))


def _interval(values: np.ndarray, level: float) -> Interval:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level)
