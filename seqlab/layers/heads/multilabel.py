"""A head that says yes or no to each tag by itself: the notes that sound, the topics of a sentence."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seqlab.constants import IGNORE
from seqlab.errors import SettingsError
from seqlab.layers.heads.base import Head, mask_or_all
from seqlab.ops.masking import label_mask

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class MultiLabelHead(Head):
    """A sigmoid for each tag of each token, trained by binary cross-entropy.

        p(t)[i] = 1 / (1 + exp -scores(t)[i])
        loss(t) = - sum over i of y(t)[i] log p(t)[i] + (1 - y(t)[i]) log(1 - p(t)[i])

    Labels are (batch, time, tags): 1 for yes, 0 for no, `IGNORE` (-1) where it is not known, which adds nothing. A
    token counts as labelled where one of its labels is known. `decode` gives labels in the same form; `probabilities`
    of a token do not add up to 1.

    Args:
        tags: Number of tags.
        reduction: "tokens", "sentences" or "sum", see `Head`.
        kernel_initializer: Initialiser of the projection.
        kernel_regularizer: Regulariser of the projection.
        threshold: Probability from which on `decode` says yes, between 0 and 1.
        **kwargs: Of `keras.layers.Layer`.

    Call arguments, shapes and masking: see `Head`.

    >>> head = MultiLabelHead(tags=3)
    >>> scores = head(ops.ones((2, 4, 5)))
    >>> loss = head.loss(ops.ones((2, 4, 3)), scores)
    >>> ops.convert_to_numpy(head.decode([[[2.0, -2.0, 0.0]]])).tolist()
    [[[1, 0, 1]]]
    """

    def __init__(
        self,
        tags: int,
        reduction: str = "tokens",
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        threshold: float = 0.5,
        **kwargs: Any,
    ) -> None:
        super().__init__(tags, reduction, kernel_initializer, kernel_regularizer, **kwargs)
        if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 < threshold < 1:
            raise SettingsError(f"`threshold` must be a number between 0 and 1. Received: threshold={threshold!r}.")
        self.threshold = float(threshold)

    @property
    def choices(self) -> int:
        """No and yes."""
        return 2

    def labelled(self, labels: Tensor) -> Tensor:
        """Tells which tokens have a known label, (batch, time)."""
        return ops.any(label_mask(labels), axis=-1)

    def sentence_losses(self, labels: Tensor, scores: Tensor, mask: Tensor) -> Tensor:
        """Sums the cross-entropy of each sentence's labels."""
        return ops.sum(self.token_losses(labels, scores, mask), axis=1)

    def token_losses(self, labels: Tensor, scores: Tensor, mask: Tensor) -> Tensor:
        """Sums the binary cross-entropy of each token's known labels, (batch, time), 0 at masked ones."""
        known = ops.logical_and(label_mask(labels), mask[..., None])  # (batch, time, tags)
        x = ops.where(known, scores, 0)
        # log(1 + exp x) - y x, without an exponential that overflows.
        losses = ops.relu(x) - ops.cast(labels, x.dtype) * x + ops.log1p(ops.exp(-ops.abs(x)))
        return ops.sum(ops.where(known, losses, 0), axis=2)

    def weighted_loss(self, labels: Tensor, scores: Tensor, mask: Tensor, weights: Tensor) -> Tensor:
        """Sums the cross-entropy of each token, multiplied by its weight or by its sentence's."""
        weights = ops.reshape(weights, (ops.shape(labels)[0], -1))  # (batch, time) or (batch, 1)
        return ops.sum(ops.where(mask, self.token_losses(labels, scores, mask) * weights, 0))

    def decode(self, scores: Tensor, mask: Tensor = None) -> Tensor:
        """Says 1 where the probability reaches the threshold, else 0: (batch, time, tags), `IGNORE` where masked."""
        scores = ops.convert_to_tensor(scores)
        chosen = ops.cast(ops.sigmoid(scores) >= self.threshold, "int32")
        return ops.where(mask_or_all(scores, mask)[..., None], chosen, IGNORE)

    def probabilities(self, scores: Tensor, mask: Tensor = None) -> Tensor:
        """Takes the sigmoid of each score."""
        scores = ops.convert_to_tensor(scores)
        return ops.where(mask_or_all(scores, mask)[..., None], ops.sigmoid(scores), 0)

    def get_config(self) -> dict[str, Any]:
        """Returns every constructor argument."""
        return super().get_config() | {"threshold": self.threshold}
