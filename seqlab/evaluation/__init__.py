"""Scores, error reports, the calibration of confidences, and pictures of attention."""

from __future__ import annotations

from seqlab.evaluation.attention import draw_attention
from seqlab.evaluation.calibration import Reliability, brier, negative_log_likelihood, reliability, reliability_of
from seqlab.evaluation.scores import Score, Scores, score
from seqlab.evaluation.sequences import edit_distance, frame_error, label_error_rate, next_step_nll
from seqlab.evaluation.temperature import Temperature, fit_temperature, minimise_temperature

__all__ = [
    "Reliability",
    "Score",
    "Scores",
    "Temperature",
    "brier",
    "draw_attention",
    "edit_distance",
    "fit_temperature",
    "frame_error",
    "label_error_rate",
    "minimise_temperature",
    "negative_log_likelihood",
    "next_step_nll",
    "reliability",
    "reliability_of",
    "score",
]
