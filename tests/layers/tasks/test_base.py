"""What all encoders of several tasks keep: one task is a part of all, and what a task reads is what it says."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seqlab.layers.stack import RecurrentStack
from seqlab.layers.tasks.base import TaskEncoder
from seqlab.layers.tasks.private import PrivateEncoders
from seqlab.layers.tasks.sc_stack import SCLSTMStack
from seqlab.layers.tasks.shared import SharedEncoder
from tests.layers.common import INPUTS, MASK, array, close, learnt, tensor
from tests.layers.tasks.common import declared, weights_read

ENCODERS = {
    "shared": lambda: SharedEncoder(RecurrentStack(2, layers=2, dropout=0.1, cell="srn"), 3),
    "depths": lambda: SharedEncoder(RecurrentStack(2, layers=2, cell="srn", connection="highway"), 3, (2, 1, 2)),
    "private": lambda: PrivateEncoders([RecurrentStack(2, cell="srn") for _ in range(3)]),
    "private_shared": lambda: PrivateEncoders([RecurrentStack(2, cell="srn") for _ in range(3)], RecurrentStack(1)),
    "sc": lambda: SCLSTMStack(2, 3, layers=2, dropout=0.1),
    "sc_all": lambda: SCLSTMStack(2, 3, layers=2, gates="all", merge="sum"),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_one_task_is_a_part_of_all(name):
    layer = learnt(ENCODERS[name]())
    every = array(layer(INPUTS, mask=tensor(MASK)))
    assert every.shape == (*INPUTS.shape[:2], 3, layer.width(INPUTS.shape))
    for task in range(3):
        close(layer(INPUTS, mask=tensor(MASK), task=task), every[:, :, task])
        symbol = layer(keras.Input((None, INPUTS.shape[-1])), task=task)
        assert symbol.shape == (None, None, every.shape[-1])
    assert not every[~MASK].any()


@pytest.mark.parametrize("name", ENCODERS)
def test_a_task_reads_the_weights_that_it_says(name):
    layer = learnt(ENCODERS[name]())
    for task in range(3):
        assert weights_read(lambda task=task: layer(INPUTS, task=task), layer) == declared(layer, task)


@pytest.mark.parametrize("name", ENCODERS)
def test_a_config_for_other_tasks(name):
    layer = learnt(ENCODERS[name]())
    again = type(layer).from_config(layer.config_for([2, None, 0]))
    again.build(INPUTS.shape)
    for new, old in ((0, 2), (2, 0)):
        for source, target in zip(layer.weights_of(old), again.weights_of(new), strict=True):
            target.assign(array(source))
    for new, old in ((0, 2), (2, 0)):
        close(again(INPUTS, task=new), layer(INPUTS, task=old))


@pytest.mark.parametrize("task", [3, -1, True, "pos"])
def test_refuses_a_task_that_it_lacks(task):
    layer = learnt(ENCODERS["shared"]())
    with pytest.raises(ValueError, match="tasks 0 to 2"):
        layer(INPUTS, task=task)


def test_a_subclass_says_what_it_is():
    layer = TaskEncoder()
    for method in (layer.width, layer.weights_of, layer.config_for):
        with pytest.raises(NotImplementedError, match="must write"):
            method(np.zeros(1))
    with pytest.raises(NotImplementedError, match="represent"):
        layer.represent(INPUTS, None, 0, None)
