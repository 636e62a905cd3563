"""What the operations of the CRF stand on: rows without holes, time first, and sums of exponentials."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
from keras import ops

from seqlab.errors import DataError
from seqlab.ops.order import Order, at_last, order_of, to_steps

Tensor = Any


def floats(*tensors: Tensor) -> list[Tensor]:
    """Casts to float32, or to float64 where the first is.

    Raises:
        DataError: If these are the scores and weights of a chain and do not fit together, or there is no step.
    """
    first = ops.convert_to_tensor(tensors[0])
    _check_shapes([sizes(tensor) for tensor in (first, *tensors[1:])])
    dtype = "float64" if keras.backend.standardize_dtype(first.dtype) == "float64" else "float32"
    return [ops.cast(tensor, dtype) for tensor in (first, *tensors[1:])]


def sizes(x: Tensor) -> tuple[int | None, ...] | None:
    """The shape as far as it is known; `None` where not even the number of axes is."""
    try:
        return tuple(ops.convert_to_tensor(x).shape)
    except ValueError:
        return None


def _check_shapes(shapes: list[tuple[int | None, ...] | None]) -> None:
    if len(shapes) != 4 or None in shapes:
        return
    scores, *weights = [tuple(shape or ()) for shape in shapes]
    tags = scores[-1] if scores else None
    if len(scores) != 3 or weights != [(tags, tags), (tags,), (tags,)]:
        raise DataError(
            f"Received scores, transitions, start and end of shapes {scores}, {weights[0]}, {weights[1]} and "
            f"{weights[2]}; expected (batch, time, tags), (tags, tags), (tags,) and (tags,)."
        )
    if 0 in scores:
        raise DataError(f"Received scores of shape {scores}, without any step: leave an empty batch out.")


class Chain(NamedTuple):
    """Where the tokens stand, once each row is packed to the left and time comes first."""

    mask: Tensor  # (time, batch), true at the first `lengths` steps
    pairs: Tensor  # (time, batch), true at tokens that have a token before them
    last: Tensor  # (time, batch), true at the last token of each row
    lengths: Tensor  # (batch,)
    rows: Tensor  # (time, batch), places in the flattened (batch * time)
    places: Tensor  # (batch, time), places in the flattened (time * batch)


def compact(mask: Tensor, multiple: int | None = None) -> Chain:
    """Packs the tokens of each row to the left, so that holes vanish and neighbours stand side by side.

    Args:
        mask: Boolean tensor (batch, time).
        multiple: If given, steps without tokens are added at the end, at least one, up to a multiple of this.

    Returns:
        The chain. Its indices transpose to time first in the same gather.
    """
    order = order_of(mask)
    time, rows = ops.shape(order.rows)[0], order.rows
    if multiple:
        more = multiple - time % multiple
        rows = ops.concatenate([rows, ops.broadcast_to(rows[:1], (more, ops.shape(rows)[1]))], axis=0)
        time = time + more
    steps = ops.arange(time, dtype="int32")[:, None]
    valid = steps < order.lengths
    return Chain(
        mask=valid,
        pairs=ops.logical_and(valid, steps > 0),
        last=ops.equal(steps, order.lengths - 1),
        lengths=order.lengths,
        rows=rows,
        places=order.places,
    )


def to_chain(scores: Tensor, chain: Chain) -> Tensor:
    """Brings (batch, time, tags) into the chain's order, (time, batch, tags), with 0 after the last token."""
    given, wanted = sizes(scores), sizes(chain.places)
    if given and wanted and any(None not in pair and pair[0] != pair[1] for pair in zip(given, wanted, strict=False)):
        raise DataError(f"Received a mask of shape {wanted} for scores of shape {given}: expected (batch, time) alike.")
    return to_steps(scores, Order(chain.rows, chain.places, chain.mask, chain.lengths))


def from_chain(values: Tensor, chain: Chain) -> Tensor:
    """Brings (time, batch, tags) back to where the tokens stood, (batch, time, tags)."""
    return ops.take(ops.reshape(values, (-1, values.shape[-1])), chain.places, axis=0)


def last_values(values: Tensor, chain: Chain) -> Tensor:
    """Picks the last token's values: (time, batch, tags) to (batch, tags)."""
    return at_last(values, chain.lengths)


def log_sum_exp(x: Tensor, axis: int, keepdims: bool = False) -> Tensor:
    """The logarithm of a sum of exponentials, exact for finite values of any size."""
    top = ops.amax(x, axis=axis, keepdims=True)
    total = ops.log(ops.sum(ops.exp(x - top), axis=axis, keepdims=True)) + top
    return total if keepdims else ops.squeeze(total, axis)


def levelled(x: Tensor) -> tuple[Tensor, Tensor]:
    """Takes the greatest value of the last axis away: float32 is then most precise where it matters most."""
    tops = ops.amax(x, axis=-1, keepdims=True)
    return x - tops, tops


def levelled_whole(x: Tensor) -> tuple[Tensor, Tensor]:
    """Takes the greatest of all values away."""
    top = ops.amax(x)
    return x - top, top


def argmax(x: Tensor) -> Tensor:
    """The place of the greatest value of the last axis, int32."""
    return ops.cast(ops.argmax(x, axis=-1), "int32")
