"""The spread of scores against NumPy."""

from __future__ import annotations

import json

import numpy as np
import pytest

from seqlab.errors import DataError
from seqlab.evaluation.seeds import spread


@pytest.mark.parametrize("values", [[0.5, 0.25, 1.0], [0.9, 0.1, 0.3, 0.4]])
def test_figures(values):
    found = spread(values)
    expected = [np.median(values), min(values), max(values), np.mean(values), np.std(values, ddof=1)]
    np.testing.assert_allclose([found.median, found.minimum, found.maximum, found.mean, found.stdev], expected)
    assert found.values == tuple(values)
    assert json.loads(json.dumps(found.to_dict()))["values"] == values


def test_one_run_has_no_deviation():
    assert spread([0.5]).stdev is None
    assert str(spread([0.5])) == "50.00 (one run)"


@pytest.mark.parametrize("values", [[], [0.5, 94.0], [float("nan")], [-0.1]])
def test_bad_scores(values):
    with pytest.raises(DataError, match="Expected .*scores"):
        spread(values)
