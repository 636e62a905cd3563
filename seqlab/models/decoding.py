"""Runs a tagger's graph up to decoded labels, in batches, without a Python loop over sentences."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from seqlab.batches.loader import Batches
from seqlab.layers.heads.base import Head


class Reader(keras.layers.Layer):
    """What a head reads from its scores, as a layer.

    Args:
        head: The head.
        method: `"decode"` or `"probabilities"`.

    Call arguments:
        scores: The head's scores.
        mask: Boolean tensor (batch, time); the one that the head was called with travels with the scores by itself.
    """

    def __init__(self, head: Head, method: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.head = head
        self.method = method
        self.supports_masking = True

    def call(self, scores: Any, mask: Any = None) -> Any:
        return getattr(self.head, self.method)(scores, mask)


class Decoder:
    """The graphs of a tagger that end in labels and in scores; they share its weights.

    Args:
        tagger: A functional model with a `mask` among its inputs, a `head`, and its scores as the first output.
    """

    def __init__(self, tagger: Any) -> None:
        scores = tagger.outputs[0]  # (batch, time, labels)
        labels = Reader(tagger.head, "decode")(scores, mask=tagger.input["mask"])  # (batch, time)
        self._labels = keras.Model(tagger.input, ops.reshape(labels, (-1,)))  # flat: batches of all lengths join
        self._scores = keras.Model(tagger.input, ops.reshape(scores, (-1, scores.shape[-1])))

    def labels(self, batches: Batches) -> list[np.ndarray]:
        """Returns the label indices of each sentence, in the corpus' order: `(tokens,)` integers."""
        return _run(self._labels, batches)

    def scores(self, batches: Batches) -> list[np.ndarray]:
        """Returns the scores of each sentence, in the corpus' order: `(tokens, labels)`."""
        return _run(self._scores, batches)


def _run(model: keras.Model, batches: Batches) -> list[np.ndarray]:
    shapes = [batches.shape(number) for number in range(len(batches))]
    if not shapes:
        return []
    if len(shapes) == 1:  # no pipeline to set up: a text of a few sentences is answered at once
        flat = np.asarray(model.predict_on_batch(batches[0][0]))
    else:
        flat = model.predict(batches, verbose=0)
    results: list[Any] = [None] * len(batches.encoded.sentences)
    end = 0
    for batch, (rows, time) in zip(batches.plan, shapes, strict=True):
        start, end = end, end + rows * time
        block = flat[start:end].reshape(rows, time, *flat.shape[1:])
        for row, sentence in enumerate(batch.sentences):
            results[sentence] = block[row, : batches.encoded.lengths[sentence]]
    return results
