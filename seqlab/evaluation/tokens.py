"""The labelled tokens of a batch or of a list of sentences, joined and checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from seqlab.constants import IGNORE
from seqlab.errors import DataError

Arrays = np.ndarray | Sequence[Any]
"""One array with the batch first, or one array for each sentence."""


def labelled_tokens(values: Arrays, labels: Arrays, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Joins the labelled tokens of all sentences.

    Args:
        values: Floats (batch, time, tags), or (tokens, tags) for each sentence.
        labels: Integers (batch, time), or (tokens,) for each sentence; `IGNORE` where there is none.
        what: Name of the values in errors.

    Returns:
        (tokens, tags) in float64 and (tokens,), unlabelled tokens left out.

    Raises:
        DataError: If the shapes do not fit, a label is no tag, a value is not finite, or nothing is labelled.

    >>> labelled_tokens([[[1, 2], [3, 4]], [[5, 6]]], [[0, -1], [1]], "scores")[1].tolist()
    [0, 1]
    """
    if len(values) != len(labels):
        raise DataError(f"Received {what} of {len(values)} sentences and labels of {len(labels)}; expected one each.")
    rows = [_pair(number, x, y, what) for number, (x, y) in enumerate(zip(values, labels, strict=True))]
    pairs = [row for row in rows if len(row[1])]
    tags = sorted({x.shape[1] for x, _ in pairs})
    if len(tags) > 1:
        raise DataError(f"Received {what} of {tags[0]} tags in one sentence and of {tags[-1]} in another.")
    gold = np.concatenate([y for _, y in pairs]) if pairs else np.zeros(0, int)
    keep = gold != IGNORE
    if not keep.any():
        raise DataError("Received no labelled token, expected at least one label that is not -1.")
    found = np.concatenate([x for x, _ in pairs])[keep]
    gold = gold[keep].astype("int64")
    if gold.min() < 0 or gold.max() >= tags[0]:
        raise DataError(
            f"Received labels from {gold.min()} to {gold.max()} for {tags[0]} tags; expected 0 to {tags[0] - 1}, or -1."
        )
    if not np.isfinite(found).all():
        raise DataError(f"Received {what} that are infinite or NaN at a labelled token; expected finite numbers.")
    return found, gold


def _pair(number: int, values: Any, labels: Any, what: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        x, y = np.asarray(values, "float64"), np.asarray(labels)
    except ValueError as error:
        raise DataError(
            f"Sentence {number}: the {what} are ragged: every token needs as many as there are tags."
        ) from (error)
    if x.shape[:1] == y.shape == (0,):  # a sentence without tokens; [] has neither tags nor a type of its own
        return x, y
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise DataError(
            f"Sentence {number}: received {what} of shape {x.shape} and labels of shape {y.shape}; expected "
            "(tokens, tags) and (tokens,)."
        )
    if y.dtype.kind not in "iu":
        raise DataError(f"Sentence {number}: received labels of type {y.dtype}, expected whole numbers.")
    return x, y


def check_range(values: np.ndarray, what: str) -> None:
    """Refuses numbers that are no probabilities.

    Args:
        values: Floats, at least one.
        what: Their name in the error.

    Raises:
        DataError: For one below 0, above 1, or NaN.
    """
    if not (values.min() >= 0 and values.max() <= 1 + 1e-6):  # NaN fails too; float32 sums overshoot by some 1e-7
        raise DataError(f"Received {what} from {values.min():.4g} to {values.max():.4g}; expected 0 to 1.")
