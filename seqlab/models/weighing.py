"""Weights of labels in a tagger's loss."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

from seqlab.batches.loader import Batches
from seqlab.errors import DataError, SettingsError, suggest
from seqlab.layers.heads.softmax import SoftmaxHead

ClassWeight = Mapping[str, float] | str
"""Weights by label, those that are left out 1; or "balanced"."""


def class_weights(tagger: Any, batches: Any, choice: ClassWeight) -> np.ndarray:
    """Returns the weight of each label, in the order of the scores.

        balanced:  w(k) = n / (K n(k)),    n(k) how often label k occurs, K how many labels occur

    so that all labels count alike. A label that does not occur weighs 1.

    Args:
        tagger: The tagger; its head is a `SoftmaxHead`.
        batches: `Batches` of the training data.
        choice: See `ClassWeight`.

    Raises:
        SettingsError: For another head, an unknown label, or what is no weight of at least 0.
        DataError: For data that is no sentences.
    """
    if not isinstance(tagger.head, SoftmaxHead):
        raise SettingsError(
            f"class_weight weighs tokens, and a {type(tagger.head).__name__} has one loss for each whole sentence: "
            "leave it out, or use the head 'softmax'."
        )
    if not isinstance(batches, Batches):
        raise DataError(f"class_weight is for a corpus, sentences or Batches; received {type(batches).__name__}.")
    if choice == "balanced":
        labels = batches.encoded.labels[tagger.task]
        counts = np.bincount(labels[labels >= 0], minlength=len(tagger.labels))
        return np.where(counts, counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1)), 1.0)
    if not isinstance(choice, Mapping):
        raise SettingsError(f"class_weight is 'balanced' or a dict from labels to weights; received {choice!r}.")
    found = np.ones(len(tagger.labels))
    for label, weight in choice.items():
        if label not in tagger.labels:
            known = ", ".join(tagger.labels)
            raise SettingsError(
                f"class_weight names {label!r}; the labels are {known}.{suggest(str(label), tagger.labels)}"
            )
        if isinstance(weight, bool) or not isinstance(weight, Real) or not 0 <= weight < float("inf"):
            raise SettingsError(f"class_weight holds numbers of at least 0, received {weight!r} for {label!r}.")
        found[tagger.labels.index(label)] = weight
    return found
