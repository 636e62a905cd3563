"""Runs a tagger's graph up to labels and their probabilities, in batches, without a Python loop over tokens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from seqlab.constants import IGNORE
from seqlab.errors import DataError, SettingsError
from seqlab.layers.heads.chain import ChainHead
from seqlab.models.limited import AnyBatches, LimitedBatches
from seqlab.models.questions import INPUTS, Decode, Likelihood, Posterior, Question
from seqlab.models.sparing import SparingModel
from seqlab.tags.spans import Span, span_tables


class Answer(NamedTuple):
    """What a head says of one sentence; arrays of what was not asked for are empty.

    Attributes:
        labels: The label of each token, (tokens,).
        probabilities: Probability of every label at each token, (tokens, labels).
        paths: The n best sequences of labels, best first, (n, tokens); fewer where there are fewer.
        chances: Their probabilities, (n,).
    """

    labels: np.ndarray
    probabilities: np.ndarray
    paths: np.ndarray
    chances: np.ndarray

    @property
    def confidences(self) -> np.ndarray:
        """The probability of each token's own label, (tokens,)."""
        if not self.probabilities.size:
            return self.chances[:0]
        return np.take_along_axis(self.probabilities, self.labels[:, None], axis=1)[:, 0]


class Decoder:
    """The graphs of a tagger that end in labels and scores, and those from scores to probabilities.

    All share the tagger's weights. Whatever a head is asked about scores runs through `_asked`, once for each batch.
    What else a question takes has its row in `seqlab.models.questions.INPUTS`.

    Args:
        tagger: A functional model with a `mask` among its inputs, a `head`, and its scores as the first output.
    """

    def __init__(self, tagger: Any) -> None:
        scores = tagger.outputs[0]  # (batch, time, labels)
        self._head = tagger.head
        self._names = tagger.labels
        self._whole = {**tagger.input, "scores": scores}
        self._labels: dict[bool, keras.Model] = {}
        # Flat, so that batches of all lengths join.
        self._scores = SparingModel(tagger.input, ops.reshape(scores, (-1, scores.shape[-1])))
        self._inputs = {
            "scores": keras.Input((None, scores.shape[-1]), dtype=scores.dtype, name="scores"),
            "mask": keras.Input((None,), dtype="bool", name="mask"),
            "temperature": keras.Input((), dtype="float32", name="temperature"),
        }
        self._graphs: dict[Hashable, keras.Model] = {}

    def labels(self, batches: AnyBatches) -> list[np.ndarray]:
        """Returns the label indices of each sentence, in the corpus' order: `(tokens,)` integers."""
        return run_flat(self._labelling(isinstance(batches, LimitedBatches)), batches)

    def scores(self, batches: AnyBatches) -> list[np.ndarray]:
        """Returns the scores of each sentence, in the corpus' order: `(tokens, labels)`."""
        return run_flat(self._scores, batches.batches if isinstance(batches, LimitedBatches) else batches)

    def answers(
        self,
        batches: AnyBatches,
        scores: Sequence[np.ndarray],
        probabilities: bool = False,
        n_best: int | None = None,
    ) -> list[Answer]:
        """Asks the head about each sentence, in the corpus' order.

        Args:
            batches: The sentences.
            scores: What `scores` returned for them.
            probabilities: Whether to ask for the probability of every label.
            n_best: How many of the best paths to ask for.
        """
        graph = self._graph(batches, (), Decode, probabilities, n_best)
        results: list[Any] = [None] * len(scores)
        for index, batch in enumerate(batches.plan):
            found = self._asked(graph, batches, index, scores)
            for row, sentence in enumerate(batch.sentences):
                rows = {name: values[row] for name, values in found.items()}
                results[sentence] = _cut(rows, len(scores[sentence]))
        return results

    def posteriors(
        self, batches: AnyBatches, scores: Sequence[np.ndarray], spans: Sequence[Sequence[Span]]
    ) -> list[dict[Span, float]]:
        """Computes the probability of spans, boundaries included, for each sentence in the corpus' order.

        Args:
            batches: The sentences.
            scores: What `scores` returned for them.
            spans: Different spans of each sentence, of types that the labels have.
        """
        types = {name: number for number, name in enumerate(span_tables(self._names).types)}
        results: list[dict[Span, float]] = [{} for _ in scores]
        for index, batch in enumerate(batches.plan):
            wanted = [(row, span) for row, sentence in enumerate(batch.sentences) for span in spans[sentence]]
            if not wanted:
                continue
            # Numbers of spans and widths in few sizes: compilers that specialise on shapes compile few times.
            width = _rounded(max(span.end - span.start for _, span in wanted))
            rows = [(row, span.start, span.end - span.start, types[span.type]) for row, span in wanted]
            rows += [(0, 0, 1, 0)] * (_rounded(len(rows)) - len(rows))
            graph = self._graph(batches, ("spans",), Posterior, self._names, width)
            found = self._asked(graph, batches, index, scores, spans=np.asarray(rows, "int32"))
            for (row, span), probability in zip(wanted, found.tolist(), strict=False):  # the rest are padding
                results[batch.sentences[row]][span] = min(probability, 1.0)
        return results

    def token_loss(
        self, batches: AnyBatches, scores: Sequence[np.ndarray], labels: Sequence[np.ndarray]
    ) -> Callable[[float], float]:
        """Returns the mean of `-log p(label)` over labelled tokens, as a function of the temperature.

        Args:
            batches: The sentences.
            scores: What `scores` returned for them.
            labels: Label indices of each sentence, `IGNORE` where there is none.

        Raises:
            DataError: If there is no labelled token at all.
        """
        graph = self._graph(batches, ("labels",), Likelihood)
        gold = [_padded(batches, index, labels, IGNORE) for index in range(len(batches))]
        count = sum(int((part != IGNORE).sum()) for part in gold)
        if not count:
            raise DataError("Received no labelled token, expected at least one with a label that the tagger knows.")

        def loss(temperature: float) -> float:
            sums = [
                self._asked(graph, batches, index, scores, temperature, labels=part) for index, part in enumerate(gold)
            ]
            return -sum(float(part.sum(dtype="float64")) for part in sums) / count

        return loss

    def _labelling(self, limits: bool) -> keras.Model:
        """The graph from the tagger's inputs to labels, with or without a further one for what may stand there."""
        if limits not in self._labels:
            inputs = dict(self._whole) | (self._limits() if limits else {})
            scores = inputs.pop("scores")
            labels = Decode(self._head)(scores, inputs["mask"], allowed=inputs.get("allowed"))["labels"]
            self._labels[limits] = SparingModel(inputs, ops.reshape(labels, (-1,)))
        return self._labels[limits]

    def _limits(self) -> dict[str, Any]:
        """The input that says what may stand at each token."""
        rules = self._head.constraints
        states = self._head.tags if rules is None else rules.states
        return {"allowed": keras.Input((None, states), dtype="bool", name="allowed")}

    def _graph(self, batches: Any, more: Sequence[str], question: type[Question], *options: Hashable) -> keras.Model:
        """The graph that asks the head something, made once.

        Args:
            batches: What it will be asked about.
            more: The names in `INPUTS` of what the question takes.
            question: The layer that asks.
            *options: Its arguments but for the head.
        """
        head = self._head
        if not isinstance(head, ChainHead):
            raise SettingsError(
                f"Confidences are those of a SoftmaxHead or a CRFHead; this model's head is a {type(head).__name__}."
            )
        limits = isinstance(batches, LimitedBatches)
        key = (question, options, limits)
        if key not in self._graphs:
            inputs = self._inputs | {name: keras.Input(name=name, **INPUTS[name]) for name in more}
            inputs |= self._limits() if limits else {}
            self._graphs[key] = SparingModel(inputs, question(head, *options)(**inputs))
        return self._graphs[key]

    def _asked(
        self,
        graph: keras.Model,
        batches: AnyBatches,
        index: int,
        scores: Sequence[np.ndarray],
        temperature: float | None = None,
        **more: np.ndarray,
    ) -> Any:
        """Runs a graph of `_graph` on the scores of one batch, at the head's temperature where none is given."""
        rows, time = batches.shape(index)
        lengths = batches.encoded.lengths[batches.plan[index].sentences]
        mask = np.arange(time) < lengths[:, None]  # (batch, time)
        more["temperature"] = np.full(1, temperature or self._head.temperature, "float32")
        if isinstance(batches, LimitedBatches):
            more["allowed"] = batches.allowed(index)
        with _few_traces_are_meant():
            return graph.predict_on_batch({"scores": _padded(batches, index, scores, 0), "mask": mask, **more})


