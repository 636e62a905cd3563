"""Which sequences stand in which batch of an epoch, and the order of the batches."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np


@dataclass(frozen=True)
class Batch:
    """Which sentences stand in one batch, and the length that they are padded to."""

    sentences: np.ndarray
    time: int


def ordered(plan: list[Batch], random: np.random.Generator | None) -> list[Batch]:
    """Shuffles the batches if there is a source of random numbers, and lets the first two differ in size if any do.

    Keras on TensorFlow fixes what the first two batches share, see `distinct`.
    """
    if random is not None:
        plan = [plan[k] for k in random.permutation(len(plan))]
    odd = next((k for k, batch in enumerate(plan) if len(batch.sentences) != len(plan[0].sentences)), 1)
    if len(plan) > 2:
        plan.insert(1, plan.pop(odd))
    return plan


def distinct(size: int, index: int) -> int:
    """Makes a dimension even in the first batch and odd in the second: Keras on TensorFlow fixes what they share."""
    if index > 1 or keras.backend.backend() != "tensorflow":
        return size
    return size + (size - index) % 2
