"""Scores and error reports."""

from __future__ import annotations

from seqlab.evaluation.scores import Score, Scores, score

__all__ = ["Score", "Scores", "score"]
