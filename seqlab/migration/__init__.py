"""Readers of models that other libraries trained."""

from __future__ import annotations

from seqlab.migration.addons import addons_crf_head, read_addons_crf
from seqlab.migration.elmo import ElmoOptions, read_elmo_options, read_elmo_weights

__all__ = ["ElmoOptions", "addons_crf_head", "read_addons_crf", "read_elmo_options", "read_elmo_weights"]
