from __future__ import annotations

import numpy as np
from keras import ops

from seqlab.constants import IGNORE
from seqlab.ops.masking import label_mask, masked_mean, sequence_mask
from tests.ops.gradients import gradients


def test_label_mask():
    assert ops.convert_to_numpy(label_mask([[0, IGNORE], [IGNORE, 3]])).tolist() == [
        [True, False],
        [False, True],
    ]


def test_sequence_mask():
    found = ops.convert_to_numpy(sequence_mask([0, 2, 5], 4))
    assert found.sum(1).tolist() == [0, 2, 4]
    assert found[1].tolist() == [True, True, False, False]


def test_masked_mean_and_its_gradient_ignore_what_is_masked():
    mask = np.array([True, False, True, False])
    values = np.array([1.0, np.nan, 4.0, np.inf], "float32")
    value, (found,) = gradients(lambda x: masked_mean(x, mask), [values])
    assert value == 2.5
    assert found.tolist() == [0.5, 0, 0.5, 0]


def test_masked_mean_of_nothing_is_zero():
    value, (found,) = gradients(lambda x: masked_mean(x, np.zeros(3, bool)), [np.ones(3, "float32")])
    assert value == 0
    assert not found.any()
