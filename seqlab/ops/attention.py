"""Attention as pure functions: how well states fit, the weights that follow, and what the weights pick."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from seqlab.ops.scan import scan

Tensor = Any
LOWEST = float(np.finfo("float32").min)


def masked_softmax(scores: Tensor, mask: Tensor | None = None) -> Tensor:
    """Turns scores into weights over the last axis that sum to 1 where the mask is true.

        a_j = exp(f_j) / sum over real k of exp(f_k) at real j, exactly 0 elsewhere

    All weights are 0 where nothing is real. What stands at masked places, NaN included, changes neither a weight nor a
    gradient.

    Args:
        scores: Float tensor (..., places); float16 and bfloat16 are computed in float32.
        mask: Booleans that broadcast to the scores; all places are real without.

    Returns:
        Weights of the scores' shape, in float32 at least.

    >>> ops.convert_to_numpy(masked_softmax([[2.0, 2.0, float("nan")]], [[True, True, False]])).tolist()
    [[0.5, 0.5, 0.0]]
    """
    scores = _wide(ops.convert_to_tensor(scores))
    if mask is None:
        return ops.softmax(scores, axis=-1)
    mask = ops.cast(mask, "bool")
    scores = ops.where(mask, scores, LOWEST)
    greatest = ops.stop_gradient(ops.max(scores, axis=-1, keepdims=True))
    shares = ops.where(mask, ops.exp(scores - greatest), 0.0)
    total = ops.sum(shares, axis=-1, keepdims=True)
    return shares / ops.where(total > 0, total, 1.0)


def weighted_sum(weights: Tensor, values: Tensor) -> Tensor:
    """Sums values by their weights, `sum over j of a_ij h_j`, in the values' type.

    Args:
        weights: (..., queries, places).
        values: (..., places, width), finite at places without weight too.

    Returns:
        (..., queries, width).
    """
    return ops.matmul(ops.cast(weights, values.dtype), values)


def additive_scores(queries: Tensor, keys: Tensor, vector: Tensor) -> Tensor:
    """Scores how well queries and keys fit, `v' tanh(q + k)` (Bahdanau et al. 2015).

    Args:
        queries: (..., units), projected.
        keys: (..., units), projected; queries and keys are broadcast against each other.
        vector: v, (units, 1).

    Returns:
        The scores, (...).
    """
    return ops.matmul(ops.tanh(queries + keys), vector)[..., 0]


def coverage_weights(queries: Tensor, keys: Tensor, coverage: Tensor, vector: Tensor, mask: Tensor) -> Tensor:
    """Computes additive attention that knows how much attention each place had before.

        a_i = softmax over j of v' tanh(q_i + k_j + c_ij W_3),    c_i = sum of a_k over k < i

    c_ij is what all queries before i gave to place j (See et al. 2017). The queries follow one upon the other.

    Args:
        queries: (batch, time, units), projected.
        keys: (batch, time, units), projected.
        coverage: W_3, (1, units).
        vector: v, (units, 1).
        mask: (batch, time) booleans; a masked step attends to nothing and is attended by none.

    Returns:
        The weights (batch, time, time), in float32 at least.
    """

    def step(covered: Tensor, read: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        query, real = read
        covering = ops.cast(covered, keys.dtype)[..., None] * coverage  # (batch, time, units)
        scores = additive_scores(query[:, None], keys + covering, vector)
        weights = masked_softmax(scores, ops.logical_and(real[:, None], mask))  # (batch, time)
        return covered + weights, weights

    nothing = ops.zeros_like(_wide(keys[..., 0]))
    _, weights = scan(step, nothing, (ops.transpose(queries, (1, 0, 2)), ops.transpose(mask)))
    return ops.transpose(weights, (1, 0, 2))


def previous(values: Tensor, window: int) -> Tensor:
    """Gathers the steps before each step, the nearest first, with 0 before the first.

    Args:
        values: (batch, time, width).
        window: Number of steps.

    Returns:
        (batch, time, window, width).

    >>> ops.convert_to_numpy(previous(ops.reshape([1, 2, 3], (1, 3, 1)), 2))[0, :, :, 0].tolist()
    [[0, 0], [1, 0], [2, 1]]
    """
    padded = ops.pad(values, ((0, 0), (window, 0), (0, 0)))
    steps = ops.arange(ops.shape(values)[1], dtype="int32")[:, None]
    back = ops.arange(window - 1, -1, -1, dtype="int32")
    return ops.take(padded, steps + back, axis=1)


def hop_penalty(weights: Tensor) -> Tensor:
    """Tells how far several distributions over one sentence overlap or spread, `||A A' - I||_F^2` (Lin et al. 2017).

    Args:
        weights: A, (batch, hops, time).

    Returns:
        (batch,), 0 where each hop looks at one place of its own.

    >>> ops.convert_to_numpy(hop_penalty([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]]])).tolist()
    [0.0, 2.0]
    """
    weights = ops.convert_to_tensor(weights)
    products = ops.matmul(weights, ops.transpose(weights, (0, 2, 1)))  # (batch, hops, hops)
    return ops.sum(ops.square(products - ops.eye(weights.shape[1], dtype=weights.dtype)), axis=(1, 2))


def _wide(values: Tensor) -> Tensor:
    half = keras.backend.standardize_dtype(values.dtype) in ("float16", "bfloat16")
    return ops.cast(values, "float32") if half else values
