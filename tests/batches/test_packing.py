"""Packed pieces: every step is there, once, in the smallest group that holds it."""

from __future__ import annotations

import numpy as np
import pytest

from seqlab.batches.packing import pack


def pieces(*sizes):
    generator = np.random.default_rng(3)
    return [(generator.random((size, 5)) < 0.4).astype("uint8") for size in sizes]


def test_every_piece_is_whole():
    given = pieces(3, 12, 2, 12, 4, 30)
    packed = pack(given)
    assert packed.lengths.tolist() == [2, 11, 1, 11, 3, 29]
    assert packed.steps.shape == (6, 30, 5)
    for piece, row in zip(given, packed.steps, strict=True):
        assert np.array_equal(row[: len(piece)], piece)
        assert not row[len(piece) :].any()


def test_groups_are_the_smallest_that_hold_a_piece():
    packed = pack(pieces(3, 12, 2, 12, 4, 30))
    bounds = np.array(packed.bounds)
    assert bounds[-1] == 29 and len(bounds) > 2
    assert np.array_equal(packed.groups, [np.flatnonzero(bounds >= length)[0] for length in packed.lengths])


def test_split_gives_all_pieces_in_their_groups():
    given = pieces(3, 12, 2, 12, 4, 30)
    packed = pack(given)
    split = packed.split()
    assert [steps.shape[1] - 1 for steps, _ in split] == list(packed.bounds)
    assert sum(steps.sum() for steps, _ in split) == sum(piece.sum() for piece in given)
    assert sorted(np.concatenate([lengths for _, lengths in split])) == sorted(packed.lengths)


def test_padding_sets_the_number_of_groups():
    given = pieces(*range(2, 40))
    assert len(pack(given, padding=0.5).bounds) < len(pack(given, padding=0.05).bounds)


@pytest.mark.parametrize("given", [[], pieces(4, 1)])
def test_nothing_to_predict_is_an_error(given):
    with pytest.raises(ValueError, match="at least one piece, each of at least two steps"):
        pack(given)
