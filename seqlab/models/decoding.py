"""Runs a tagger's graph up to decoded labels, in batches, without a Python loop over sentences."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from seqlab.batches.loader import Batches
from seqlab.models.limited import LimitedBatches


class Decode(keras.layers.Layer):
    """A head's decoding as a layer: `(batch, time)` labels, flattened so that batches of all lengths join."""

    def __init__(self, head: keras.layers.Layer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.head = head
        self.supports_masking = True

    def call(self, scores: Any, mask: Any, allowed: Any = None) -> Any:
        """Returns `(batch * time,)` labels."""
        limits = {} if allowed is None else {"allowed": allowed}
        return ops.reshape(self.head.decode(scores, mask, **limits), (-1,))


class Decoder:
    """The graphs of a tagger that end in labels and in scores; they share its weights.

    Args:
        tagger: A functional model with a `mask` among its inputs, a `head`, and its scores as the first output.
    """

    def __init__(self, tagger: Any) -> None:
        scores = tagger.outputs[0]  # (batch, time, labels)
        self._inputs, self._head, self._outputs = tagger.input, tagger.head, scores
        self._labels: dict[bool, keras.Model] = {}
        self._scores = keras.Model(tagger.input, ops.reshape(scores, (-1, scores.shape[-1])))

    def labels(self, batches: Batches | LimitedBatches) -> list[np.ndarray]:
        """Returns the label indices of each sentence, in the corpus' order: `(tokens,)` integers."""
        return _run(self._graph(isinstance(batches, LimitedBatches)), batches)

    def scores(self, batches: Batches) -> list[np.ndarray]:
        """Returns the scores of each sentence, in the corpus' order: `(tokens, labels)`."""
        return _run(self._scores, batches)

    def _graph(self, limits: bool) -> keras.Model:
        """The graph that ends in labels, with or without an input for what may stand at each token."""
        if limits not in self._labels:
            inputs, head = dict(self._inputs), self._head
            if limits:
                states = head.tags if head.constraints is None else head.constraints.states
                inputs["allowed"] = keras.Input((None, states), dtype="bool", name="allowed")
            found = Decode(head)(self._outputs, inputs["mask"], inputs.get("allowed"))
            self._labels[limits] = keras.Model(inputs, found)
        return self._labels[limits]


def _run(model: keras.Model, batches: Batches | LimitedBatches) -> list[np.ndarray]:
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
