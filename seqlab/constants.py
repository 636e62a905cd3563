"""Numbers that several rooms must agree on."""

from __future__ import annotations

IGNORE = -1
"""Label of padding and of tokens without a usable label: no loss, no gradient, no score."""
