"""Saved models at work."""

from __future__ import annotations

from seqlab.inference.load import load

__all__ = ["load"]
