"""Tag schemes and the spans they write: plain Python, no backend."""

from __future__ import annotations

from seqlab.tags.schemes import ALIASES, SCHEMES, Scheme, detect, nearest, scheme, split_tag, violations
from seqlab.tags.spans import Span, convert, encode, spans

__all__ = [
    "ALIASES",
    "SCHEMES",
    "Scheme",
    "Span",
    "convert",
    "detect",
    "encode",
    "nearest",
    "scheme",
    "spans",
    "split_tag",
    "violations",
]
