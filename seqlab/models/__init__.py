"""Keras models whose heads say what the loss is."""

from __future__ import annotations

from seqlab.models.auxiliary import Auxiliary
from seqlab.models.best import BestWeights
from seqlab.models.distillation import Distillation
from seqlab.models.ensemble import Ensemble
from seqlab.models.multitask import MultiTaskTagger
from seqlab.models.sequence_model import SequenceModel
from seqlab.models.tagger import Tagger
from seqlab.models.tagging import Alternative, Tagging, TextSpan

__all__ = [
    "Alternative",
    "Auxiliary",
    "BestWeights",
    "Distillation",
    "Ensemble",
    "MultiTaskTagger",
    "SequenceModel",
    "Tagger",
    "Tagging",
    "TextSpan",
]
