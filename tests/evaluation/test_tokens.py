from __future__ import annotations

import numpy as np
import pytest

from seqlab.errors import DataError
from seqlab.evaluation.tokens import check_range, labelled_tokens


def test_batches_and_lists_of_sentences_give_the_same_tokens():
    values = np.arange(24.0).reshape(2, 4, 3)
    labels = np.array([[0, -1, 2, -1], [1, -1, -1, -1]])
    found, gold = labelled_tokens(values, labels, "scores")
    np.testing.assert_array_equal(found, values[[0, 0, 1], [0, 2, 0]])
    assert gold.tolist() == [0, 2, 1]
    again, same = labelled_tokens([values[0, :3].tolist(), values[1, :1]], [[0, -1, 2], [1]], "scores")
    np.testing.assert_array_equal(again, found)
    np.testing.assert_array_equal(same, gold)


def test_what_stands_at_unlabelled_tokens_does_not_matter():
    found, _ = labelled_tokens([[[1.0, 2.0], [np.nan, np.inf]]], [[1, -1]], "scores")
    assert found.tolist() == [[1.0, 2.0]]


def test_range():
    check_range(np.array([0.0, 1.0]), "shares")
    with pytest.raises(DataError, match=r"shares from -0\.5 to 1"):
        check_range(np.array([-0.5, 1.0]), "shares")
