"""Sums over sentences are the scores that are reported, on any tags."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.errors import DataError
from seqlab.evaluation.scores import score
from seqlab.evaluation.sentence_counts import check_same, f1, span_counts, token_counts
from tests.evaluation.counted import counts
from tests.oracles.spans import read

TAGS = {
    "iob1": ["O", "B-X", "I-X", "B-Y", "I-Y"],
    "iob2": ["O", "B-X", "I-X", "B-Y", "I-Y"],
    "iobes": ["O", "B-X", "I-X", "E-X", "S-X", "B-Y", "S-Y"],
}
PAIRS = st.sampled_from(list(TAGS)).flatmap(
    lambda scheme: st.tuples(
        st.just(scheme),
        st.lists(st.lists(st.tuples(*[st.sampled_from(TAGS[scheme])] * 2), max_size=6), min_size=1, max_size=5),
    )
)


@given(PAIRS)
def test_value_is_the_score(case):
    scheme, sentences = case
    gold, predicted = ([[pair[k] for pair in sentence] for sentence in sentences] for k in range(2))
    scores = score(gold, predicted, scheme)
    spans = span_counts(gold, predicted, scheme)
    assert spans.value == pytest.approx(scores.overall.f1)
    assert token_counts(gold, predicted).value == pytest.approx(scores.accuracy)
    assert spans.rows.tolist() == [
        [len(set(read(g)) & set(read(p))), len(read(p)), len(read(g))] for g, p in zip(gold, predicted, strict=True)
    ]


def test_nothing_to_find_scores_nothing():
    assert span_counts([["O"]], [["O"]], "iob2").value == 0
    assert f1(np.zeros((2, 3))).tolist() == [0, 0]


def test_bad_outputs():
    with pytest.raises(ValueError, match="expected 1 tags, received 2"):
        token_counts([["N"]], [["N", "N"]])
    with pytest.raises(ValueError, match="predictions for 1 sentences, received 0"):
        span_counts([["O"]], [], "iob2")
    for made in (lambda: token_counts([], []), lambda: span_counts([], [], "iob2")):
        with pytest.raises(DataError, match="Expected sentences to score"):
            made()


def test_counts_of_other_sentences():
    one = counts([1, 1], [1, 1], [1, 2])
    check_same(one, counts([0, 0], [3, 0], [1, 2]))
    with pytest.raises(DataError, match="outputs for 2 and for 1 sentences"):
        check_same(one, counts([1], [1], [1]))
    with pytest.raises(DataError, match="Sentence 1 has 2 gold items for the one and 3 for the other"):
        check_same(one, counts([1, 1], [1, 1], [1, 3]))
