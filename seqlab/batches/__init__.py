"""Padded batches by length bucket."""

from __future__ import annotations

from seqlab.batches.buckets import bucket_bounds
from seqlab.batches.frames import FrameBatches
from seqlab.batches.loader import Batches

__all__ = ["Batches", "FrameBatches", "bucket_bounds"]
