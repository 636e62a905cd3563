"""Counts of sentences drawn at random, for the tests of scores' differences."""

from __future__ import annotations

import numpy as np

from seqlab.evaluation.sentence_counts import SentenceCounts


def counts(correct, found, gold):
    return SentenceCounts(*(np.array(part, np.int64) for part in (correct, found, gold)))


def pair(sentences, seed=0, skill=(0.5, 0.6)):
    """Two models' counts on the same sentences; spans are right with these chances."""
    random = np.random.default_rng(seed)
    gold = random.integers(0, 6, sentences)
    made = []
    for chance in skill:
        correct = random.binomial(gold, chance)
        made.append(counts(correct, correct + random.integers(0, 3, sentences), gold))
    return made


def rows(part):
    return [tuple(row) for row in part.rows.tolist()]
