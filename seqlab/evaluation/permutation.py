"""Whether two models differ, or chance alone could have made their outputs so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seqlab.errors import check_count
from seqlab.evaluation.resampling import CHUNK, SAMPLES
from seqlab.evaluation.sentence_counts import SentenceCounts, check_same, f1

EQUAL = 1e-12  # differences that are equal but for rounding


@dataclass(frozen=True)
class PermutationTest:
    """What a paired permutation test found.

    Attributes:
        difference: Score of the second model minus that of the first.
        p_value: Two-sided: how likely a difference of at least this size is if the two models are alike.
        exchanges: How many exchanges it was held against.
        exact: Whether these were all that there are.
    """

    difference: float
    p_value: float
    exchanges: int
    exact: bool


def permutation_test(
    one: SentenceCounts, other: SentenceCounts, samples: int = SAMPLES, seed: int = 0
) -> PermutationTest:
    """Tests by approximate randomisation whether two models' outputs on the same sentences differ.

        d = score of other - score of one
        d(e) = the same after the outputs of some sentences, those of exchange e, have changed places
        p = share of |d(e)| >= |d| among all 2^m exchanges, where that are at most `samples`,
        else (1 + number of |d(e)| >= |d|) / (1 + samples), each sentence exchanged with probability 1/2

    m counts the sentences whose outputs count differently: exchanging others changes nothing.

    Args:
        one: Counts of the first model.
        other: Counts of the second on the same sentences.
        samples: How many exchanges to draw.
        seed: Seed of the draws.

    Raises:
        DataError: If the two are not of the same sentences.
        SettingsError: For a number of samples below 1.

    Reference: Yeh, More accurate tests for the statistical significance of result differences, COLING 2000.

    >>> counts = [SentenceCounts(np.array(correct), np.ones(5, int), np.ones(5, int)) for correct in ([0] * 5, [1] * 5)]
    >>> permutation_test(*counts)  # 2 of 32 exchanges keep all five on one side
    PermutationTest(difference=1.0, p_value=0.0625, exchanges=32, exact=True)
    """
    check_count("samples", samples)
    check_same(one, other)
    first, change = one.rows, other.rows - one.rows  # (sentences, 3)
    total, change = first.sum(axis=0), change[change.any(axis=1)]
    whole = total + change.sum(axis=0)
    difference = float(f1(whole) - f1(total))
    exact = 2 ** len(change) <= samples
    number = 2 ** len(change) if exact else samples
    random = np.random.default_rng(seed)
    size = max(1, CHUNK // max(len(change), 1))
    hits = 0
    for start in range(0, number, size):
        count = min(size, number - start)
        if exact:
            moved = (np.arange(start, start + count)[:, None] >> np.arange(len(change))) & 1  # (exchanges, m)
        else:
            moved = random.integers(2, size=(count, len(change)), dtype=np.int8)
        sums = moved.astype(float) @ change  # (exchanges, 3), whole numbers
        hits += int(np.sum(np.abs(f1(whole - sums) - f1(total + sums)) >= abs(difference) - EQUAL))
    p_value = hits / number if exact else (1 + hits) / (1 + number)
    return PermutationTest(difference, p_value, number, exact)
