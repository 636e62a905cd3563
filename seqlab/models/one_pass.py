"""Evaluation in one pass: the steps that compute losses tell labels too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops

from seqlab.batches.plan import Batch
from seqlab.corpora.records import Sentence
from seqlab.corpora.satisfiable import check_satisfiable
from seqlab.evaluation.scores import Scores, score
from seqlab.layers.heads.base import Head
from seqlab.models.sequence_model import SequenceModel

LABELS = "labels"
"""Name among the logs of a test step of the labels that it decodes; callbacks never see it."""


class Notes:
    """Labels of batches in their order, where Keras does not look for layers."""

    def __init__(self) -> None:
        self.labels: list[Any] = []


class OnePassModel(SequenceModel):
    """A sequence model whose test steps may put labels into their logs, beside the loss, under the name `LABELS`.

    So what is validated after each epoch runs through the model once, and is compiled once.
    """

    _notes: Notes | None = None

    def make_test_function(self, force: bool = False) -> None:
        """Prepares evaluation; Keras calls it."""
        made = self.test_function
        super().make_test_function(force)
        if self.test_function is not made:
            self.test_function = self._noted(self.test_function)

    @contextmanager
    def noting(self) -> Iterator[list[Any]]:
        """Notes the labels of each batch that is evaluated meanwhile, in order; `None` for one that tells none."""
        notes = self._notes = Notes()
        try:
            yield notes.labels
        finally:
            self._notes = None

    def _noted(self, run: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            found = run(*arguments)
            logs = found[0] if isinstance(found, tuple) else found  # on JAX the state after it comes second
            labels = logs.pop(LABELS, None)
            if self._notes is not None:
                self._notes.labels.append(labels)
            return found

        return noted


class OneHeadModel(OnePassModel):
    """A model of one task, which decodes the scores of its head, the first output, wherever it is evaluated."""

    head: keras.layers.Layer
    _decoded: Any = None  # labels of the batch whose loss was computed last

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """As `SequenceModel.compute_loss`; outside of training it decodes too, since only here weights are at hand."""
        if not training and self.steps_per_execution == 1 and isinstance(x, Mapping) and decides(self.head):
            self._decoded = self.head.decode(self._entry(y_pred, 0), x["mask"])
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def test_step(self, *arguments: Any) -> Any:
        """Computes the loss of one batch and its labels; Keras calls it."""
        self._decoded = None
        found = super().test_step(*arguments)
        if self._decoded is not None:
            logs = found[0] if isinstance(found, tuple) else found
            logs[LABELS] = self._decoded
        self._decoded = None  # a tracer, which must not be used again
        return found


def decides(head: keras.layers.Layer) -> bool:
    """Tells whether a layer is a head whose labels follow from scores and mask: none of its rules looks at words."""
    rules = getattr(head, "constraints", None)
    return isinstance(head, Head) and (rules is None or not rules.gates)


def labels_of(noted: Sequence[Any], plan: Sequence[Batch], lengths: np.ndarray) -> list[np.ndarray] | None:
    """Returns the labels of each sentence, (tokens,), or `None` where some are not among what was noted.

    Args:
        noted: Labels of each batch, (batch, time), or `None`.
        plan: The sentences of each.
        lengths: Tokens of each sentence.
    """
    if len(noted) != len(plan) or any(labels is None for labels in noted):
        return None
    found: dict[int, np.ndarray] = {}
    for labels, batch in zip(noted, plan, strict=True):
        for row, sentence in zip(ops.convert_to_numpy(labels), batch.sentences.tolist(), strict=False):
            found[sentence] = row[: lengths[sentence]]  # rows that follow hold no sentence
    return [found[sentence] for sentence in range(len(lengths))] if len(found) == len(lengths) else None


def scores_of(tagger: Any, sentences: Sequence[Sentence], labels: Sequence[np.ndarray]) -> Scores:
    """Scores labels that a tagger has told of some sentences against their own.

    Args:
        tagger: A `Labeller`.
        sentences: What it has evaluated.
        labels: Those that it has told of each, (tokens,).

    Raises:
        DataError: Nothing satisfies the head's rules in some sentence, which is named.
    """
    rules = getattr(tagger.head, "constraints", None)
    if rules is not None:
        check_satisfiable(sentences, rules, {})
    names = tagger.labels
    gold = [sentence.columns[tagger.task] for sentence in sentences]
    return score(gold, [[names[label] for label in row] for row in labels], tagger.scheme)
