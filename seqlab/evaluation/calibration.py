"""Whether confidences keep what they promise: of tokens tagged with 80 per cent, are 80 per cent right?

    ECE = sum over bins b of n(b) / N |right(b) - mean(b)|,    MCE = max over bins b of |right(b) - mean(b)|

with n(b) the predictions in a bin, mean(b) their mean confidence and right(b) the share of them that is right.

Reference: Guo et al., On calibration of modern neural networks, ICML 2017.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from seqlab.errors import DataError, SettingsError, check_count, suggest
from seqlab.evaluation.tokens import Arrays, check_range, labelled_tokens

KINDS = ("width", "mass")


@dataclass(frozen=True)
class Bin:
    """The predictions whose confidence is above `lower` and at most `upper` (from 0 on in the first bin).

    Attributes:
        lower: Lower edge.
        upper: Upper edge.
        count: Number of predictions.
        mean: Their mean confidence, 0 where there are none.
        right: Share of them that is right, 0 where there are none.
    """

    lower: float
    upper: float
    count: int
    mean: float
    right: float

    @property
    def gap(self) -> float:
        """What was right minus what was promised: below 0 for a bin that is too confident."""
        return self.right - self.mean


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy, bin by bin; `str()` gives a table.

    Attributes:
        bins: The bins in rising order, those without predictions included.
    """

    bins: tuple[Bin, ...]

    @property
    def count(self) -> int:
        """Number of predictions."""
        return sum(part.count for part in self.bins)

    @property
    def expected_error(self) -> float:
        """The expected calibration error, ECE, between 0 and 1."""
        return sum(part.count * abs(part.gap) for part in self.bins) / self.count

    @property
    def maximum_error(self) -> float:
        """The maximum calibration error, MCE, over bins with predictions."""
        return max(abs(part.gap) for part in self.bins if part.count)

    def to_dict(self) -> dict[str, Any]:
        """Returns everything as JSON-safe values."""
        errors = {"expected_error": self.expected_error, "maximum_error": self.maximum_error}
        return {"bins": [asdict(part) for part in self.bins]} | errors

    def __str__(self) -> str:
        lines = [f"{'confidence':<17}    mean   right      gap    count"]
        for part in self.bins:
            edges = f"{100 * part.lower:6.2f} to {100 * part.upper:6.2f} "
            shares = f"  {100 * part.mean:6.2f}  {100 * part.right:6.2f}  {100 * part.gap:+7.2f}"
            lines.append(f"{edges:<17}{shares if part.count else '':25}  {part.count:7d}")
        lines.append("-" * len(lines[0]))
        lines.append(f"{'expected error':<17}{100 * self.expected_error:25.2f}  {self.count:7d}")
        lines.append(f"{'maximum error':<17}{100 * self.maximum_error:25.2f}")
        return "\n".join(lines)

    def figure(self) -> Any:
        """Draws the diagram: a bar for each bin, and the diagonal that a calibrated tagger follows.

        Returns:
            A `matplotlib.figure.Figure`; its `savefig` writes it to a file.

        Raises:
            ImportError: Without matplotlib.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError("A figure needs matplotlib: pip install 'seqlab[analysis]'.") from error
        filled = [part for part in self.bins if part.count]
        figure = Figure(figsize=(4, 4), layout="constrained")
        axes = figure.add_subplot(xlabel="confidence", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1))
        axes.bar(
            [part.lower for part in filled],
            [part.right for part in filled],
            width=[part.upper - part.lower for part in filled],
            align="edge",
            edgecolor="black",
        )
        axes.plot([0, 1], [0, 1], linestyle="--", color="black")
        axes.set_title(f"expected calibration error {100 * self.expected_error:.2f} %")
        return figure


def reliability(probabilities: Arrays, labels: Arrays, bins: int = 15, by: str = "width") -> Reliability:
    """Bins the probability of the likeliest tag of each labelled token.

    Args:
        probabilities: (batch, time, tags), or one array (tokens, tags) for each sentence.
        labels: Integers (batch, time), or (tokens,) for each sentence; `IGNORE` (-1) where there is none.
        bins: Number of bins.
        by: "width" for bins of equal width, "mass" for bins of as equal counts as ties allow.

    Returns:
        The reliability of the tags.

    Raises:
        DataError: For shapes that do not fit, values out of range, or no labelled token at all.
        SettingsError: For `bins` below 1 or an unknown `by`.

    >>> shares = [[[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]]
    >>> round(reliability(shares, [[0, 1, -1]], bins=2).expected_error, 2)  # mean 0.75, right 0.5
    0.25
    """
    shares, gold = _shares(probabilities, labels)
    return reliability_of(shares.max(axis=1), shares.argmax(axis=1) == gold, bins, by)


def reliability_of(confidences: Arrays, right: Arrays, bins: int = 15, by: str = "width") -> Reliability:
    """Bins confidences of any kind: of the tags on a CRF's best path, of spans, of single labels.

    Args:
        confidences: Numbers between 0 and 1, (predictions,).
        right: Whether each prediction is right, (predictions,).
        bins: Number of bins.
        by: "width" or "mass", see `reliability`.

    Returns:
        The reliability.

    Raises:
        DataError: For shapes that do not fit, values out of range, or no prediction at all.
        SettingsError: For `bins` below 1 or an unknown `by`.

    >>> reliability_of([0.25, 0.75], [False, True], bins=1).bins
    (Bin(lower=0.0, upper=1.0, count=2, mean=0.5, right=0.5),)
    """
    _check_settings(bins, by)
    found, hits = np.asarray(confidences, "float64"), np.asarray(right)
    if found.ndim != 1 or found.shape != hits.shape:
        raise DataError(
            f"Received confidences of shape {found.shape} and whether they are right of shape {hits.shape}; expected "
            "one of each for every prediction, (predictions,)."
        )
    if not found.size:
        raise DataError("Received no confidence at all, expected at least one prediction.")
    odd = hits[~np.isin(hits, (0, 1))]
    if odd.size:
        raise DataError(f"Whether a prediction is right is true or false, 1 or 0; received {odd[0]}.")
    check_range(found, "confidences")
    edges = _edges(found, bins) if by == "mass" else np.arange(1, bins + 1) / bins
    place = np.searchsorted(edges, np.minimum(found, 1.0), side="left")
    counts = np.bincount(place, minlength=len(edges))
    norms = np.maximum(counts, 1)
    means = np.bincount(place, found, len(edges)) / norms
    shares = np.bincount(place, hits.astype("float64"), len(edges)) / norms
    lowers = [0.0, *edges[:-1].tolist()]
    rows = zip(lowers, edges.tolist(), counts.tolist(), means.tolist(), shares.tolist(), strict=True)
    return Reliability(tuple(Bin(*row) for row in rows))


def brier(probabilities: Arrays, labels: Arrays) -> float:
    """Computes the Brier score, from 0 (perfect) to 2: the mean over tokens of `sum_i (p[i] - [i = y])^2`.

    Args:
        probabilities: As `reliability`.
        labels: As `reliability`.

    Raises:
        DataError: As `reliability`.

    >>> round(brier([[[0.9, 0.1], [0.5, 0.5]]], [[0, 1]]), 2)
    0.26
    """
    shares, gold = _shares(probabilities, labels)
    return float(np.square(shares - np.eye(shares.shape[1])[gold]).sum(axis=1).mean())


def negative_log_likelihood(probabilities: Arrays, labels: Arrays) -> float:
    """Computes the mean of `-log p[y]` over labelled tokens; infinite where a right tag has the probability 0.

    Args:
        probabilities: As `reliability`.
        labels: As `reliability`.

    Raises:
        DataError: As `reliability`.

    >>> round(negative_log_likelihood([[[0.5, 0.5]]], [[1]]), 4)
    0.6931
    """
    shares, gold = _shares(probabilities, labels)
    chosen = np.take_along_axis(shares, gold[:, None], axis=1)
    with np.errstate(divide="ignore"):
        return float(-np.log(chosen).mean())


def _shares(probabilities: Arrays, labels: Arrays) -> tuple[np.ndarray, np.ndarray]:
    shares, gold = labelled_tokens(probabilities, labels, "probabilities")
    check_range(shares, "probabilities")
    worst = np.abs(shares.sum(axis=1) - 1).max()
    if worst > 1e-3:
        raise DataError(
            f"The probabilities of a token add up to 1 only within {worst:.3g}; expected a head's `probabilities`, not "
            "its scores. For labels that do not exclude each other use `reliability_of`."
        )
    return shares, gold


def _edges(confidences: np.ndarray, bins: int) -> np.ndarray:
    """Upper edges of bins of about equal counts; equal confidences stay together, so there may be fewer bins."""
    ranked = np.sort(np.minimum(confidences, 1.0))
    ends = (np.arange(1, bins + 1) * len(ranked)) // bins
    return np.unique(ranked[ends[ends > 0] - 1])


def _check_settings(bins: int, by: str) -> None:
    check_count("bins", bins)
    if by not in KINDS:
        hint = suggest(str(by), KINDS)
        raise SettingsError(f"`by` must be one of {', '.join(KINDS)}. Received: by={by!r}.{hint}")
