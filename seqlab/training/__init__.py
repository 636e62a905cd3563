"""Training runs: a folder each, resumable."""

from __future__ import annotations

from seqlab.training.annealing import AnnealingRestarts
from seqlab.training.run import Result, train, train_folds
from seqlab.training.state import RunState

__all__ = ["AnnealingRestarts", "Result", "RunState", "train", "train_folds"]
