"""Tag schemes, the spans they write and the constraints that follow from them: Python and NumPy, no backend."""

from __future__ import annotations

from seqlab.tags.constraints import Constraints
from seqlab.tags.counting import at_least_one, at_most_one
from seqlab.tags.expansion import Expansion
from seqlab.tags.listed import only_listed
from seqlab.tags.rules import forbid, forced_tags, free, from_predicate, require, scheme_constraints
from seqlab.tags.schemes import ALIASES, SCHEMES, Scheme, detect, nearest, scheme, split_tag, violations
from seqlab.tags.spans import Span, convert, encode, spans

__all__ = [
    "ALIASES",
    "SCHEMES",
    "Constraints",
    "Expansion",
    "Scheme",
    "Span",
    "at_least_one",
    "at_most_one",
    "convert",
    "detect",
    "encode",
    "forbid",
    "forced_tags",
    "free",
    "from_predicate",
    "nearest",
    "only_listed",
    "require",
    "scheme",
    "scheme_constraints",
    "spans",
    "split_tag",
    "violations",
]
