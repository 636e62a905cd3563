from __future__ import annotations

import math

import numpy as np
import pytest

from seqlab.errors import DataError
from seqlab.evaluation.perplexity import Perplexity, unigram_perplexity


def test_a_uniform_guess_has_the_perplexity_of_its_classes():
    found = Perplexity(3 * math.log(10), 3 * math.log(10), 3, 1)
    assert found.perplexity == pytest.approx(10)
    assert found.loss == pytest.approx(math.log(10))


def test_each_direction_has_a_figure():
    found = Perplexity(2 * math.log(2), 2 * math.log(8), 2, 1).to_dict()
    assert found == pytest.approx(
        {
            "perplexity": 4.0,
            "forward_perplexity": 2.0,
            "backward_perplexity": 8.0,
            "loss": math.log(4),
            "predictions": 2,
            "unknown": 1,
        }
    )


def test_unigrams_are_counted_with_one_added():
    trained, seen = np.array([3, 0, 1]), np.array([2, 1, 0])
    expected = math.exp(-(2 * math.log(4 / 7) + math.log(1 / 7)) / 3)
    assert unigram_perplexity(trained, seen) == pytest.approx(expected)


def test_nothing_to_predict_is_an_error():
    with pytest.raises(DataError, match="nothing to predict"):
        _ = Perplexity(0.0, 0.0, 0, 0).loss
    with pytest.raises(DataError, match="nothing to predict"):
        unigram_perplexity(np.array([1, 2]), np.array([0, 0]))
