"""Pure functions on tensors, written on `keras.ops`: they hold no weights and run on every backend."""

from __future__ import annotations

from seqlab.constants import IGNORE
from seqlab.ops.crf import log_likelihood, log_partition, marginals, path_score, viterbi
from seqlab.ops.masking import label_mask, masked_mean, sequence_mask
from seqlab.ops.scan import scan

__all__ = [
    "IGNORE",
    "label_mask",
    "log_likelihood",
    "log_partition",
    "marginals",
    "masked_mean",
    "path_score",
    "scan",
    "sequence_mask",
    "viterbi",
]