@contextmanager
def _few_traces_are_meant() -> Iterator[None]:
    """Drops TensorFlow's warning that graphs are traced often: each is, for its first shape and then for any."""

    def kept(record: logging.LogRecord) -> bool:
        return "triggered tf.function retracing" not in record.getMessage()

    log = logging.getLogger("tensorflow")
    log.addFilter(kept)
    try:
        yield
    finally:
        log.removeFilter(kept)


def _cut(found: dict[str, np.ndarray], length: int) -> Answer:
    """An answer without its padding and without places in the list of the best that no path fills."""
    paths = found.get("paths", np.zeros((0, length), "int32"))[:, :length]
    there = (paths != IGNORE).all(axis=1)
    return Answer(
        labels=found["labels"][:length],
        probabilities=np.minimum(found.get("probabilities", np.zeros((0, 0), "float32"))[:length], 1),
        paths=paths[there],
        chances=np.minimum(found.get("chances", np.zeros(0, "float32"))[there], 1),
    )


def _padded(batches: AnyBatches, index: int, values: Sequence[np.ndarray], fill: int) -> np.ndarray:
    """Joins arrays of the sentences of one batch, (tokens, ...) each, to one, (batch, time, ...)."""
    found = np.full((*batches.shape(index), *values[0].shape[1:]), fill, values[0].dtype)
    for row, sentence in enumerate(batches.plan[index].sentences):
        found[row, : len(values[sentence])] = values[sentence]
    return found


def _rounded(count: int) -> int:
    """The least power of 4, from 4 on, that is not below a count.

    >>> [_rounded(count) for count in (1, 4, 5, 100)]
    [4, 4, 16, 256]
    """
    size = 4
    while size < count:
        size *= 4
    return size


def run_flat(model: keras.Model, batches: AnyBatches) -> list[np.ndarray]:
    """Runs a model with a flat output, (batch * time, ...), and returns that of each sentence in the corpus' order."""
    plan, shapes = batches.plan, [batches.shape(number) for number in range(len(batches))]  # Keras may draw new ones
    if not shapes:
        return []
    if len(shapes) == 1:  # no pipeline to set up: a text of a few sentences is answered at once
        flat = np.asarray(model.predict_on_batch(batches[0][0]))
    else:
        flat = model.predict(batches, verbose=0)
    results: list[Any] = [None] * len(batches.encoded.sentences)
    end = 0
    for batch, (rows, time) in zip(plan, shapes, strict=True):
        start, end = end, end + rows * time
        block = flat[start:end].reshape(rows, time, *flat.shape[1:])
        for row, sentence in enumerate(batch.sentences):
            results[sentence] = block[row, : batches.encoded.lengths[sentence]]
    return results
