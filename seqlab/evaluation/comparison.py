"""Two models on the same sentences: scores, their difference, and what is known of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from seqlab.evaluation.permutation import PermutationTest, permutation_test
from seqlab.evaluation.resampling import LEVEL, SAMPLES, Interval, bootstrap, bootstrap_difference
from seqlab.evaluation.sentence_counts import SentenceCounts


@dataclass(frozen=True)
class Comparison:
    """Scores of two models, with intervals, and the difference, second minus first.

    Attributes:
        scores: The two scores, between 0 and 1.
        intervals: Bootstrap interval of each.
        interval: Bootstrap interval of the difference, over the same draws of sentences for both.
        test: Paired permutation test of the difference.
        sentences: How many there are.
    """

    scores: tuple[float, float]
    intervals: tuple[Interval, Interval]
    interval: Interval
    test: PermutationTest
    sentences: int

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as JSON-safe values."""
        return {**asdict(self), "scores": list(self.scores), "intervals": [asdict(part) for part in self.intervals]}

    def table(self, names: tuple[str, str], figure: str = "F1") -> str:
        """Returns a table for people, in per cent.

        Args:
            names: What to call the models.
            figure: Name of the score.
        """
        rows = [
            (names[0], f"{100 * self.scores[0]:.2f}", str(self.intervals[0])),
            (names[1], f"{100 * self.scores[1]:.2f}", str(self.intervals[1])),
            ("difference", f"{100 * self.test.difference:+.2f}", str(self.interval)),
        ]
        width = max(len(row[0]) for row in rows)
        lines = [f"{'':{width}}  {figure:>8}  {100 * self.interval.level:g} % interval"]
        lines += [f"{name:<{width}}  {value:>8}  {interval}" for name, value, interval in rows]
        how = "all" if self.test.exact else "random"
        lines.append(
            f"p-value {self.test.p_value:.4g} (paired permutation test, {how} {self.test.exchanges:,} exchanges)"
        )
        return "\n".join(lines)


def compare(
    one: SentenceCounts, other: SentenceCounts, samples: int = SAMPLES, level: float = LEVEL, seed: int = 0
) -> Comparison:
    """Compares two models' outputs on the same sentences.

    Args:
        one: Counts of the first model, from `span_counts` or `token_counts`.
        other: Counts of the second.
        samples: Resamples of the intervals, and exchanges of the test.
        level: Confidence of the intervals.
        seed: Seed of all draws.

    Raises:
        DataError: If the two are not of the same sentences.
        SettingsError: For a level or a number of samples out of range.

    >>> from seqlab.evaluation.sentence_counts import token_counts
    >>> gold = [["N", "V"], ["N"], ["V"]]
    >>> found = compare(token_counts(gold, gold), token_counts(gold, [["N", "N"], ["N"], ["N"]]))
    >>> found.scores, found.test.difference, found.test.p_value
    ((1.0, 0.5), -0.5, 0.5)
    """
    return Comparison(
        scores=(one.value, other.value),
        intervals=(bootstrap(one, samples, level, seed), bootstrap(other, samples, level, seed)),
        interval=bootstrap_difference(one, other, samples, level, seed),
        test=permutation_test(one, other, samples, seed),
        sentences=len(one),
    )
