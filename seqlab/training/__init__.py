"""Training runs: a folder each, resumable."""

from __future__ import annotations

from seqlab.training.annealing import AnnealingRestarts
from seqlab.training.averaging import AveragedWeights
from seqlab.training.cycles import Snapshots, WeightAverage
from seqlab.training.pretraining import Pretrained, pretrain
from seqlab.training.run import Result, train, train_folds
from seqlab.training.schedules import Triangular
from seqlab.training.state import RunState

__all__ = [
    "AnnealingRestarts",
    "AveragedWeights",
    "Pretrained",
    "Result",
    "RunState",
    "Snapshots",
    "Triangular",
    "WeightAverage",
    "pretrain",
    "train",
    "train_folds",
]
