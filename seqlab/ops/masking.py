"""Masks and ignored labels: what padding means, said once."""

from __future__ import annotations

from typing import Any

from keras import ops

from seqlab.constants import IGNORE

Tensor = Any


def label_mask(labels: Tensor) -> Tensor:
    """Tells which labels count.

    Args:
        labels: Integer tensor of any shape, `IGNORE` where there is no label.

    Returns:
        Boolean tensor of the same shape, true where there is a label.

    >>> ops.convert_to_numpy(label_mask([[3, 0, -1]])).tolist()
    [[True, True, False]]
    """
    return ops.not_equal(ops.convert_to_tensor(labels), IGNORE)


def sequence_mask(lengths: Tensor, maxlen: int | Tensor) -> Tensor:
    """Turns lengths into a mask.

    Args:
        lengths: Integer tensor (batch,).
        maxlen: Number of time steps of the mask.

    Returns:
        Boolean tensor (batch, maxlen), true at the first `lengths` steps of each row.

    >>> ops.convert_to_numpy(sequence_mask([1, 3], 3)).tolist()
    [[True, False, False], [True, True, True]]
    """
    lengths = ops.cast(lengths, "int32")
    return ops.arange(maxlen, dtype="int32")[None, :] < lengths[:, None]  # (batch, maxlen)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Takes the mean of the values where the mask is true; 0 where it is true nowhere.

    What stands under a false mask, infinities and NaN included, changes neither the mean nor its gradient.

    Args:
        values: Float tensor.
        mask: Boolean tensor of the same shape.

    Returns:
        A scalar.

    >>> float(masked_mean([1.0, 5.0, float("nan")], [True, True, False]))
    3.0
    """
    values = ops.convert_to_tensor(values)
    mask = ops.cast(mask, "bool")
    total = ops.sum(ops.where(mask, values, ops.zeros_like(values)))
    return total / ops.maximum(ops.sum(ops.cast(mask, values.dtype)), 1)
