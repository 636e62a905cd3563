"""Scores, error reports, the calibration of confidences, pictures of attention, and what batches of tasks move."""

from __future__ import annotations

from seqlab.evaluation.attention import draw_attention
from seqlab.evaluation.calibration import Reliability, brier, negative_log_likelihood, reliability, reliability_of
from seqlab.evaluation.reach import gradient_reach, reach_table
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
    "gradient_reach",
    "label_error_rate",
    "minimise_temperature",
    "minimise_temperature",
    "negative_log_likelihood",
    "negative_log_likelihood",
    "next_step_nll",
    "reach_table",
    "reliability",
    "reliability_of",
    "score",
]
