"""What all encoders of several tasks keep: one task is a part of all, and what a task reads is what it says."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.errors import SettingsError
from seqlab.layers.dilated_cnn import DilatedCNN
from seqlab.layers.stack import RecurrentStack
from seqlab.layers.tasks.base import TaskEncoder
from seqlab.layers.tasks.private import PrivateEncoders
from seqlab.layers.tasks.sc_stack import SCLSTMStack
from seqlab.layers.tasks.shared import SharedEncoder
from tests.layers.common import INPUTS, MASK, array, close, learnt, slopes, tensor
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


@pytest.mark.parametrize("task", [None, 0])
def test_a_representation_alone_is_refused(task):
    """As a subclass returns it that knows nothing of directions: a tensor would be cut to its first sentence."""

    class Alone(SharedEncoder):
        def represent(self, inputs, mask, task, training):
            return super().represent(inputs, mask, task, training)[0]

        represent_all = TaskEncoder.represent_all

    layer = Alone(RecurrentStack(2, cell="srn"), 3)
    with pytest.raises(TypeError, match=r"Alone.represent must return two things"):
        layer(INPUTS, mask=tensor(MASK), task=task)


SHARED = [name for name in ENCODERS if name != "private"]


@pytest.mark.parametrize("name", SHARED)
def test_directions_come_besides_and_are_one_for_all_tasks(name):
    layer = learnt(ENCODERS[name]())
    every, shared = layer(INPUTS, mask=tensor(MASK), directions=True)
    close(every, array(layer(INPUTS, mask=tensor(MASK))))
    assert array(shared).shape == (*INPUTS.shape[:2], layer.directions_width)
    assert not array(shared)[~MASK].any()
    for task in range(3):
        own, found = layer(INPUTS, mask=tensor(MASK), task=task, directions=True)
        close(own, array(every)[:, :, task])
        close(found, array(shared))
        symbols = layer(keras.Input((None, INPUTS.shape[-1])), task=task, directions=True)
        assert [symbol.shape[-1] for symbol in symbols] == [own.shape[-1], found.shape[-1]]


@pytest.mark.parametrize("name", SHARED)
def test_directions_read_weights_of_all_tasks_alone(name):
    layer = learnt(ENCODERS[name]())
    read = weights_read(lambda: layer(INPUTS, task=1, directions=True)[1], layer)
    assert read and all(read <= declared(layer, task) for task in range(3))


@pytest.mark.parametrize("name", SHARED)
def test_no_direction_sees_the_words_that_it_is_to_name(name):
    layer = learnt(ENCODERS[name]())
    time = INPUTS.shape[1]
    half = layer.directions_width // 2
    asked = np.zeros((2 * time, time, 2 * half), "float32")  # a row asks for one token of one direction
    for row in range(2 * time):
        start = half * (row % 2)
        asked[row, row // 2, start : start + half] = 1
    x = np.tile(INPUTS[:1], (2 * time, 1, 1))

    def value(x):
        return ops.sum(layer(x, mask=ops.ones((2 * time, time), "bool"), task=0, directions=True)[1] * asked), ()

    (slope,), _ = slopes(value)(ops.convert_to_tensor(x))
    for row, found in enumerate(np.abs(array(slope)).max(axis=-1)):
        t, steps = row // 2, np.arange(time)
        seen = steps >= t if row % 2 else steps <= t
        assert not found[~seen].any() and found[seen].min() > 0, (t, row % 2)


@pytest.mark.parametrize("encoder", [ENCODERS["private"], lambda: SharedEncoder(DilatedCNN(2), 3)])
def test_directions_of_what_shares_none(encoder):
    layer = learnt(encoder())
    assert layer.directions_width is None
    for inputs in (INPUTS, keras.Input((None, INPUTS.shape[-1]))):
        with pytest.raises(SettingsError, match="no first layer that all tasks share and whose directions have not"):
            layer(inputs, task=0, directions=True)


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
