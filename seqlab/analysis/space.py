"""Hyperparameters as axes of measure 1: where a value lies, which values lie between two places, how to draw one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqlab.errors import DataError, SettingsError

SAMPLINGS = ("linear", "log", "reverse_log")
MOST_LEVELS = 10_000  # a whole-number range with more values is as good as continuous


@dataclass(frozen=True, eq=False)
class Axis:
    """One hyperparameter as an axis from 0 to 1, on which an interval's length is the chance to draw a value of it.

    A continuous range is mapped by its sampling: under `log` each factor of two has the same length. A value of a
    discrete range (whole numbers, steps, numeric choices, booleans) has a cell of its own. A choice between more than
    two things that are no numbers has no order: any set of its values may be what a tree's leaf holds.

    Args:
        name: Its name.
        low: Least value of a continuous range.
        high: Greatest value of a continuous range.
        sampling: `linear`, `log` or `reverse_log`.
        levels: The values of a discrete axis in their order; none for a continuous one.
        edges: Where each level's cell begins, and 1; none for a continuous one.
        ordered: Whether the levels have an order.
    """

    name: str
    low: float = 0.0
    high: float = 1.0
    sampling: str = "linear"
    levels: tuple[Any, ...] = ()
    edges: np.ndarray | None = None
    ordered: bool = True

    @property
    def middles(self) -> np.ndarray:
        """The middle of each level's cell, as the trees see it: in float32."""
        if self.edges is None:
            raise SettingsError(f"{self.name!r} is continuous: it has no levels.")
        return np.asarray(((self.edges[1:] + self.edges[:-1]) / 2).astype("float32").astype("float64"))

    def place(self, values: Sequence[Any], file: str = "") -> np.ndarray:
        """Returns where values lie on the axis (the index of an unordered level), NaN for what is not set.

        Raises:
            DataError: For a value outside the axis.
        """
        if self.edges is None:
            return self._place_numbers(values, file)
        places = np.arange(len(self.levels), dtype="float64") if not self.ordered else self.middles
        if self.levels and isinstance(self.levels[0], str):
            index = {level: number for number, level in enumerate(self.levels)}
            found = [None if value is None else index.get(str(value), -1) for value in values]
        else:
            found = self._nearest(values)
        for value, number in zip(values, found, strict=True):
            if number == -1:
                raise DataError(self._outside(value), file)
        return np.array([np.nan if number is None else places[number] for number in found], "float64")

    def cut(self, thresholds: np.ndarray) -> np.ndarray:
        """Returns where a tree's `x <= threshold` cuts the axis: between two cells on a discrete one."""
        if self.edges is None:
            return np.asarray(np.clip(thresholds, 0.0, 1.0))
        return self.edges[np.searchsorted(self.middles, thresholds, side="right")]

    def draw(self, count: int, random: np.random.Generator) -> np.ndarray:
        """Returns places drawn by the axis' measure."""
        places = random.random(count)
        if self.edges is None:
            return places
        levels = np.searchsorted(self.edges, places, side="right") - 1
        return self.middles[levels] if self.ordered else levels.astype("float64")

    def grid(self, points: int = 50) -> tuple[np.ndarray, list[Any]]:
        """Returns places along the axis and the values there: all levels, or `points` of a long range."""
        if self.edges is not None and (not self.ordered or len(self.levels) <= max(points, 20)):
            places = self.middles if self.ordered else np.arange(len(self.levels), dtype="float64")
            return places, list(self.levels)
        if self.edges is None:
            places = (np.arange(points) + 0.5) / points
            return places, list(unscale(places, self.low, self.high, self.sampling))
        chosen = np.unique(np.linspace(0, len(self.levels) - 1, points).round().astype(int))
        return self.middles[chosen], [self.levels[number] for number in chosen]

    def _place_numbers(self, values: Sequence[Any], file: str) -> np.ndarray:
        numbers = np.array([np.nan if value is None else _number(value) for value in values], "float64")
        slack = 1e-6 * (self.high - self.low)
        wrong = [
            value
            for value, number in zip(values, numbers, strict=True)
            if value is not None and not self.low - slack <= number <= self.high + slack
        ]
        if wrong:
            raise DataError(self._outside(wrong[0]), file)
        return scale(np.clip(numbers, self.low, self.high), self.low, self.high, self.sampling)

    def _nearest(self, values: Sequence[Any]) -> list[int | None]:
        levels = np.array([_number(level) for level in self.levels])
        gap = np.diff(levels).min() / 2 if len(levels) > 1 else max(abs(levels[0]), 1.0)
        found: list[int | None] = []
        for value in values:
            if value is None:
                found.append(None)
                continue
            number = _number(value)
            nearest = int(np.abs(levels - number).argmin()) if np.isfinite(number) else 0
            close = abs(levels[nearest] - number) <= 1e-3 * gap + 1e-9 * abs(number)
            found.append(nearest if close else -1)
        return found

    def _outside(self, value: Any) -> str:
        span = f"{self.low:g} to {self.high:g}" if self.edges is None else _some(self.levels)
        return (
            f"{self.name} = {value!r} is outside its range, {span}. Was the study resumed with another space? Correct "
            "the trial, or the range in the study."
        )


