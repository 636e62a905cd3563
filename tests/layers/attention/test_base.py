"""What all attention layers share, on one of them; each kind passes `check_contract` in its own file."""

from __future__ import annotations

import numpy as np
import pytest

from seqlab.layers.attention.base import SequenceAttention
from seqlab.layers.attention.multiplicative import MultiplicativeAttention
from tests.layers.attention.common import learnt
from tests.layers.common import INPUTS, PADDING, array, tensor


def test_lengths_are_a_mask():
    layer = learnt(MultiplicativeAttention())
    found = layer(INPUTS, mask=tensor(PADDING.sum(axis=1).astype("int32")))
    np.testing.assert_array_equal(array(found), array(layer(INPUTS, mask=tensor(PADDING))))


def test_a_mask_that_does_not_fit():
    with pytest.raises(ValueError, match=r"Expected a boolean mask .*; received a mask of shape \(4, 3\)"):
        learnt(MultiplicativeAttention())(INPUTS, mask=tensor(PADDING[:, :3]))


def test_inputs_of_another_rank():
    with pytest.raises(ValueError, match="expected ndim=3, found ndim=2"):
        MultiplicativeAttention()(INPUTS[0])


def test_subclasses_say_what_the_context_is():
    with pytest.raises(NotImplementedError, match="must write"):
        SequenceAttention().attend(INPUTS, None, False)
