"""Tokens first, one after the other, in both directions; and back."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from seqlab.ops.order import last_step, order_of, to_steps, to_tokens
from tests.ops.gradients import gradients

MASK = np.array([[1, 1, 1, 1], [0, 1, 0, 1], [0, 0, 0, 0]], bool)
VALUES = np.arange(24, dtype="float32").reshape(3, 4, 2) + 1


def array(tensor):
    return np.array(ops.convert_to_numpy(tensor))


def packed(reverse):
    """(time, batch, width) by hand."""
    found = np.zeros((4, 3, 2), "float32")
    for row, real in enumerate(MASK):
        tokens = VALUES[row][real]
        found[: len(tokens), row] = tokens[::-1] if reverse else tokens
    return found


@pytest.mark.parametrize("reverse", [False, True])
def test_there_and_back(reverse):
    order = order_of(ops.convert_to_tensor(MASK), reverse)
    steps = to_steps(ops.convert_to_tensor(VALUES), order)
    np.testing.assert_array_equal(array(steps), packed(reverse))
    np.testing.assert_array_equal(array(order.valid), np.arange(4)[:, None] < [4, 2, 0])
    assert array(order.lengths).tolist() == [4, 2, 0]
    np.testing.assert_array_equal(array(to_tokens(steps, order)), np.where(MASK[..., None], VALUES, 0))


@pytest.mark.parametrize("reverse", [False, True])
def test_a_mask_without_holes_has_the_same_order_as_one_with_them(reverse):
    beginnings = np.arange(4) < np.array([3, 4, 0, 1])[:, None]
    plain = order_of(ops.convert_to_tensor(beginnings), reverse)
    holes = order_of(ops.convert_to_tensor(np.concatenate([beginnings, MASK[1:2]])), reverse)
    np.testing.assert_array_equal(array(plain.rows), array(holes.rows)[:, :4])
    np.testing.assert_array_equal(array(plain.places) // 4, array(holes.places)[:4] // 5)
    np.testing.assert_array_equal(array(plain.valid), array(holes.valid)[:, :4])


@pytest.mark.parametrize("reverse", [False, True])
def test_gradients_go_the_same_way(reverse):
    share = np.random.default_rng(0).normal(size=(4, 3, 2)).astype("float32")

    def loss(values):
        order = order_of(ops.convert_to_tensor(MASK), reverse)
        steps = to_steps(values, order) * ops.convert_to_tensor(share)
        return ops.sum(ops.square(to_tokens(steps, order)))

    order = order_of(ops.convert_to_tensor(MASK), reverse)
    shares = array(to_tokens(ops.convert_to_tensor(share), order))
    value, found = gradients(loss, [VALUES])
    np.testing.assert_allclose(value, np.sum((VALUES * shares) ** 2), rtol=1e-5)
    np.testing.assert_allclose(found[0], 2 * VALUES * shares**2, rtol=1e-5)


def test_what_stands_at_masked_steps_is_gone():
    order = order_of(ops.convert_to_tensor(MASK))
    spoilt = np.where(MASK[..., None], VALUES, np.nan)
    np.testing.assert_array_equal(array(to_steps(ops.convert_to_tensor(spoilt), order)), packed(False))


def test_last_step():
    order = order_of(ops.convert_to_tensor(MASK))
    steps = to_steps(ops.convert_to_tensor(VALUES), order)
    before = ops.full((3, 2), 7.0)
    np.testing.assert_array_equal(array(last_step(steps, order.valid, before)), [[7, 8], [15, 16], [7, 7]])
    np.testing.assert_array_equal(array(last_step(steps, None, before))[0], [7, 8])
