"""Batches without their padding: the real tokens of a step side by side, one step after the other."""

from __future__ import annotations

from typing import Any, NamedTuple

from keras import ops

from seqlab.ops.differentiable import differentiable
from seqlab.ops.order import Order, picked

Tensor = Any


class Packing(NamedTuple):
    """Where the tokens of a batch stand once the rows are sorted, longest first, and the padding is left out.

    The rows that have a token at a step are then a beginning of those that had one at the step before.
    """

    sizes: Tensor  # (steps,), rows with a token at each step, falling; one step at least
    sorting: Tensor  # (batch,), the row that stands at each sorted place
    ranks: Tensor  # (batch,), the sorted place of each row
    rows: Tensor  # (tokens,), the sorted place of each token's row
    steps: Tensor  # (tokens,), its step
    starts: Tensor  # (time,), tokens before each step
    lengths: Tensor  # (batch,), of the sorted rows

    @property
    def before(self) -> Tensor:
        """(tokens,): where the token before each stands behind the sorted rows' initial states."""
        batch = ops.shape(self.sorting)[0]
        found = batch + ops.take(self.starts, ops.maximum(self.steps - 1, 0), axis=0) + self.rows
        return ops.where(self.steps == 0, self.rows, found)


def packing_of(order: Order) -> Packing:
    """Sorts the rows of a batch and counts the tokens of each step.

    >>> from seqlab.ops.order import order_of
    >>> found = packing_of(order_of([[True, False, False], [True, True, False]]))
    >>> [ops.convert_to_numpy(x).tolist() for x in (found.sizes, found.sorting, found.rows)]
    [[2, 1], [1, 0], [0, 1, 0]]
    """
    lengths, batch = order.lengths, ops.shape(order.lengths)[0]
    sorting = ops.cast(ops.argsort(-lengths), "int32")
    ranks = ops.cast(ops.argsort(sorting), "int32")
    sizes = ops.sum(ops.cast(order.valid, "int32"), axis=1)  # (time,)
    lengths = ops.take(lengths, sorting, axis=0)
    valid = ops.arange(ops.shape(order.valid)[0], dtype="int32")[:, None] < lengths  # (time, batch)
    (found,) = ops.nonzero(ops.reshape(valid, (-1,)))
    found = ops.cast(found, "int32")
    longest = ops.max(lengths, initial=1)  # a batch may have no rows
    return Packing(sizes[:longest], sorting, ranks, found % batch, found // batch, ops.cumsum(sizes) - sizes, lengths)


def pack(values: Tensor, packing: Packing, order: Order) -> Tensor:
    """Brings the tokens out of (batch, time, width) into (1, tokens, width), in the order."""
    return _packed(values, *_places(packing, order))


def unpack(values: Tensor, packing: Packing, order: Order) -> Tensor:
    """Brings (1, tokens, width) back to where the tokens stood, (batch, time, width), with 0 at masked steps."""
    return _unpacked(values, *_places(packing, order))


def last_packed(values: Tensor, packing: Packing, before: Tensor) -> Tensor:
    """Picks the values of each sorted row's last token: (1, tokens, width) to (batch, width).

    Args:
        values: Packed.
        packing: As it was packed.
        before: (batch, width), what a row without any token gives.
    """
    batch = ops.shape(packing.lengths)[0]
    place = ops.take(packing.starts, ops.maximum(packing.lengths - 1, 0), axis=0)
    rows = ops.arange(batch, dtype="int32")
    place = ops.where(packing.lengths > 0, batch + place + rows, rows)
    return ops.take(ops.concatenate([before, values[0]], axis=0), place, axis=0)


def _places(packing: Packing, order: Order) -> tuple[Tensor, Tensor]:
    """Places of the tokens in the flattened batch, and places of the batch among the tokens, one behind for padding."""
    batch = ops.shape(packing.sorting)[0]
    there = ops.take(
        ops.reshape(order.rows, (-1,)), packing.steps * batch + ops.take(packing.sorting, packing.rows, axis=0), axis=0
    )
    steps = order.places // batch  # (batch, time)
    back = ops.take(packing.starts, steps, axis=0) + packing.ranks[:, None]
    return there, ops.where(steps < order.lengths[:, None], back, ops.shape(packing.rows)[0])


def _gathered(values: Tensor, there: Tensor, back: Tensor) -> Tensor:
    return picked(values, there)[None]


def _spread(values: Tensor, there: Tensor, back: Tensor) -> Tensor:
    return picked(ops.pad(values, ((0, 0), (0, 1), (0, 0))), back)


# The gradient of a gather is a scatter, unless each place is known to be read at most once: then it is a gather too.
def _packed(values: Tensor, there: Tensor, back: Tensor) -> Tensor:
    width = values.shape[-1]
    return differentiable(
        lambda *given: ((_gathered(*given),), given[1:]),
        lambda places, upstream: (_unpacked(_as_wide(upstream[0], width), *places), None, None),
    )(values, there, back)[0]


def _unpacked(values: Tensor, there: Tensor, back: Tensor) -> Tensor:
    width = values.shape[-1]
    return differentiable(
        lambda *given: ((_spread(*given),), given[1:]),
        lambda places, upstream: (_packed(_as_wide(upstream[0], width), *places), None, None),
    )(values, there, back)[0]


def _as_wide(upstream: Tensor, width: int) -> Tensor:
    """Gradients of a known width: TensorFlow forgets that of its loops' second derivatives."""
    return ops.reshape(upstream, (*ops.shape(upstream)[:-1], width))
