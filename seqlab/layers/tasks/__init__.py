"""Encoders that serve several tasks."""

from __future__ import annotations

from seqlab.layers.tasks.base import TaskEncoder
from seqlab.layers.tasks.private import PrivateEncoders
from seqlab.layers.tasks.sc_stack import SCLSTMStack
from seqlab.layers.tasks.shared import SharedEncoder

__all__ = ["PrivateEncoders", "SCLSTMStack", "SharedEncoder", "TaskEncoder"]
