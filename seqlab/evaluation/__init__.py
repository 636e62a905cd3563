"""Scores and what is known of their differences, error reports, calibration, pictures of attention, gradient reach."""

from __future__ import annotations

from seqlab.evaluation.attention import draw_attention
from seqlab.evaluation.calibration import Reliability, brier, negative_log_likelihood, reliability, reliability_of
from seqlab.evaluation.comparison import Comparison, compare
from seqlab.evaluation.permutation import PermutationTest, permutation_test
from seqlab.evaluation.reach import gradient_reach, reach_table
from seqlab.evaluation.resampling import Interval, bootstrap, bootstrap_difference
from seqlab.evaluation.run_report import RunReport, report_runs
from seqlab.evaluation.run_results import Results, read_results
from seqlab.evaluation.scores import Score, Scores, score
from seqlab.evaluation.seeds import SeedDifference, Spread, seed_difference, spread
from seqlab.evaluation.sentence_counts import SentenceCounts, span_counts, token_counts
from seqlab.evaluation.sequences import edit_distance, frame_error, label_error_rate, next_step_nll
from seqlab.evaluation.temperature import Temperature, fit_temperature, minimise_temperature

__all__ = [
    "Comparison",
    "Interval",
    "PermutationTest",
    "Reliability",
    "Results",
    "RunReport",
    "Score",
    "Scores",
    "SeedDifference",
    "SentenceCounts",
    "Spread",
    "Temperature",
    "bootstrap",
    "bootstrap_difference",
    "brier",
    "compare",
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
    "permutation_test",
    "reach_table",
    "read_results",
    "reliability",
    "reliability_of",
    "report_runs",
    "score",
    "seed_difference",
    "span_counts",
    "spread",
    "token_counts",
]
