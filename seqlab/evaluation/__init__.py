"""Scores, error reports, the calibration of confidences, pictures of attention, and what batches of tasks move."""

from __future__ import annotations

from seqlab.evaluation.attention import draw_attention
from seqlab.evaluation.calibration import Reliability, brier, negative_log_likelihood, reliability, reliability_of
from seqlab.evaluation.reach import gradient_reach, reach_table
from seqlab.evaluation.scores import Score, Scores, score
from seqlab.evaluation.temperature import Temperature, fit_temperature, minimise_temperature

__all__ = [
    "Reliability",
    "Score",
    "Scores",
    "Temperature",
    "brier",
    "draw_attention",
    "fit_temperature",
    "gradient_reach",
    "minimise_temperature",
    "negative_log_likelihood",
    "reach_table",
    "reliability",
    "reliability_of",
    "score",
]
