"""Teaching a small tagger what a larger one, or an ensemble, thinks probable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from keras import ops

from seqlab.batches.loader import Batches
from seqlab.errors import DataError, SettingsError
from seqlab.layers.heads.chain import ChainHead
from seqlab.layers.heads.crf import CRFHead
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.models.questions import LEAST
from seqlab.ops.chain import log_sum_exp
from seqlab.ops.crf import marginals

Tensor = Any


@dataclass(frozen=True)
class Distillation:
    """What a student learns of a teacher: `student.compile("adam", distillation=Distillation(teacher))`.

        loss = (1 - weight) gold + weight temperature^2 taught      in place of the head's own loss, gold
        taught = - sum over tokens t, labels i of q(t)[i] log p(t)[i]

    q are the teacher's probabilities of single tokens (marginals), p the student's, both with all scores divided by the
    temperature; `taught` is divided as the head's `reduction` divides the gold loss, over all tokens. Of a CRF student
    too p are the marginals: they leave it free to tie neighbours as the teacher does. The likelihood of paths under
    teacher's tokens taken as independent would be cheaper, and would teach transitions that no teacher believes in.

    `fit` asks the teacher once, before the first epoch. What is validated on, and a saved student, know nothing of it.

    Attributes:
        teacher: A trained tagger or ensemble with the student's labels, in their order.
        weight: Share of what is taught, above 0 and at most 1.
        temperature: What flattens both sides' probabilities, above 0. The teacher's own temperature counts too.

    Raises:
        SettingsError: For numbers out of range, or a teacher whose head tells no probabilities.

    Reference: Hinton, Vinyals and Dean, Distilling the knowledge in a neural network, 2015; Wang et al.,
    Structure-level knowledge distillation for multilingual sequence labeling, ACL 2020 (marginals).
    """

    teacher: Any
    weight: float = 0.5
    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Checks the numbers."""
        for name, greatest in (("weight", 1.0), ("temperature", None)):
            value = getattr(self, name)
            real = isinstance(value, Real) and not isinstance(value, bool)
            if not real or not 0 < value < float("inf") or (greatest is not None and value > greatest):
                limit = "" if greatest is None else f" and at most {greatest:g}"
                raise SettingsError(f"`{name}` must be a number above 0{limit}. Received: {name}={value!r}.")
        if not isinstance(getattr(self.teacher, "head", None), ChainHead):
            raise SettingsError(
                f"A teacher is a tagger or an ensemble with probabilities of labels; received "
                f"{type(self.teacher).__name__}."
            )

    def probabilities(self, student: Any, batches: Any) -> np.ndarray:
        """Asks the teacher about sentences: probabilities (tokens, labels) in their order.

        Args:
            student: Who is to learn them.
            batches: `Batches` of the student.

        Raises:
            SettingsError: If teacher and student differ in labels or tag scheme, or the student's head is another.
            DataError: For data that is no sentences.
        """
        teacher = self.teacher
        if not isinstance(student.head, SoftmaxHead | CRFHead):
            raise SettingsError(f"A student has a softmax or CRF head, received a {type(student.head).__name__}.")
        if teacher.labels != student.labels:
            found = first_difference(teacher.labels, student.labels, "the teacher", "the student")
            raise SettingsError(f"Teacher and student have the same labels. {found}: train both on the same ones.")
        if teacher.scheme != student.scheme:
            raise SettingsError(f"The teacher's tag scheme is {teacher.scheme!r}, the student's {student.scheme!r}.")
        if not isinstance(batches, Batches):
            raise DataError(f"A teacher is asked about sentences, received {type(batches).__name__}.")
        own = teacher.head.temperature
        teacher.head.temperature = own * float(self.temperature)
        try:
            return np.concatenate(teacher.probabilities(batches.encoded.sentences)).astype("float32")
        finally:
            teacher.head.temperature = own

    def mixed(self, gold: Tensor, head: ChainHead, taught: Tensor, scores: Tensor) -> Tensor:
        """Mixes a student's gold loss with what it is taught, (batch, time, labels)."""
        soft = taught_loss(head, taught, scores, float(self.temperature))
        return (1 - self.weight) * gold + self.weight * self.temperature**2 * soft


def taught_loss(head: ChainHead, taught: Tensor, scores: Tensor, temperature: float = 1.0) -> Tensor:
    """Computes the cross-entropy of a head's probabilities of tokens under given ones, see `Distillation`.

    Args:
        head: A `SoftmaxHead`, or a `CRFHead`, whose probabilities are those of its loss.
        taught: Float tensor (batch, time, tags), all 0 at tokens that count as if they were not there.
        scores: What the head returned, (batch, time, tags).
        temperature: What the head's scores are divided by.

    Returns:
        A scalar.
    """
    taught = ops.cast(taught, scores.dtype)
    mask = ops.any(taught > 0, axis=-1)  # (batch, time)
    if isinstance(head, SoftmaxHead):
        tempered = ops.where(mask[..., None], scores, 0) / temperature
        logs = tempered - log_sum_exp(tempered, axis=-1, keepdims=True)
    else:
        logs = ops.log(ops.maximum(_shares(head, scores, mask, temperature), LEAST))
    total = -ops.sum(ops.where(mask[..., None], taught * logs, 0))
    return head._mean(total, ops.cast(mask, total.dtype))


def _shares(head: ChainHead, scores: Tensor, mask: Tensor, temperature: float) -> Tensor:
    """Marginals of a CRF: over the paths of its loss, which rules of decoding alone do not limit."""
    if getattr(head, "constrained_loss", False):
        return head.probabilities(scores, mask, temperature=temperature)
    moves = (head.tempered(part, temperature) for part in head.moves())
    return marginals(head.tempered(scores, temperature), mask, *moves)


def first_difference(one: Sequence[str], other: Sequence[str], name: str, other_name: str) -> str:
    """Says where two lists of labels first differ.

    >>> first_difference(["O", "B-X"], ["O"], "member 1", "member 2")
    "Label 1 is 'B-X' in member 1 (2 labels) and absent in member 2 (1)"
    """
    place = next((k for k, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    found = [repr(labels[place]) if place < len(labels) else "absent" for labels in (one, other)]
    return f"Label {place} is {found[0]} in {name} ({len(one)} labels) and {found[1]} in {other_name} ({len(other)})"
