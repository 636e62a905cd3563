"""Pure functions on tensors, written on `keras.ops`: they hold no weights and run on every backend."""

from __future__ import annotations

from seqlab.constants import FORBIDDEN, IGNORE
from seqlab.ops.crf import log_likelihood, log_partition, marginals, path_score, viterbi
from seqlab.ops.crf_nbest import n_best
from seqlab.ops.crf_posterior import entropy, pair_marginals, posterior_decode, sample
from seqlab.ops.crf_sets import Rules, constrained, set_log_probability, window_log_probability
from seqlab.ops.crf_spans import span_log_probability
from seqlab.ops.masking import label_mask, masked_mean, sequence_mask
from seqlab.ops.sampled_softmax import full_softmax_loss, log_uniform_candidates, sampled_softmax_loss
from seqlab.ops.scan import scan

__all__ = [
    "FORBIDDEN",
    "IGNORE",
    "Rules",
    "constrained",
    "entropy",
    "full_softmax_loss",
    "label_mask",
    "log_likelihood",
    "log_partition",
    "log_uniform_candidates",
    "marginals",
    "masked_mean",
    "n_best",
    "pair_marginals",
    "path_score",
    "posterior_decode",
    "sample",
    "sampled_softmax_loss",
    "scan",
    "sequence_mask",
    "set_log_probability",
    "span_log_probability",
    "viterbi",
    "window_log_probability",
]
