"""Tokens without their padding, and back, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from seqlab.ops.order import order_of
from seqlab.ops.packing import last_packed, pack, packing_of, unpack
from tests.ops.gradients import gradients

MASKS = {
    "holes": [[0, 1, 0, 1], [1, 1, 1, 1], [0, 0, 0, 0], [1, 1, 0, 0]],
    "equal": [[1, 1, 1, 0]] * 4,
    "whole": [[1, 1, 1, 1]] * 4,
    "one token": [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]],
    "no token": [[0, 0, 0, 0]] * 4,
    "one row": [[1, 0, 1, 1]],
}
VALUES = np.arange(32, dtype="float32").reshape(4, 4, 2) + 1


def array(tensor):
    return np.array(ops.convert_to_numpy(tensor))


def by_hand(mask, values, sorting, reverse):
    """(tokens, width): the first tokens of all sorted rows, the second ones, ..."""
    rows = [values[row][mask[row]][:: -1 if reverse else 1] for row in sorting]
    found = [row[step] for step in range(mask.shape[1]) for row in rows if step < len(row)]
    return np.reshape(found, (-1, values.shape[-1]))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", MASKS)
def test_there_and_back(name, reverse):
    mask = np.array(MASKS[name], bool)
    values = VALUES[: len(mask)]
    order = order_of(ops.convert_to_tensor(mask), reverse)
    packing = packing_of(order)
    sorting, lengths = array(packing.sorting), mask.sum(1)
    assert sorted(sorting) == list(range(len(mask)))
    assert (np.diff(lengths[sorting]) <= 0).all()
    np.testing.assert_array_equal(array(packing.lengths), lengths[sorting])
    np.testing.assert_array_equal(sorting[array(packing.ranks)], np.arange(len(mask)))
    steps = max(lengths.max(), 1)
    np.testing.assert_array_equal(array(packing.sizes), (lengths[:, None] > np.arange(steps)).sum(0))
    packed = pack(ops.convert_to_tensor(values), packing, order)
    np.testing.assert_array_equal(array(packed)[0], by_hand(mask, values, sorting, reverse))
    np.testing.assert_array_equal(array(unpack(packed, packing, order)), np.where(mask[..., None], values, 0))


@pytest.mark.parametrize("name", MASKS)
def test_tokens_before_and_last_ones(name):
    mask = np.array(MASKS[name], bool)
    values, first = VALUES[: len(mask)], -np.arange(2.0 * len(mask), dtype="float32").reshape(-1, 2)
    packing = packing_of(order_of(ops.convert_to_tensor(mask)))
    sorting = array(packing.sorting)
    packed = by_hand(mask, values, sorting, False)
    rows = [values[row][mask[row]] for row in sorting]
    before = [np.concatenate([first[k : k + 1], row])[:-1] for k, row in enumerate(rows)]
    wanted = [row[step] for step in range(4) for row in before if step < len(row)]
    found = np.concatenate([first, packed])[array(packing.before)]
    np.testing.assert_array_equal(found, np.reshape(wanted, (-1, 2)))
    last = array(last_packed(ops.convert_to_tensor(packed[None]), packing, ops.convert_to_tensor(first)))
    np.testing.assert_array_equal(last, [row[-1] if len(row) else first[k] for k, row in enumerate(rows)])


@pytest.mark.parametrize("reverse", [False, True])
def test_gradients_go_back_where_the_values_came_from(reverse):
    mask = np.array(MASKS["holes"], bool)
    order = order_of(ops.convert_to_tensor(mask), reverse)
    packing = packing_of(order)
    weight = np.random.default_rng(0).normal(size=VALUES.shape).astype("float32")
    sorting = array(packing.sorting)
    share = by_hand(mask, weight, sorting, reverse)[None]

    _, (found,) = gradients(lambda x: ops.sum(pack(x, packing, order) * share), [VALUES])
    np.testing.assert_array_equal(found, np.where(mask[..., None], weight, 0))
    packed = by_hand(mask, VALUES, sorting, reverse)[None]
    _, (found,) = gradients(lambda x: ops.sum(unpack(x, packing, order) * weight), [packed])
    np.testing.assert_array_equal(found, share)
