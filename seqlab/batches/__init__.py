"""Padded batches by length bucket, of one task or of several by a schedule."""

from __future__ import annotations

from seqlab.batches.buckets import bucket_bounds
from seqlab.batches.loader import Batches
from seqlab.batches.multitask import JointTaskBatches, MultiTaskBatches, encode_joint, encode_tasks
from seqlab.batches.schedules import (
    Alternating,
    Exhaustive,
    Proportional,
    Schedule,
    Sequential,
    Temperature,
    Uniform,
    Weighted,
)
from seqlab.batches.score_weights import ScoreWeights

__all__ = [
    "Alternating",
    "Batches",
    "Exhaustive",
    "JointTaskBatches",
    "MultiTaskBatches",
    "Proportional",
    "Schedule",
    "ScoreWeights",
    "Sequential",
    "Temperature",
    "Uniform",
    "Weighted",
    "bucket_bounds",
    "encode_joint",
    "encode_tasks",
]
