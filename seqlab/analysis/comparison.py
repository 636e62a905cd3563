"""Whether groups of trials differ: the best of each by validation score, Welch's tests of their test values, boxes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from seqlab.analysis.trials import Trials
from seqlab.errors import DataError, SettingsError, suggest

Values = Literal["test", "score"]
QUADRATURE = 200  # nodes over which the chance of a finding is averaged


class Welch(NamedTuple):
    """Welch's t-test of the difference of two means."""

    difference: float
    t: float
    freedom: float
    p: float


@dataclass(frozen=True)
class Comparison:
    """One group against the baseline.

    Args:
        name: The group.
        values: The values compared.
        welch: The test; its difference is the group's mean less the baseline's.
        corrected: The p-value times the number of tests, at most 1 (Bonferroni).
        detectable: Least true difference that a test of these spreads and sizes finds with the power asked for.
        verdict: `better`, `worse`, or `not different` at the corrected level.
    """

    name: str
    values: np.ndarray
    welch: Welch
    corrected: float
    detectable: float
    verdict: str


@dataclass(frozen=True, eq=False)
class Box:
    """What a box plot shows of a group: the finite values, how many lack one, the mean number of weights."""

    name: str
    values: np.ndarray
    diverged: int
    weights: float


def best(trials: Trials, fraction: float = 0.1) -> Trials:
    """Returns the best trials by validation score, rounded up to whole ones. Test values have no say.

    Trials without a score count in the number of which a fraction is taken, and rank last.

    Raises:
        SettingsError: For a fraction outside (0, 1].
        DataError: If fewer have a score than are asked for.
    """
    if not 0 < fraction <= 1:
        raise SettingsError(f"the fraction of best trials must be above 0 and at most 1. Received: {fraction!r}.")
    count = math.ceil(fraction * len(trials) - 1e-9)
    if count > len(trials) - trials.without_score:
        raise DataError(
            f"{trials.name}: the best {count} of {len(trials)} trials cannot be taken, {trials.without_score} of them "
            "diverged without a score. Ask for a smaller fraction, or search where training converges.",
            trials.file,
        )
    scores = trials.numbers["score"] * trials.sign
    chosen = np.zeros(len(trials), bool)
    chosen[np.argsort(scores, kind="stable")[:count]] = True  # NaN sorts last
    return trials.where(chosen)


def values_of(trials: Trials, column: Values = "test") -> np.ndarray:
    """Returns the test values (or scores) of trials that must all have one.

    Raises:
        DataError: If some have none.
    """
    found = trials.numbers[column]
    if np.isnan(found).any():
        raise DataError(
            f"{trials.name}: {np.isnan(found).sum()} of the {len(found)} best trials have no {column} value. Score "
            "them, or compare validation scores.",
            trials.file,
        )
    return found


def boxes(groups: Mapping[str, Trials], column: Values = "test", fraction: float | None = None) -> list[Box]:
    """Returns the boxes of groups: of all their trials, or of the best fraction of each.

    Trials without a score have no place in a box: their number is told.
    """
    found = []
    for name, trials in groups.items():
        chosen = trials if fraction is None else best(trials, fraction)
        values = np.where(np.isnan(chosen.numbers["score"]), np.nan, chosen.numbers[column])
        weights = chosen.numbers["weights"]
        mean = float(np.nanmean(weights)) if np.isfinite(weights).any() else math.nan
        found.append(Box(name, values[np.isfinite(values)], chosen.without_score, mean))
    return found


def compare(
    groups: Mapping[str, Trials],
    baseline: str,
    fraction: float = 0.1,
    column: Values = "test",
    alpha: float = 0.05,
    power: float = 0.8,
    skipped: list[DataError] | None = None,
) -> list[Comparison]:
    """Tests each group's best trials against the baseline's by Welch's t-test, with Bonferroni's correction.

    Args:
        groups: Trials by name.
        baseline: Name of the group that all others are compared with.
        fraction: How many of each group's trials, the best by validation score.
        column: What is compared.
        alpha: Chance of any false finding among all tests.
        power: Chance to find the detectable difference.
        skipped: Takes the error of each group, other than the baseline, that cannot be tested; without it the first
            one is raised. Bonferroni's factor is the number of groups, tested or not: that was planned.

    Raises:
        DataError: For fewer than two values on a side, no spread on both, or a missing value.
        SettingsError: For a baseline that is no group, or a level or power outside (0, 1).
    """
    _check(groups, baseline, alpha, power)
    sign = groups[baseline].sign
    reference = values_of(best(groups[baseline], fraction), column)
    try:
        _check_enough(reference, reference)
    except DataError as error:
        raise DataError(f"{baseline}: {error}", groups[baseline].file) from None
    others = [name for name in groups if name != baseline]
    found = []
    for name in others:
        try:
            values = values_of(best(groups[name], fraction), column)
            test = _named(name, baseline, groups[name].file, values, reference)
        except DataError as error:
            if skipped is None:
                raise
            skipped.append(error)
            continue
        corrected = min(1.0, test.p * len(others))
        verdict = "not different" if corrected >= alpha else "worse" if test.difference * sign > 0 else "better"
        least = detectable(values, reference, alpha / len(others), power)
        found.append(Comparison(name, values, test, corrected, least, verdict))
    return found


