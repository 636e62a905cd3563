"""A head that chooses each tag by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from seqlab.constants import IGNORE
from seqlab.layers.heads.base import Head, mask_or_all
from seqlab.layers.heads.rules import constraints_of, ruled
from seqlab.ops.chain import log_sum_exp
from seqlab.ops.crf import viterbi
from seqlab.tags.constraints import Constraints

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class SoftmaxHead(Head):
    """A softmax over the tags of each token, trained by cross-entropy.

        p(t)[i] = exp scores(t)[i] / sum over j of exp scores(t)[j]
        loss = - sum over t of log p(t)[y(t)]

    Args:
        tags: Number of tags.
        reduction: "tokens", "sentences" or "sum", see `Head`.
        kernel_initializer: Initialiser of the projection.
        kernel_regularizer: Regulariser of the projection.
        constraints: What may follow what (`seqlab.tags.Constraints`): `decode` then gives the allowed path of the
            greatest probability. Loss and probabilities stay those of single tokens. A sentence that nothing satisfies
            gets a path that breaks the fewest rules.
        **kwargs: Of `keras.layers.Layer`.

    Call arguments, shapes and masking: see `Head`.

    >>> head = SoftmaxHead(tags=3)
    >>> scores = head(ops.ones((2, 4, 5)))
    >>> scores.shape[-1], head.decode(scores).shape[1]
    (3, 4)
    """

    def __init__(
        self,
        tags: int,
        reduction: str = "tokens",
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        constraints: Constraints | Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(tags, reduction, kernel_initializer, kernel_regularizer, **kwargs)
        self.constraints = constraints_of(constraints, tags)

    def sentence_losses(self, labels: Tensor, scores: Tensor, mask: Tensor) -> Tensor:
        """Sums the cross-entropy of each sentence's labelled tokens."""
        return ops.sum(self.token_losses(labels, scores, mask), axis=1)

    def token_losses(self, labels: Tensor, scores: Tensor, mask: Tensor) -> Tensor:
        """Computes the cross-entropy of each token, (batch, time), 0 at masked ones."""
        logs = _log_softmax(scores, mask)  # (batch, time, tags)
        hits = ops.equal(labels[..., None], ops.arange(self.tags, dtype="int32"))  # none at IGNORE
        return -ops.sum(ops.where(hits, logs, 0), axis=2)

    def weighted_loss(self, labels: Tensor, scores: Tensor, mask: Tensor, weights: Tensor) -> Tensor:
        """Sums the cross-entropy of each token, multiplied by its weight or by its sentence's."""
        weights = ops.reshape(weights, (ops.shape(labels)[0], -1))  # (batch, time) or (batch, 1)
        return ops.sum(ops.where(mask, self.token_losses(labels, scores, mask) * weights, 0))

    def decode(self, scores: Tensor, mask: Tensor = None) -> Tensor:
        """Takes the tag of the greatest score at each token, or the best path that the constraints allow."""
        if self.constraints is not None:
            zeros = ops.zeros((self.tags, self.tags)), ops.zeros((self.tags,)), ops.zeros((self.tags,))
            return viterbi(scores, mask_or_all(scores, mask), *ruled(self.constraints, *zeros))[0]
        labels = ops.cast(ops.argmax(scores, axis=-1), "int32")
        return ops.where(mask_or_all(scores, mask), labels, IGNORE)

    def probabilities(self, scores: Tensor, mask: Tensor = None) -> Tensor:
        """Takes the softmax of each token's scores."""
        mask = mask_or_all(scores, mask)
        return ops.where(mask[..., None], ops.exp(_log_softmax(scores, mask)), 0)

    def get_config(self) -> dict[str, Any]:
        """Returns every constructor argument."""
        return super().get_config() | {"constraints": self.constraints and self.constraints.get_config()}


def _log_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    # Zeroed first: a NaN at padding would otherwise reach the gradient. Keras' own softmax warns at one tag.
    scores = ops.where(mask[..., None], scores, 0)
    return scores - log_sum_exp(scores, axis=-1, keepdims=True)
