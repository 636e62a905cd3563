"""The order in which a recurrence reads tokens: real ones first, one after the other, time before batch."""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

from seqlab.ops.differentiable import differentiable

Tensor = Any


class Order(NamedTuple):
    """A permutation of the tokens of each row, with the transposition to time first in the same gather."""

    rows: Tensor  # (time, batch), places in the flattened (batch * time)
    places: Tensor  # (batch, time), places in the flattened (time * batch)
    valid: Tensor  # (time, batch), true at the first `lengths` steps
    lengths: Tensor  # (batch,)


def order_of(mask: Tensor, reverse: bool = False) -> Order:
    """Packs the tokens of each row to its beginning, so that holes vanish and neighbours stand side by side.

    Args:
        mask: Boolean tensor (batch, time), true at tokens.
        reverse: Whether the last token comes first.

    Returns:
        The order; masked steps come after all tokens.

    >>> order = order_of([[True, False, True]], reverse=True)
    >>> ops.convert_to_numpy(order.rows)[:, 0].tolist()
    [2, 0, 1]
    """
    mask = ops.cast(mask, "bool")
    batch, time = ops.shape(mask)
    ones = ops.cast(mask, "int32")
    lengths = ops.cast(ops.sum(ones, axis=1), "int32")  # (batch,); JAX with 64 bits sums to int64
    steps = ops.arange(time, dtype="int32")
    valid = steps < lengths[:, None]  # (batch, time)

    def without_holes() -> tuple[Tensor, Tensor]:
        place = ops.where(valid, lengths[:, None] - 1 - steps, steps) if reverse else ops.zeros_like(ones) + steps
        return place, place  # turning round a beginning is its own inverse

    def with_holes() -> tuple[Tensor, Tensor]:
        rank = ops.cast(ops.cumsum(ones, axis=1), "int32")  # tokens up to and with this one
        ahead = lengths[:, None] - rank if reverse else rank - 1
        place = ops.where(mask, ahead, lengths[:, None] + steps - rank)  # (batch, time), a permutation of each row
        return place, ops.cast(ops.argsort(place, axis=1), "int32")

    # Sorting takes longer than all else here, and most masks have no holes.
    place, order = ops.cond(ops.all(ops.equal(mask, valid)), without_holes, with_holes)
    row = ops.arange(batch, dtype="int32")
    return Order(
        rows=ops.transpose(order) + row * time,
        places=place * batch + row[:, None],
        valid=ops.transpose(valid),
        lengths=lengths,
    )


def to_steps(values: Tensor, order: Order) -> Tensor:
    """Brings (batch, time, width) into the order, (time, batch, width), with 0 after the last token."""
    return ops.where(order.valid[..., None], _permuted(values, order.rows, order.places), 0)


def to_tokens(values: Tensor, order: Order) -> Tensor:
    """Brings (time, batch, width) back to where the tokens stood, (batch, time, width), with 0 at masked steps."""
    return _permuted(ops.where(order.valid[..., None], values, 0), order.places, order.rows)


def last_step(values: Tensor, valid: Tensor | None, before: Tensor) -> Tensor:
    """Picks the values of each row's last token: (time, batch, width) to (batch, width).

    Args:
        values: Time first, tokens at the beginning of each row.
        valid: (time, batch) booleans, true at tokens; `None` where all are.
        before: (batch, width), what a row without any token gives.
    """
    if valid is None:
        return values[-1]
    lengths = ops.sum(ops.cast(valid, "int32"), axis=0)  # (batch,)
    return ops.where(lengths[:, None] > 0, at_last(values, lengths), before)


def at_last(values: Tensor, lengths: Tensor) -> Tensor:
    """The values at each row's last token, (time, batch, width) to (batch, width); the first step's without any."""
    batch = ops.shape(lengths)[0]
    return picked(values, ops.maximum(lengths - 1, 0) * batch + ops.arange(batch, dtype="int32"))


def picked(values: Tensor, places: Tensor) -> Tensor:
    """Picks rows by their place, step * batch + row: (time, batch, width) to the places' shape and the width."""
    return ops.take(ops.reshape(values, (-1, values.shape[-1])), places, axis=0)


def _permuted(values: Tensor, there: Tensor, back: Tensor) -> Tensor:
    return _permute(values, there, back)[0]


# The gradient of a gather is a scatter, unless it is known to be a permutation: then it is a gather as well.
_permute = differentiable(
    lambda values, there, back: ((picked(values, there),), back),
    lambda back, upstream: (picked(upstream[0], back), None, None),
)
