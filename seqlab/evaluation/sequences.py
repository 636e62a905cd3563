"""What is reported of frames, transcripts and next steps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seqlab.constants import IGNORE
from seqlab.errors import DataError

Arrays = Sequence[np.ndarray]


def frame_error(gold: Arrays, found: Arrays) -> float:
    """The share of frames whose label is wrong, over all sequences together; frames without a label count nowhere.

    >>> frame_error([np.array([0, 1, -1])], [np.array([0, 2, 2])])
    0.5

    Args:
        gold: (time,) labels of each sequence, `IGNORE` where there is none.
        found: (time,) labels of each.

    Raises:
        DataError: Nothing is labelled, or a sequence has another length.
    """
    _check_pairs(gold, found)
    labels, others = (np.concatenate([np.asarray(one) for one in side]) for side in (gold, found))
    known = labels != IGNORE
    if not known.any():
        raise DataError("No frame has a label: there is nothing to score.")
    return float(np.mean(labels[known] != others[known]))


def edit_distance(one: np.ndarray, other: np.ndarray) -> int:
    """The least number of insertions, deletions and substitutions that make one sequence of the other (Levenshtein).

    >>> edit_distance(np.array([1, 2, 3]), np.array([2, 3, 3, 4]))
    3
    """
    places = np.arange(len(other) + 1)
    row = places
    for step, item in enumerate(one, 1):
        kept = np.minimum(row[1:] + 1, row[:-1] + (np.asarray(other) != item))
        # Insertions: the least over all k <= j of what stands at k, and j - k more.
        row = places + np.minimum.accumulate(np.concatenate([[step], kept]) - places)
    return int(row[-1])


def label_error_rate(gold: Arrays, found: Arrays) -> float:
    """Edit distances of all sequences over the number of labels: the character error rate of handwriting.

    It may exceed 1.

    Args:
        gold: (labels,) of each sequence.
        found: (any length,) of each.

    Raises:
        DataError: There is no label at all, or another number of sequences.
    """
    if len(gold) != len(found):
        raise DataError(f"Received {len(gold)} sequences and {len(found)} answers: give one each.")
    count = sum(map(len, gold))
    if not count:
        raise DataError("The sequences have no labels: there is nothing to score.")
    return sum(edit_distance(one, other) for one, other in zip(gold, found, strict=True)) / count


def next_step_nll(gold: Arrays, scores: Arrays) -> float:
    """The negative log-likelihood of a step, in nats, summed over labels: its total over the number of steps.

        nll = - 1/N sum over steps t, labels i of y(t)[i] log p(t)[i] + (1 - y(t)[i]) log(1 - p(t)[i])

    Args:
        gold: (time, labels) of each sequence, 0 or 1; `IGNORE` counts nowhere.
        scores: (time, labels) of each, of which p is the sigmoid.

    Raises:
        DataError: There is no step, or a sequence has another length.
    """
    _check_pairs(gold, scores)
    steps = sum(map(len, gold))
    if not steps:
        raise DataError("The sequences have no steps: there is nothing to score.")
    total = 0.0
    for labels, x in zip(gold, scores, strict=True):
        x = np.asarray(x, np.float64)
        losses = np.logaddexp(0, x) - labels * x
        total += float(np.where(labels == IGNORE, 0, losses).sum())
    return total / steps


def _check_pairs(gold: Arrays, found: Arrays) -> None:
    lengths, others = [len(one) for one in gold], [len(one) for one in found]
    if lengths != others:
        raise DataError(f"Received sequences of {lengths[:5]} steps and answers of {others[:5]}: give one each.")
