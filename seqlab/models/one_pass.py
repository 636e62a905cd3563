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

LABELS = "seqlab_labels"
"""Name among the logs of a test step of the labels that it decodes; callbacks never see it."""


class Notes:
    """What one evaluation reads and tells, where Keras does not look for layers.

    Attributes:
        plan: What stands in each of its batches, in their order.
        labels: The labels of each, in the same order; `None` for one that tells none.
    """

    def __init__(self, read: Callable[[], Sequence[Any]]) -> None:
        self.read = read
        self.plan: list[Any] = []
        self.labels: list[Any] = []

    def begin(self) -> None:
        """Notes the order: Keras may have drawn a new one before it asks for the first batch."""
        self.plan, self.labels = list(self.read()), []


class OnePassModel(SequenceModel):
    """A sequence model whose test steps may put labels into their logs, beside the loss, under the name `LABELS`.

    So what is validated after each epoch runs through the model once, and is compiled once, as long as the labels
    follow from the scores alone: not where rules of a head look at words, nor with `steps_per_execution` above 1.

    """

    _notes: Notes | None = None
    _asked: bool = False  # for labels, by an evaluation up to now

    @property
    def tells(self) -> bool:
        """Whether test steps are to decode: from the first evaluation on that asks for labels."""
        return self._asked and self.steps_per_execution == 1

    def make_test_function(self, force: bool = False) -> None:
        """Prepares evaluation; Keras calls it before each, when the order of its batches is settled."""
        made, first = self.test_function, self._notes is not None and not self._asked
        self._asked |= first
        super().make_test_function(force or first)
        if self.test_function is not made:
            self.test_function = self._noted(self.test_function)
        if self._notes is not None:
            self._notes.begin()

    def test_on_batch(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluates one batch as `keras.Model.test_on_batch` does; no evaluation that runs meanwhile hears of it."""
        notes, self._notes = self._notes, None
        try:
            return super().test_on_batch(*args, **kwargs)
        finally:
            self._notes = notes

    @contextmanager
    def noting(self, read: Callable[[], Sequence[Any]] | None) -> Iterator[Notes]:
        """Notes what is evaluated meanwhile.

        Args:
            read: Returns what stands in each batch, in the order in which they are read from then on; without it
                nothing is noted.
        """
        before, notes = self._notes, Notes(read or list)
        self._notes = None if read is None else notes
        try:
            yield notes
        finally:
            self._notes = before

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
    """A model of one task, which decodes the scores of its head, the first output, where it is evaluated."""

    head: keras.layers.Layer
    _told: Notes | None = None  # takes the labels of the test step that runs

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """As `SequenceModel.compute_loss`; in a test step it decodes too, since only here weights are at hand."""
        if self._told is not None and isinstance(x, Mapping) and "mask" in x:
            self._told.labels.append(self.head.decode(self._entry(y_pred, 0), x["mask"]))
        return super().compute_loss(x, y, y_pred, sample_weight, training)

    def test_step(self, *arguments: Any) -> Any:
        """Computes the loss of one batch and its labels; Keras calls it."""
        told = self._told = Notes(list) if self.tells and decides(self.head) else None
        try:
            found = super().test_step(*arguments)
        finally:
            self._told = None
        if told is not None and told.labels:
            logs = found[0] if isinstance(found, tuple) else found
            logs[LABELS] = told.labels[0]
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
        rows, sentences = ops.convert_to_numpy(labels), batch.sentences
        if len(rows) < len(sentences) or rows.shape[1] < lengths[sentences].max(initial=0):
            return None  # of another batch
        # Rows that follow hold no sentence.
        found |= {number: row[: lengths[number]] for number, row in zip(sentences.tolist(), rows, strict=False)}
    return [found[number] for number in range(len(lengths))] if len(found) == len(lengths) else None


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
