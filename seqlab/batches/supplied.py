"""Batches that carry more than labels: weights of tokens, and what a teacher says of them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from seqlab.batches.loader import Batches
from seqlab.constants import IGNORE

TAUGHT = "taught"
"""Name among the labels of a teacher's probabilities, (batch, time, labels); all 0 at padding."""


class SuppliedBatches(keras.utils.PyDataset):
    """Batches whose labels are a dict by column, with a teacher's probabilities among them, or with weights besides.

    Args:
        batches: The batches, with labels.
        task: The column that weights and probabilities are for.
        weights: Weight of each label, (labels,): the tokens' weights follow the labels, 0 where there is none.
        taught: Probabilities of the labels at each token, in the corpus' order, (tokens, labels).
    """

    def __init__(
        self, batches: Batches, task: str, weights: np.ndarray | None = None, taught: np.ndarray | None = None
    ) -> None:
        super().__init__()
        self.batches = batches
        self.task = task
        self.weights = weights
        self.taught = taught

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        inputs, labels = self.batches[index]
        labels = dict(labels) if isinstance(labels, dict) else {self.task: labels}
        gold = labels[self.task]
        if self.taught is not None:
            labels[TAUGHT] = self._padded(self.taught, index)
        if self.weights is None:
            return inputs, labels
        return inputs, labels, {self.task: np.where(gold == IGNORE, 0, self.weights[gold]).astype("float32")}

    def on_epoch_end(self) -> None:
        """Called by Keras after each epoch."""
        self.batches.on_epoch_end()

    def _padded(self, values: np.ndarray, index: int) -> np.ndarray:
        encoded, sentences = self.batches.encoded, self.batches.plan[index].sentences
        steps = np.arange(self.batches.shape(index)[1])
        mask = steps < encoded.lengths[sentences][:, None]  # (batch, time)
        places = np.where(mask, encoded.offsets[sentences][:, None] + steps, 0)
        return np.where(mask[..., None], values[places], 0).astype("float32")
