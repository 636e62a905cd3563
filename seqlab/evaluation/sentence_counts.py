"""What each sentence adds to a score, so that scores of other sets of sentences are sums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqlab.errors import DataError
from seqlab.evaluation.scores import Tags, check_pairs
from seqlab.tags.spans import spans


@dataclass(frozen=True)
class SentenceCounts:
    """Correct, found and gold items of each sentence, spans or tokens.

        F1 = 2 sum of correct / (sum of found + sum of gold),    0 where nothing is found or gold

    over sentences. For tokens, each of which is found and gold once, that is the accuracy.

    Attributes:
        correct: `(sentences,)` items found that are gold.
        found: `(sentences,)` items predicted.
        gold: `(sentences,)` items to be found.
    """

    correct: np.ndarray
    found: np.ndarray
    gold: np.ndarray

    def __len__(self) -> int:
        return len(self.correct)

    @property
    def rows(self) -> np.ndarray:
        """`(sentences, 3)`: correct, found, gold."""
        return np.stack([self.correct, self.found, self.gold], axis=1)

    @property
    def value(self) -> float:
        """The score over all sentences."""
        return float(f1(self.rows.sum(axis=0)))


def f1(sums: np.ndarray) -> np.ndarray:
    """Returns 2 correct / (found + gold) of sums `(..., 3)`; 0 where there is nothing.

    >>> f1(np.array([[1, 2, 2], [0, 0, 0]])).tolist()
    [0.5, 0.0]
    """
    return np.asarray(2 * sums[..., 0] / np.maximum(sums[..., 1] + sums[..., 2], 1))


def span_counts(gold: Tags, predicted: Tags, scheme: str) -> SentenceCounts:
    """Counts spans as `conlleval` reads them: the value is `score(...).overall.f1`.

    Args:
        gold: Tags of each sentence.
        predicted: As many tags for each of the same sentences.
        scheme: Tag scheme of both.

    Raises:
        ValueError: If the two differ in the number of sentences or of tags in a sentence.
        DataError: If a tag cannot occur in the scheme at all; without a sentence.

    >>> span_counts([["B-X", "O", "B-Y"]], [["B-X", "O", "B-X"]], "iob2").rows.tolist()
    [[1, 2, 2]]
    """
    check_pairs(gold, predicted)
    pairs = [(set(spans(g, scheme)), set(spans(p, scheme))) for g, p in zip(gold, predicted, strict=True)]
    return _counts([(len(g & p), len(p), len(g)) for g, p in pairs])


def token_counts(gold: Tags, predicted: Tags) -> SentenceCounts:
    """Counts tokens: the value is `score(...).accuracy`. Arguments and errors as those of `span_counts`.

    >>> token_counts([["N", "V"], ["N"]], [["N", "N"], ["N"]]).rows.tolist()
    [[1, 2, 2], [1, 1, 1]]
    """
    check_pairs(gold, predicted)
    return _counts(
        [
            (sum(one == other for one, other in zip(g, p, strict=True)), len(p), len(g))
            for g, p in zip(gold, predicted, strict=True)
        ]
    )


def check_same(one: SentenceCounts, other: SentenceCounts) -> None:
    """Refuses counts that are not of the same sentences.

    Raises:
        DataError: For another number of sentences, or one with another number of gold items.
    """
    if len(one) != len(other):
        raise DataError(
            f"Received outputs for {len(one)} and for {len(other)} sentences; expected the same sentences twice."
        )
    wrong = np.flatnonzero(one.gold != other.gold)
    if len(wrong):
        k = int(wrong[0])
        raise DataError(
            f"Sentence {k} has {one.gold[k]} gold items for the one and {other.gold[k]} for the other: expected the "
            "same sentences twice."
        )


def _counts(rows: list[tuple[int, int, int]]) -> SentenceCounts:
    if not rows:
        raise DataError("Expected sentences to score, received none.")
    return SentenceCounts(*np.array(rows, np.int64).T)
