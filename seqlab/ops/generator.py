"""Random numbers whose generator travels as a state: a loop over time can draw anew at each step, on any backend."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

Tensor = Any

BITS = 24
WORD = 256.0  # bfloat16 counts exactly up to here
SHIFTS = (5, 9, 11)  # of the 24-bit xorshifts with the full period of 2**24 - 1


def seeded(shape: tuple[Any, ...], seed: Any, dtype: str) -> Tensor:
    """Draws the first state of a generator for each place.

    Args:
        shape: Of what is to be drawn at each step.
        seed: As everywhere in Keras.
        dtype: Any float type: a state is three whole numbers below 256.

    Returns:
        (*shape[:-1], 3 * shape[-1]).
    """
    words = keras.random.randint((*shape[:-1], 3 * shape[-1]), 1, int(WORD), seed=seed)  # never all zero
    return ops.cast(words, dtype)


def draw(state: Tensor) -> tuple[Tensor, Tensor]:
    """Draws once, by a 24-bit xorshift (Marsaglia 2003).

    Args:
        state: What `seeded` or the draw before gave.

    Returns:
        Uniform numbers in [0, 1), float32, and the new state.
    """
    low, middle, high = ops.split(ops.cast(state, "int32"), 3, axis=-1)
    x = low + 256 * middle + 65536 * high
    x = ops.where(x == 0, 1, x)  # 0 would stay 0
    left, right, last = SHIFTS
    x = ops.bitwise_xor(x, _up(x, left))
    x = ops.bitwise_xor(x, ops.floor_divide(x, 2**right))
    x = ops.bitwise_xor(x, _up(x, last))
    words = [x % 256, ops.floor_divide(x, 256) % 256, ops.floor_divide(x, 65536)]
    return ops.cast(x, "float32") / 2**BITS, ops.cast(ops.concatenate(words, axis=-1), state.dtype)


def _up(x: Tensor, places: int) -> Tensor:
    return (x % 2 ** (BITS - places)) * 2**places
