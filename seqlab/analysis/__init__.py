"""Analyses of studies: importances of hyperparameters, marginals, tests between groups, figures and a report."""

from __future__ import annotations

from seqlab.analysis.comparison import Comparison, Welch, best, boxes, compare, detectable, welch
from seqlab.analysis.fanova import Fanova, Importance, Marginal, PairMarginal, Share
from seqlab.analysis.findings import Findings, Options
from seqlab.analysis.reading import Columns, read_trials
from seqlab.analysis.report import analyse
from seqlab.analysis.space import Axis, axis
from seqlab.analysis.trials import Trials

__all__ = [
    "Axis",
    "Columns",
    "Comparison",
    "Fanova",
    "Findings",
    "Importance",
    "Marginal",
    "Options",
    "PairMarginal",
    "Share",
    "Trials",
    "Welch",
    "analyse",
    "axis",
    "best",
    "boxes",
    "compare",
    "detectable",
    "read_trials",
    "welch",
]