def _check(groups: Mapping[str, Trials], baseline: str, alpha: float, power: float) -> None:
    if baseline not in groups:
        raise SettingsError(
            f"there is no group {baseline!r}; expected one of {', '.join(groups)}.{suggest(baseline, groups)}"
        )
    for name, value in (("alpha", alpha), ("power", power)):
        if not 0 < value < 1:
            raise SettingsError(f"`{name}` must lie between 0 and 1. Received: {value!r}.")


def _named(name: str, baseline: str, file: str, values: np.ndarray, reference: np.ndarray) -> Welch:
    try:
        return welch(values, reference)
    except DataError as error:
        raise DataError(f"{name} against {baseline}: {error}", file) from None


def welch(one: np.ndarray, other: np.ndarray) -> Welch:
    """Returns Welch's test of the means of two samples, two-sided.

    With means m, variances s^2 (n - 1 in the denominator) and v = s^2 / n: t = (m_1 - m_2) / sqrt(v_1 + v_2), on
    (v_1 + v_2)^2 / (v_1^2 / (n_1 - 1) + v_2^2 / (n_2 - 1)) degrees of freedom (Welch 1947).

    Raises:
        DataError: For fewer than two values in a sample, or no spread in both.
        ImportError: Without SciPy.
    """
    error, freedom = _error(one, other)
    difference = float(np.mean(one) - np.mean(other))
    t = difference / error
    return Welch(difference, t, freedom, float(2 * scipy_stats().t.sf(abs(t), freedom)))


def detectable(one: np.ndarray, other: np.ndarray, alpha: float, power: float) -> float:
    """Returns the least true difference of means that a two-sided Welch test finds with a given power.

    The spreads are taken to be those of the samples. Under a true difference d, t is (z + d / sqrt(v_1 + v_2)) / u,
    with a standard normal z and u^2 the mean of as many squared normals as there are degrees of freedom: the chance
    that |t| is beyond the edge is averaged over u.

    Args:
        one: A sample.
        other: Another one.
        alpha: Level of this one test.
        power: Chance to find the difference; above alpha.

    Raises:
        DataError: For fewer than two values in a sample, or no spread in both.
        SettingsError: For a power that is not above alpha, or is none.
    """
    if not alpha < power < 1:
        raise SettingsError(f"the power must lie between the level {alpha:g} and 1. Received: {power!r}.")
    error, freedom = _error(one, other)
    stats = scipy_stats()
    edge = stats.t.isf(alpha / 2, freedom)
    nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE)
    spread = np.sqrt(stats.chi2.ppf((nodes + 1) / 2, freedom) / freedom)
    low, high = 0.0, 1.0

    def found(shift: float) -> float:
        beyond = stats.norm.cdf(shift - edge * spread) + stats.norm.cdf(-shift - edge * spread)
        return float(weights @ beyond / 2)

    while found(high) < power:
        low, high = high, 2 * high
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if found(middle) < power else (low, middle)
    return high * error


def _error(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """The standard error of the difference of two means, and its degrees of freedom."""
    _check_enough(one, other)
    parts = [np.var(sample, ddof=1) / len(sample) for sample in (one, other)]
    total = float(sum(parts))
    if total <= 0:
        raise DataError("all values of each side are the same: there is no spread to test a difference against.")
    freedom = total**2 / sum(part**2 / (len(sample) - 1) for part, sample in zip(parts, (one, other), strict=True))
    return total**0.5, float(freedom)


def _check_enough(one: np.ndarray, other: np.ndarray) -> None:
    if min(len(one), len(other)) < 2:
        raise DataError(
            f"a test needs at least 2 values on each side, received {len(one)} and {len(other)}: run more trials, or "
            "take a larger fraction of them."
        )


def scipy_stats() -> Any:
    """Returns `scipy.stats`.

    Raises:
        ImportError: Without SciPy.
    """
    try:
        from scipy import stats
    except ImportError as error:
        raise ImportError("Tests need SciPy: pip install 'seqlab[analysis]'.") from error
    return stats
