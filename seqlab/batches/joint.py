"""Batches of sentences that several vectorizers have encoded, each in its own way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seqlab.batches.loader import Batches, fields_of
from seqlab.text.elmo_chars import ELMO_FIELD
from seqlab.text.vectorizer import Encoded


def joint_name(field: str, number: int) -> str:
    """Returns the name of a field of the encoding with that number, from 0; all share the mask.

    >>> [joint_name("words", 0), joint_name("words", 1), joint_name("mask", 1)]
    ['words', 'encoding_2_words', 'mask']
    """
    return field if number == 0 or field == "mask" else f"encoding_{number + 1}_{field}"


class JointBatches(Batches):
    """`Batches` of the same sentences in several encodings, whose arrays stand beside each other.

    The first encoding's arrays have their usual names, and it gives labels and mask; those of the second are
    `encoding_2_words` and so on.

    Args:
        encodings: What several vectorizers made of the same sentences.
        fields: Which arrays to give, by their names here.
        **options: As `Batches`.
    """

    def __init__(self, encodings: Sequence[Encoded], fields: Sequence[str], **options: Any) -> None:
        own = [
            [field for field in (*fields_of(encoded), ELMO_FIELD) if joint_name(field, k) in fields]
            for k, encoded in enumerate(encodings)
        ]
        super().__init__(encodings[0], fields=own[0], **options)
        # Plans depend on lengths, seed and epoch alone: those of the others are equal to this one's.
        options["tasks"] = ()
        self.others = [
            Batches(encoded, fields=[field for field in names if field != "mask"], **options)
            for encoded, names in zip(encodings[1:], own[1:], strict=True)
        ]

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        inputs, *labels = super().__getitem__(index)
        for number, batches in enumerate(self.others, 1):
            arrays = batches[index][0]
            inputs |= {joint_name(field, number): array for field, array in arrays.items()}
        return (inputs, *labels)

    def start_epoch(self, epoch: int) -> None:
        """Takes the order of the given epoch in all encodings."""
        super().start_epoch(epoch)
        for batches in self.others:
            batches.start_epoch(epoch)
