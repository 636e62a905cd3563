"""Connectionist temporal classification: labels without a time for each, pure functions of scores and masks.

    p(t) = softmax(scores(t)),    log p(y) = log of the sum over alignments a of y of prod_t p(t)[a(t)]

An alignment names a label or the blank at each step; taking repeats together, then blanks away, leaves y. So two
equal labels in a row need a blank between them.

Shapes: scores (batch, time, labels + 1), the blank last; mask (batch, time), true at steps. A hole in the mask is
skipped as if it were not there, in scores as in labels. What stands at masked positions, NaN included, changes nothing.

Reference: Graves et al., Connectionist temporal classification, ICML 2006.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from seqlab.constants import IGNORE
from seqlab.ops.masking import label_mask
from seqlab.ops.order import order_of, to_steps

Tensor = Any


def log_likelihood(scores: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """Computes log p(labels), by `keras.ops.ctc_loss`.

    Args:
        scores: Float tensor (batch, time, labels + 1).
        labels: Integer tensor (batch, any length), `IGNORE` at padding. A row without labels is the empty sequence.
        mask: Boolean tensor (batch, time).

    Returns:
        Float tensor (batch,), at most 0 up to rounding. Exactly 0, with a gradient of 0, for rows that `alignable`
        does not hold for: their true value, minus infinity, teaches nothing.

    >>> likelihood = log_likelihood(ops.zeros((1, 2, 2)), [[0, -1]], [[True, True]])
    >>> round(float(ops.exp(likelihood[0])), 4)  # three of the four alignments: "00", "0 ", " 0"
    0.75
    """
    x, lengths = _pack_scores(scores, mask)
    y, counts = _pack_labels(labels)
    fits = ops.logical_and(_needed(y, counts) <= lengths, lengths > 0)
    loss = ops.ctc_loss(
        ops.where(fits[:, None], y, 0),
        x,
        ops.where(fits, counts, 0),  # no label fits always: the gradient stays finite, and `where` drops it
        ops.maximum(lengths, 1),
        mask_index=scores.shape[-1] - 1,
    )
    return ops.where(fits, -loss, 0)


def alignable(labels: Tensor, mask: Tensor) -> Tensor:
    """Tells which rows have an alignment: a step for each label, and one more for each repeat.

    Args:
        labels: Integer tensor (batch, any length), `IGNORE` at padding.
        mask: Boolean tensor (batch, time).

    Returns:
        Boolean tensor (batch,).

    >>> steps = [[True, True, False]] * 3  # two of them
    >>> ops.convert_to_numpy(alignable([[0, 1, -1], [1, -1, 1], [0, 1, 0]], steps)).tolist()
    [True, False, False]
    """
    y, counts = _pack_labels(labels)
    return _needed(y, counts) <= ops.sum(ops.cast(mask, "int32"), axis=1)


def best_path(scores: Tensor, mask: Tensor) -> Tensor:
    """Takes the best label of each step, then repeats together and blanks away. Compiles under XLA.

    Args:
        scores: Float tensor (batch, time, labels + 1).
        mask: Boolean tensor (batch, time).

    Returns:
        Labels (batch, time), int32, those of each row at its beginning, then `IGNORE`.

    >>> steps = [[[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [2.0, 0.0, 0.0]]]
    >>> ops.convert_to_numpy(best_path(steps, [[True] * 4])).tolist()
    [[1, 0, -1, -1]]
    """
    scores = ops.convert_to_tensor(scores)
    x, lengths = _pack_scores(scores, mask)
    path = ops.cast(ops.argmax(x, axis=-1), "int32")  # (batch, time)
    steps = ops.arange(ops.shape(path)[1], dtype="int32")
    repeat = ops.logical_and(ops.equal(path, ops.roll(path, 1, axis=1)), steps > 0)
    kept = ops.logical_and(steps < lengths[:, None], path < scores.shape[-1] - 1)
    kept = ops.logical_and(kept, ops.logical_not(repeat))
    return _pack_labels(ops.where(kept, path, IGNORE), IGNORE)[0]


def beam_search(scores: Tensor, mask: Tensor, width: int) -> Tensor:
    """Looks for the likeliest labels over all their alignments, by `keras.ops.ctc_decode`.

    Args:
        scores: Float tensor (batch, time, labels + 1).
        mask: Boolean tensor (batch, time).
        width: Label sequences kept at each step; the search is exact where it is above their number.

    Returns:
        Labels (batch, time), int32, those of each row at its beginning, then `IGNORE`. On TensorFlow its kernel runs
        eagerly and in graphs, but XLA (`jit_compile=True`) has none for it.

    >>> steps = ops.log([[[0.4, 0.6], [0.4, 0.6]]])  # the best path is empty, 0.36, and p("0") is 0.64
    >>> ops.convert_to_numpy(beam_search(steps, [[True, True]], width=4)).tolist()
    [[0, -1]]
    """
    x, lengths = _pack_scores(scores, mask)
    paths, _ = ops.ctc_decode(
        x, ops.maximum(lengths, 1), "beam_search", beam_width=width, top_paths=1, mask_index=x.shape[-1] - 1
    )
    steps = ops.arange(ops.shape(x)[1], dtype="int32")
    return ops.where(steps < lengths[:, None], ops.cast(paths[0], "int32"), IGNORE)


def _pack_scores(scores: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Brings the steps of each row to its beginning: (batch, time, classes), 0 after them; and their number."""
    order = order_of(mask)
    return ops.transpose(to_steps(ops.convert_to_tensor(scores), order), (1, 0, 2)), order.lengths


def _pack_labels(labels: Tensor, filler: int = 0) -> tuple[Tensor, Tensor]:
    """Brings the labels of each row to its beginning, and counts them."""
    labels = ops.cast(labels, "int32")
    order = order_of(label_mask(labels))
    packed = ops.take(ops.reshape(labels, (-1,)), ops.transpose(order.rows))
    return ops.where(ops.transpose(order.valid), packed, filler), order.lengths


def _needed(packed: Tensor, counts: Tensor) -> Tensor:
    """The least number of steps of each row's labels."""
    repeats = ops.equal(packed[:, 1:], packed[:, :-1])
    inside = ops.arange(1, ops.shape(packed)[1], dtype="int32") < counts[:, None]
    return counts + ops.sum(ops.cast(ops.logical_and(repeats, inside), "int32"), axis=1)
