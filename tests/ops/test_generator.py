"""Random numbers out of a state that any loop can carry."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from seqlab.ops.generator import BITS, SHIFTS, draw, seeded


def array(tensor):
    return np.array(ops.convert_to_numpy(tensor))


def by_hand(x):
    left, right, last = SHIFTS
    mask = 2**BITS - 1
    x ^= (x << left) & mask
    x ^= x >> right
    return x ^ ((x << last) & mask)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_draws_are_the_generators(dtype):
    state = ops.cast(ops.convert_to_tensor([[3.0, 255.0, 17.0, 0.0, 200.0, 255.0]]), dtype)  # two generators
    numbers = [3 + 256 * 17 + 65536 * 200, 255 + 0 + 65536 * 255]
    for _ in range(20):
        uniform, state = draw(state)
        numbers = [by_hand(x) for x in numbers]
        np.testing.assert_allclose(array(uniform)[0], np.array(numbers) / 2**BITS, rtol=1e-6)


def test_uniform_and_independent_from_step_to_step():
    state = seeded((4, 2000), 1, "float32")
    assert state.shape == (4, 6000)
    draws = []
    for _ in range(20):
        uniform, state = draw(state)
        draws.append(array(uniform))
    kept = np.array(draws) < 0.2
    assert np.array(draws).min() >= 0
    assert np.array(draws).max() < 1
    assert kept.mean() == pytest.approx(0.2, abs=0.01)
    assert (kept[1:] & kept[:-1]).mean() == pytest.approx(0.04, abs=0.005)
    assert len({row.tobytes() for row in kept.reshape(20, -1)}) == 20


def test_the_period_is_full():
    """The generator's step is linear over bits: its matrix has order 2**24 - 1 and no smaller one."""
    columns = [by_hand(1 << k) for k in range(BITS)]
    matrix = np.array([[column >> k & 1 for column in columns] for k in range(BITS)])

    def power(exponent):
        result, base = np.eye(BITS, dtype=int), matrix
        while exponent:
            result = result @ base % 2 if exponent & 1 else result
            base, exponent = base @ base % 2, exponent >> 1
        return result

    period = 2**BITS - 1
    assert (power(period) == np.eye(BITS)).all()
    assert not any((power(period // prime) == np.eye(BITS)).all() for prime in (3, 5, 7, 13, 17, 241))
