"""An encoder for each task, and one beside them for all."""

from __future__ import annotations

import numpy as np
import pytest

from seqlab.errors import SettingsError
from seqlab.layers.stack import RecurrentStack
from seqlab.layers.tasks.private import PrivateEncoders
from tests.layers.common import INPUTS, array, close, learnt


def srn(units=2):
    return RecurrentStack(units, cell="srn")


def test_the_shared_space_stands_before_the_private_one():
    private, shared = [srn(), srn()], srn(3)
    layer = learnt(PrivateEncoders(private, shared))
    for task in range(2):
        parts = [array(shared(INPUTS)), array(private[task](INPUTS))]
        close(layer(INPUTS, task=task), np.concatenate(parts, axis=-1))


def test_separate_networks_share_nothing():
    layer = learnt(PrivateEncoders([srn(), srn()]))
    first, second = ({id(weight) for weight in layer.weights_of(task)} for task in range(2))
    assert first and not first & second
    assert len(first | second) == len(layer.trainable_weights)


def test_directions_are_those_of_the_shared_stack():
    shared = RecurrentStack(3, layers=2, cell="srn")
    layer = learnt(PrivateEncoders([srn(), srn()], shared))
    for task in (0, 1, None):
        close(layer(INPUTS, task=task, directions=True)[1], array(shared.up_to(1, INPUTS)[0]))


def test_refuses():
    one = srn()
    with pytest.raises(SettingsError, match="all different ones; received 2 for 1"):
        PrivateEncoders([one, one])
    with pytest.raises(SettingsError, match="received 0"):
        PrivateEncoders([])
    with pytest.raises(SettingsError, match=r"one width; received \[4, 6\]"):
        PrivateEncoders([srn(), srn(3)]).build(INPUTS.shape)
    with pytest.raises(SettingsError, match="LSTM-d"):
        PrivateEncoders([srn()]).config_for([0], depth=1)
