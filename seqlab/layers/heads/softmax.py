"""A head that chooses each tag by itself."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

import keras
from keras import ops

from seqlab.constants import IGNORE
from seqlab.errors import SettingsError
from seqlab.layers.heads.base import mask_or_all
from seqlab.layers.heads.chain import ChainHead
from seqlab.layers.heads.rules import Rulebook
from seqlab.ops.chain import log_sum_exp

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class SoftmaxHead(ChainHead):
    """A softmax over the tags of each token, trained by cross-entropy.

        p(t)[i] = exp scores(t)[i] / sum over j of exp scores(t)[j]
        loss = - sum over t of ((1 - s) log p(t)[y(t)] + s mean over i of log p(t)[i])

    s is the label smoothing (Szegedy et al. 2016): 0 for the plain cross-entropy.

    Args:
        tags: Number of tags.
        reduction: "tokens", "sentences" or "sum", see `Head`.
        kernel_initializer: Initialiser of the projection.
        kernel_regularizer: Regulariser of the projection.
        constraints: What may follow what, see `ChainHead`: `decode` and `probabilities` are then those of allowed
            paths. The loss stays that of single tokens.
        temperature: What scores are divided by before they become probabilities.
        label_smoothing: s, at least 0 and below 1.
        **kwargs: Of `keras.layers.Layer`.

    Raises:
        SettingsError: For a smoothing out of range; and see `ChainHead`.

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
        constraints: Rulebook | Mapping[str, Any] | None = None,
        temperature: float = 1.0,
        label_smoothing: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(tags, reduction, kernel_initializer, kernel_regularizer, constraints, temperature, **kwargs)
        if isinstance(label_smoothing, bool) or not isinstance(label_smoothing, Real) or not 0 <= label_smoothing < 1:
            raise SettingsError(f"label_smoothing must be at least 0 and below 1, received {label_smoothing!r}.")
        self.label_smoothing: float = float(label_smoothing)

    def moves(self) -> tuple[Tensor, Tensor, Tensor]:
        """Zeros: neighbours do not know of each other."""
        return ops.zeros((self.tags, self.tags)), ops.zeros((self.tags,)), ops.zeros((self.tags,))

    def sentence_losses(self, labels: Tensor, scores: Tensor, mask: Tensor) -> Tensor:
        """Sums the cross-entropy of each sentence's labelled tokens."""
        return ops.sum(self.token_losses(labels, scores, mask), axis=1)

    def token_losses(self, labels: Tensor, scores: Tensor, mask: Tensor) -> Tensor:
        """Computes the cross-entropy of each token, (batch, time), 0 at masked ones."""
        logs = _log_softmax(scores, mask)  # (batch, time, tags)
        hits = ops.equal(labels[..., None], ops.arange(self.tags, dtype="int32"))  # none at IGNORE
        gold = ops.sum(ops.where(hits, logs, 0), axis=2)
        if not self.label_smoothing:
            return -gold
        even = ops.where(mask, ops.mean(logs, axis=2), 0)
        return -(1 - self.label_smoothing) * gold - self.label_smoothing * even

    def weighted_loss(self, labels: Tensor, scores: Tensor, mask: Tensor, weights: Tensor) -> Tensor:
        """Sums the cross-entropy of each token, multiplied by its weight or by its sentence's."""
        weights = ops.reshape(weights, (ops.shape(labels)[0], -1))  # (batch, time) or (batch, 1)
        return ops.sum(ops.where(mask, self.token_losses(labels, scores, mask) * weights, 0))

    def decode(self, scores: Tensor, mask: Tensor = None, allowed: Tensor = None) -> Tensor:
        """Takes the tag of the greatest score at each token, or the best path of those that are allowed."""
        if self.constraints is not None or allowed is not None:
            return super().decode(scores, mask, allowed)
        labels = ops.cast(ops.argmax(scores, axis=-1), "int32")
        return ops.where(mask_or_all(scores, mask), labels, IGNORE)

    def probabilities(
        self, scores: Tensor, mask: Tensor = None, allowed: Tensor = None, temperature: Tensor = None
    ) -> Tensor:
        """Takes the softmax of each token's scores, or the marginals over the allowed paths."""
        if self.constraints is not None or allowed is not None:
            return super().probabilities(scores, mask, allowed, temperature)
        mask = mask_or_all(scores, mask)
        scores = self.tempered(scores, temperature)
        return ops.where(mask[..., None], ops.exp(_log_softmax(scores, mask)), 0)

    def get_config(self) -> dict[str, Any]:
        """Returns every constructor argument."""
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


def _log_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    # Zeroed first: a NaN at padding would otherwise reach the gradient. Keras' own softmax warns at one tag.
    scores = ops.where(mask[..., None], scores, 0)
    return scores - log_sum_exp(scores, axis=-1, keepdims=True)