def axis(
    name: str,
    kind: str,
    low: float | None = None,
    high: float | None = None,
    sampling: str = "linear",
    step: float | None = None,
    values: Sequence[Any] = (),
) -> Axis:
    """Returns the axis of a hyperparameter, with the measure by which Keras Tuner draws it.

    A whole number without a step under `log` is the floor of a log-uniform number of [low, high + 1); values with a
    step are as likely as one another, and the step is a factor under `log`.

    Args:
        name: Its name.
        kind: `float`, `int`, `choice` or `boolean`.
        low: Least value of a float or int.
        high: Greatest value of a float or int, itself included.
        sampling: `linear`, `log` or `reverse_log`.
        step: Distance between two values.
        values: Those of a choice.

    Raises:
        SettingsError: For another kind, a range without its ends, or a sampling that does not fit.
    """
    if kind == "boolean":
        return _levels(name, (False, True))
    if kind == "choice":
        return _choice(name, values)
    if kind not in ("float", "int"):
        raise SettingsError(f"{name!r}: expected the kind float, int, choice or boolean. Received: {kind!r}.")
    if sampling not in SAMPLINGS:
        raise SettingsError(f"{name!r}: expected a sampling of {', '.join(SAMPLINGS)}. Received: {sampling!r}.")
    if low is None or high is None or not low <= high or (sampling != "linear" and low <= 0):
        least = "" if sampling == "linear" else f", above 0 for the sampling {sampling}"
        raise SettingsError(f"{name!r}: expected low <= high{least}. Received: low={low!r}, high={high!r}.")
    if low == high:
        return _levels(name, (low,))
    if step is not None and not (kind == "int" and step == 1 and sampling == "linear"):
        return _levels(name, _steps(low, high, step, sampling))
    if kind == "float" or high - low >= MOST_LEVELS:
        return Axis(name, float(low), float(high), sampling)
    whole = np.arange(int(low), int(high) + 2)
    edges = scale(whole.astype("float64"), float(low), float(high) + 1, sampling)
    return Axis(name, low, high, sampling, tuple(whole[:-1].tolist()), edges)


def _choice(name: str, values: Sequence[Any]) -> Axis:
    if not values:
        raise SettingsError(f"{name!r} is a choice without values.")
    if all(isinstance(value, bool) for value in values) or all(_is_number(value) for value in values):
        return _levels(name, tuple(sorted(set(values))))
    words = tuple(dict.fromkeys(map(str, values)))
    return _levels(name, words, ordered=len(words) <= 2)


def scale(values: np.ndarray, low: float, high: float, sampling: str) -> np.ndarray:
    """Returns the places in [0, 1] of the values of a continuous range."""
    if sampling == "log":
        return np.asarray(np.log(values / low) / np.log(high / low))
    if sampling == "reverse_log":
        return np.asarray(1 - np.log((high + low - values) / low) / np.log(high / low))
    return (values - low) / (high - low)


def unscale(places: np.ndarray, low: float, high: float, sampling: str) -> np.ndarray:
    """Undoes `scale`."""
    if sampling == "log":
        return low * (high / low) ** places
    if sampling == "reverse_log":
        return high + low - low * (high / low) ** (1 - places)
    return low + (high - low) * places


def _levels(name: str, levels: tuple[Any, ...], ordered: bool = True) -> Axis:
    return Axis(name, levels=levels, edges=np.linspace(0, 1, len(levels) + 1), ordered=ordered)


def _steps(low: float, high: float, step: float, sampling: str) -> tuple[float, ...]:
    if step <= (0 if sampling == "linear" else 1):
        raise SettingsError(f"Expected a step above {0 if sampling == 'linear' else 1}. Received: {step!r}.")
    if sampling == "linear":
        found = [low + number * step for number in range(int((high - low) / step + 1e-8) + 1)]
    else:
        count = int(np.log(high / low) / np.log(step) + 1e-8) + 1
        found = [low * step**number for number in range(count)]
        if sampling == "reverse_log":
            found = sorted(high + low - value for value in found)
    return tuple(found)


def _number(value: Any) -> float:
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return float(value.strip().lower() == "true")
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _some(levels: Sequence[Any]) -> str:
    named = [str(level) for level in levels]
    return ", ".join(named) if len(named) <= 8 else f"{', '.join(named[:3])}, ... {named[-1]}"
