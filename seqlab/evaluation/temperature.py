"""Temperature scaling: one number that makes the confidences of a trained tagger honest without moving a decision.

    p(t) = softmax(scores(t) / T),    T = argmin over T > 0 of the mean of -log p(t)[y(t)]

T above 1 lowers confidences, T below 1 raises them. Fit it on sentences that training has not seen.

Reference: Guo et al., On calibration of modern neural networks, ICML 2017.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from seqlab.errors import DataError, SettingsError
from seqlab.evaluation.tokens import Arrays, labelled_tokens

GOLDEN = (math.sqrt(5) - 1) / 2
GRID = 25
"""Temperatures tried before the search, evenly on the logarithmic scale, so that it starts in the right valley."""


@dataclass(frozen=True)
class Temperature:
    """A temperature and what it gains.

    Attributes:
        value: The temperature to divide scores by.
        before: The objective at temperature 1.
        after: The objective at `value`, never above `before`.
    """

    value: float
    before: float
    after: float

    def __str__(self) -> str:
        return f"temperature {self.value:.4f}: negative log-likelihood {self.before:.4f} -> {self.after:.4f}"


def fit_temperature(
    scores: Arrays, labels: Arrays, bounds: tuple[float, float] = (0.01, 100.0), tolerance: float = 1e-6
) -> Temperature:
    """Fits the temperature of a softmax over tags.

    Args:
        scores: Unnormalised scores (batch, time, tags), or one array (tokens, tags) for each sentence.
        labels: Integers (batch, time), or (tokens,) for each sentence; `IGNORE` (-1) where there is none.
        bounds: Least and greatest temperature.
        tolerance: Relative precision of the temperature.

    Returns:
        The temperature; the objective is the mean over labelled tokens. It is convex in 1 / T: there is one minimum.

    Raises:
        DataError: For arrays that do not fit together, nothing labelled, or no minimum within the bounds, as when
            every labelled token is right.
        SettingsError: For bounds or a tolerance out of range.

    >>> scores = [[[2.0, 0.0], [2.0, 0.0], [2.0, 0.0], [2.0, 0.0]]]
    >>> round(fit_temperature(scores, [[0, 0, 0, 1]]).value, 3)  # 3 of 4 right: 2 / log 3
    1.82
    """
    logits, gold = labelled_tokens(scores, labels, "scores")
    logits = logits - np.take_along_axis(logits, gold[:, None], axis=1)  # (tokens, tags), 0 at the right tag

    def objective(temperature: float) -> float:
        scaled = logits / temperature
        tops = scaled.max(axis=1, keepdims=True)
        return float((np.log(np.exp(scaled - tops).sum(axis=1)) + tops[:, 0]).mean())

    return minimise_temperature(objective, bounds, tolerance)


def minimise_temperature(
    objective: Callable[[float], float], bounds: tuple[float, float] = (0.01, 100.0), tolerance: float = 1e-6
) -> Temperature:
    """Finds the temperature of the least objective: a grid on log T, then a golden-section search in its best valley.

    For a CRF, whose path scores are sums, the temperature divides scores, transitions, start and end together, and so
    every weight of a `CRFHead`. Its objective may be the likelihood of sentences, `-log_likelihood` at the divided
    weights, convex in 1 / T; or that of tokens under the marginals, which are what `probabilities` reports.

    Args:
        objective: Negative log-likelihood at a temperature, deterministic. The result is as exact as this is.
        bounds: Least and greatest temperature.
        tolerance: Relative precision of the temperature.

    Returns:
        The temperature.

    Raises:
        DataError: If the objective is NaN or infinite, or has no minimum within the bounds.
        SettingsError: For bounds or a tolerance out of range.

    >>> round(minimise_temperature(lambda t: (t - 3) ** 2).value, 4)
    3.0
    """
    _check_settings(bounds, tolerance)

    def at(log: float) -> float:
        value = float(objective(math.exp(log)))
        if not math.isfinite(value):
            raise DataError(
                f"The objective is {value} at the temperature {math.exp(log):.6g}; expected finite numbers."
            )
        return value

    grid = np.linspace(math.log(bounds[0]), math.log(bounds[1]), GRID).tolist()
    values = [at(log) for log in grid]
    best = int(np.argmin(values))
    if best in (0, GRID - 1):
        raise DataError(
            f"The objective falls as far as the {'least' if best == 0 else 'greatest'} temperature, "
            f"{bounds[best > 0]:g}: there is no minimum between the bounds. Tokens that are all right want a "
            "temperature of 0, chance an infinite one: give more sentences unseen in training, or wider `bounds`."
        )
    log, after = _golden(at, grid[best - 1], grid[best + 1], tolerance)
    before = at(0.0)
    if before <= after:  # to the last digit, as where a tagger is calibrated already
        log, after = 0.0, before
    return Temperature(math.exp(log), before, after)


def _golden(at: Callable[[float], float], low: float, high: float, tolerance: float) -> tuple[float, float]:
    """Shrinks a bracket around a minimum by the golden section; one new value a step."""
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = at(left), at(right)
    while high - low > tolerance:
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - GOLDEN * (high - low)
            at_left = at(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + GOLDEN * (high - low)
            at_right = at(right)
    return min((left, at_left), (right, at_right), key=lambda pair: pair[1])


def _check_settings(bounds: tuple[float, float], tolerance: float) -> None:
    low, high = bounds
    if not (0 < low < high < math.inf):
        raise SettingsError(
            f"`bounds` must be two temperatures above 0, the lesser first. Received: bounds={bounds!r}."
        )
    if not (1e-12 <= tolerance < 1):
        raise SettingsError(f"`tolerance` must be between 1e-12 and 1. Received: tolerance={tolerance!r}.")
