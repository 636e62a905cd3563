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

SENTENCES, TOKENS, FORMS, LETTERS = 8, 8, 256, 16  # the least sizes of what is asked for vectors
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
        outputs = ops.convert_to_numpy(model.predict_on_batch(_rounded(batches[index][0], batches.static)))
        for row, number in enumerate(batch.sentences):
            found[number] = np.array(outputs[row, :, 1 : batches.encoded.lengths[number] - 1], np.float32)
    return found


def _rounded(inputs: dict[str, np.ndarray], static: bool) -> dict[str, np.ndarray]:
    """The arrays filled up by zeros to few sizes; where each shape is compiled anew, those of the words alone count.

    Sentences are 8, 32, 128, ..., tokens and letters powers of 2. A table of words' letters then has room for a word at
    each place; more there cannot be, since the edges come in each sentence.
    """
    rows, time = next(array.shape for name, array in inputs.items() if name != "chars")
    rows, time = _size(rows, SENTENCES, 4), _size(time, TOKENS)
    sizes = dict.fromkeys(inputs, (rows, time))
    if "chars" in inputs:
        forms, letters = inputs["chars"].shape
        sizes["chars"] = rows * time if static else _size(forms, FORMS), _size(letters, LETTERS)
    return {name: _resized(array, sizes[name]) for name, array in inputs.items()}


def _resized(array: np.ndarray, sizes: tuple[int, int]) -> np.ndarray:
    kept = array[: sizes[0]]  # where the table of letters has more rows, those are empty
    return np.pad(kept, [(0, new - old) for new, old in zip(sizes, kept.shape, strict=True)])


def _size(count: int, least: int, factor: int = 2) -> int:
    """The first of least, least * factor, ... that is not below a count.

    >>> [_size(count, 8, 4) for count in (1, 8, 9, 33)]
    [8, 8, 32, 128]
    """
    while least < count:
        least *= factor
    return least


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
