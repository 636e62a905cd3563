"""Binary sequences of many lengths as one array, in a few groups of lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from seqlab.batches.buckets import bucket_bounds

PADDING = 0.12  # share of padding: four groups of lengths for JSB Chorales, each compiled once


class Packed(NamedTuple):
    """Pieces of which all steps but the first are predicted.

    Attributes:
        steps: (pieces, longest, width) whole numbers, padded by zeros.
        lengths: (pieces,) steps to predict, one fewer than a piece has.
        groups: (pieces,) index of each piece's bound.
        bounds: Steps to predict, at most, in each group; increasing.
    """

    steps: np.ndarray
    lengths: np.ndarray
    groups: np.ndarray
    bounds: tuple[int, ...]

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All but the bounds."""
        return self.steps, self.lengths, self.groups

    def split(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """The steps (pieces, bound + 1, width) and lengths of each group."""
        chosen = [np.flatnonzero(self.groups == n) for n in range(len(self.bounds))]
        return [
            (self.steps[rows, : bound + 1], self.lengths[rows]) for rows, bound in zip(chosen, self.bounds, strict=True)
        ]


def pack(pieces: Sequence[np.ndarray], padding: float = PADDING) -> Packed:
    """Packs pieces, arrays (steps, width) of at least two steps.

    Args:
        pieces: At least one.
        padding: Largest share of padded steps in the groups.

    Raises:
        ValueError: For no piece, or one of fewer than two steps: it has nothing to predict.

    >>> packed = pack([np.ones((3, 2)), np.ones((9, 2)), np.ones((3, 2))])
    >>> packed.bounds, packed.lengths.tolist(), packed.groups.tolist()
    ((2, 8), [2, 8, 2], [0, 1, 0])
    """
    if not pieces or min(map(len, pieces)) < 2:
        raise ValueError("Expected at least one piece, each of at least two steps: the first is not predicted.")
    lengths = np.array([len(piece) - 1 for piece in pieces], "int32")
    bounds = bucket_bounds(lengths, padding)
    steps = np.zeros((len(pieces), lengths.max() + 1, pieces[0].shape[1]), "uint8")
    for row, piece in zip(steps, pieces, strict=True):
        row[: len(piece)] = piece
    return Packed(steps, lengths, np.searchsorted(bounds, lengths).astype("int32"), tuple(bounds))
