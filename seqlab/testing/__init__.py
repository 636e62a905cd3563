"""Checks that layers and heads must pass, shipped for users' own parts."""

from __future__ import annotations

from seqlab.testing.checks import (
    check_gradient_reach,
    check_head,
    check_mask_routes,
    check_padding_invariance,
    check_round_trip,
)

__all__ = [
    "check_gradient_reach",
    "check_head",
    "check_mask_routes",
    "check_padding_invariance",
    "check_round_trip",
]
