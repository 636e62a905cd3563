"""One encoder for all tasks: which layer each reads, and what is refused."""

from __future__ import annotations

import pytest

from seqlab.errors import SettingsError
from seqlab.layers.dilated_cnn import DilatedCNN
from seqlab.layers.stack import RecurrentStack
from seqlab.layers.tasks.shared import SharedEncoder
from tests.layers.common import INPUTS, close, differ, learnt


def stack(**options):
    return RecurrentStack(2, layers=3, cell="srn", **options)


def test_tasks_read_the_layers_of_their_depths():
    encoder = stack(all_layers=True)
    layer = learnt(SharedEncoder(encoder, 3, depths=(1, 3, 2)))
    layers = encoder(INPUTS)
    for task, depth in enumerate((1, 3, 2)):
        close(layer(INPUTS, task=task), layers[depth - 1])
    assert differ(layers[0], layers[1])


@pytest.mark.parametrize("depths", [None, (1, 3)])
def test_directions_are_those_of_the_first_layer(depths):
    encoder = stack()
    layer = learnt(SharedEncoder(encoder, 2, depths))
    first = encoder.up_to(1, INPUTS)[0]
    for task in (0, 1, None):
        close(layer(INPUTS, task=task, directions=True)[1], first)


def test_all_read_the_top_of_any_encoder_without_depths():
    encoder = DilatedCNN(3, layers=2)
    layer = learnt(SharedEncoder(encoder, 2))
    for task in range(2):
        close(layer(INPUTS, task=task), encoder(INPUTS))


def test_layers_that_nobody_reads_any_more_are_left_out():
    layer = SharedEncoder(stack(), 2, depths=(3, 2))
    assert SharedEncoder.from_config(layer.config_for([1])).encoder.layers == 2
    assert SharedEncoder.from_config(layer.config_for([1, None], depth=1)).depths == (2, 1)
    with pytest.raises(SettingsError, match="Layer 4 of an encoder of 3"):
        layer.config_for([0, None], depth=4)
    with pytest.raises(SettingsError, match="LSTM-d"):
        SharedEncoder(stack(), 2).config_for([0], depth=1)


@pytest.mark.parametrize(
    ("encoder", "depths", "message"),
    [
        (stack, (1, 4), "from 1 to 3 for each of the 2 tasks"),
        (stack, (0, 3), "from 1 to 3"),
        (stack, (3,), "each of the 2 tasks"),
        (stack, (1, 2), "No task reads layer 3"),
        (lambda: DilatedCNN(3, layers=2), (1, 2), "received DilatedCNN"),
        (lambda: stack(all_layers=True), None, "leave it out"),
    ],
)
def test_refuses(encoder, depths, message):
    with pytest.raises(SettingsError, match=message):
        SharedEncoder(encoder(), 2, depths)
