"""Cells: one step of a recurrence each, for seqlab's `Recurrent` and for `keras.layers.RNN`."""

from __future__ import annotations

from seqlab.layers.cells.base import RecurrentCell
from seqlab.layers.cells.gru import GRUCell, SRNCell
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.layers.cells.parts import Projection
from seqlab.layers.cells.sc_lstm import SCLSTMCell
from seqlab.layers.cells.wrappers import LearnedStateCell, RecurrentDropoutCell, ResidualCell, WrapperCell
from seqlab.layers.cells.zoneout import ZoneoutCell

__all__ = [
    "GRUCell",
    "LSTMCell",
    "LearnedStateCell",
    "Projection",
    "RecurrentCell",
    "RecurrentDropoutCell",
    "ResidualCell",
    "SCLSTMCell",
    "SRNCell",
    "WrapperCell",
    "ZoneoutCell",
]
