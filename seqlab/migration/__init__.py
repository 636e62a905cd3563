"""Readers of models that other libraries trained."""

from __future__ import annotations

from seqlab.migration.addons import addons_crf_head, read_addons_crf

__all__ = ["addons_crf_head", "read_addons_crf"]
