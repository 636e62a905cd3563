"""A language model over a whole text: its perplexity in bounded memory, and its vectors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from keras import ops

from seqlab.batches.neighbours import NeighbourBatches
from seqlab.constants import IGNORE
from seqlab.evaluation.perplexity import Perplexity
from seqlab.ops.sampled_softmax import full_softmax_loss

FORMS = 256  # the least rows of a table of words' characters
ROWS, CHUNK = 2048, 8192  # predictions and classes whose scores are computed at once: 64 MB
Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


def perplexity_of(model: Any, batches: NeighbourBatches) -> Perplexity:
    """Sums the full softmax's losses, block by block; see `LanguageModel.perplexity`."""
    sums, count, unknown = np.zeros(2), 0, 0
    kernel, bias = map(ops.copy, model.class_table())  # on JAX each prediction takes the variables' arrays away
    for states, labels, directions in _blocks(_states(model, batches)):
        losses = ops.convert_to_numpy(full_softmax_loss(states, kernel, bias, labels, CHUNK))
        for direction in (0, 1):
            sums[direction] += losses[directions == direction].sum(dtype=float)
        forward = labels[directions == 0]
        count += int(np.sum(forward != IGNORE))
        unknown += int(np.sum(forward == 0))
    return Perplexity(float(sums[0]), float(sums[1]), count, unknown)


def vectors_of(model: Any, batches: NeighbourBatches) -> list[np.ndarray]:
    """Returns (layers, time, width) float32 for each sentence, without its edges; see `LanguageModel.vectors`."""
    found: list[Any] = [None] * len(batches.encoded.sentences)
    for index, batch in enumerate(batches.plan):
        inputs = {name: _rounded(array, FORMS if name == "chars" else 8) for name, array in batches[index][0].items()}
        outputs = ops.convert_to_numpy(model.predict_on_batch(inputs))
        for row, number in enumerate(batch.sentences):
            found[number] = np.array(outputs[row, :, 1 : batches.encoded.lengths[number] - 1], np.float32)
    return found


def _rounded(array: np.ndarray, least: int) -> np.ndarray:
    """The array with its two axes filled up by zeros to powers of 2: few shapes, each of which some compile anew."""
    sizes = [max(low, 1 << (size - 1).bit_length()) for size, low in zip(array.shape, (least, 8), strict=True)]
    return np.pad(array, [(0, new - old) for new, old in zip(sizes, array.shape, strict=True)])


def class_counts(batches: NeighbourBatches, classes: int) -> np.ndarray:
    """How often each class is the next word, (classes,)."""
    counts = np.zeros(classes, np.int64)
    for index in range(len(batches)):
        labels = batches[index][1][..., 0]
        counts += np.bincount(labels[labels != IGNORE], minlength=classes)
    return counts


def _states(model: Any, batches: NeighbourBatches) -> Iterator[Rows]:
    """The top states (n, width) of each batch that have a label, those labels, and their directions."""
    for index in range(len(batches)):
        inputs, labels = batches[index]
        top = ops.convert_to_numpy(model.predict_on_batch(inputs))[:, -1]
        states = np.reshape(top, (*labels.shape, -1))  # (batch, time, 2, width)
        real = labels != IGNORE
        yield states[real], labels[real], np.nonzero(real)[2]


def _blocks(parts: Iterator[Rows]) -> Iterator[Rows]:
    """The same rows in blocks of one size, the last filled up with `IGNORE`: compiled once for all texts."""
    waiting: Rows | None = None
    for part in parts:
        waiting = part if waiting is None else _mapped(np.concatenate, zip(waiting, part, strict=True))
        while len(waiting[0]) >= ROWS:
            yield waiting[0][:ROWS], waiting[1][:ROWS], waiting[2][:ROWS]
            waiting = waiting[0][ROWS:], waiting[1][ROWS:], waiting[2][ROWS:]
    if waiting is not None and len(waiting[0]):
        spare = (0, ROWS - len(waiting[0]))
        states, labels, directions = waiting
        yield np.pad(states, (spare, (0, 0))), np.pad(labels, spare, constant_values=IGNORE), np.pad(directions, spare)


def _mapped(function: Any, pairs: Any) -> Rows:
    states, labels, directions = map(function, pairs)
    return states, labels, directions
