"""Bootstrap and permutation by writing every case out, in exact fractions."""

from __future__ import annotations

import itertools
from fractions import Fraction


def f_score(rows):
    """F1 of (correct, found, gold) rows from precision and recall."""
    correct, found, gold = (sum(column) for column in zip(*rows, strict=True))
    if not correct:
        return Fraction(0)
    precision, recall = Fraction(correct, found), Fraction(correct, gold)
    return 2 * precision * recall / (precision + recall)


def resampled(rows):
    """The scores of all equally likely draws of as many rows."""
    return [f_score(drawn) for drawn in itertools.product(rows, repeat=len(rows))]


def resampled_differences(one, other):
    """The differences of scores of all draws, the same sentences for both."""
    pairs = list(zip(one, other, strict=True))
    found = []
    for drawn in itertools.product(pairs, repeat=len(pairs)):
        first, second = zip(*drawn, strict=True)
        found.append(f_score(second) - f_score(first))
    return found


def p_value(one, other):
    """Share of all exchanges of sentences, alike ones too, that differ as much as the outputs do."""
    seen = abs(f_score(other) - f_score(one))
    hits = total = 0
    for moved in itertools.product([False, True], repeat=len(one)):
        first = [b if m else a for a, b, m in zip(one, other, moved, strict=True)]
        second = [a if m else b for a, b, m in zip(one, other, moved, strict=True)]
        hits += abs(f_score(second) - f_score(first)) >= seen
        total += 1
    return Fraction(hits, total)
