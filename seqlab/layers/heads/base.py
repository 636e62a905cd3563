"""What every head has: scores from features, a loss, a decoder and probabilities."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seqlab.errors import SettingsError, suggest
from seqlab.ops.masking import label_mask

Tensor = Any

REDUCTIONS = ("tokens", "sentences", "sum")


class Head(keras.layers.Layer):
    """Base of the layers that end a model: from features to the scores of tags.

        scores(t) = features(t) kernel + bias,    0 at masked positions

    A subclass says what the scores mean: it writes `sentence_losses`, `decode` and `probabilities`.

    Args:
        tags: Number of tags.
        reduction: What the loss is a mean over: "tokens" (all labelled tokens of the batch), "sentences"
            (those with a labelled token), or "sum" for no mean.
        kernel_initializer: Initialiser of the projection from features to scores; its bias begins at zero.
        kernel_regularizer: Regulariser of that projection.
        **kwargs: Of `keras.layers.Layer`.

    Call arguments:
        features: Float tensor (batch, time, features).
        mask: Boolean tensor (batch, time), true at tokens, holes allowed; all true where absent. A Keras mask
            that travels with the features is found by itself.

    Returns:
        Scores (batch, time, tags), float32 or wider whatever the dtype policy.

    Raises:
        SettingsError: For `tags` below 1 or an unknown reduction.
    """

    def __init__(
        self,
        tags: int,
        reduction: str = "tokens",
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(tags, bool) or not isinstance(tags, int) or tags < 1:
            raise SettingsError(f"`tags` must be a whole number of at least 1. Received: tags={tags!r}.")
        if reduction not in REDUCTIONS:
            raise SettingsError(
                f"`reduction` must be one of {', '.join(REDUCTIONS)}. Received: reduction={reduction!r}."
                + suggest(str(reduction), REDUCTIONS)
            )
        self.tags = tags
        self.reduction = reduction
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.supports_masking = True
        self.projection = keras.layers.Dense(
            tags,
            kernel_initializer=self.kernel_initializer,
            kernel_regularizer=self.kernel_regularizer,
            dtype=self.dtype_policy,
            name="projection",
        )

    def build(self, features_shape: tuple[int | None, ...]) -> None:
        """Creates the projection's weights."""
        self.projection.build(features_shape)
        self.built = True

    def call(self, features: Tensor, mask: Tensor = None) -> Tensor:
        """Computes the scores of all tags at each token."""
        scores = self.projection(features)  # (batch, time, tags)
        if keras.backend.standardize_dtype(scores.dtype) != "float64":
            scores = ops.cast(scores, "float32")
        if mask is None:
            return scores
        return ops.where(ops.cast(mask, "bool")[..., None], scores, 0)

    def compute_output_shape(self, features_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of the scores."""
        return (*features_shape[:-1], self.tags)

    def loss(self, labels: Tensor, scores: Tensor) -> Tensor:
        """Computes the training loss.

        Args:
            labels: Integer tensor (batch, time); `IGNORE` (-1) at padding and at tokens without a label,
                which count as if they were not there.
            scores: What the head returned, (batch, time, tags).

        Returns:
            A scalar; exactly 0, with a gradient of 0, where nothing is labelled.
        """
        labels = ops.cast(labels, "int32")
        mask = label_mask(labels)
        total = ops.sum(self.sentence_losses(labels, scores, mask))
        if self.reduction == "sum":
            return total
        counted = mask if self.reduction == "tokens" else ops.any(mask, axis=1)
        return total / ops.maximum(ops.sum(ops.cast(counted, total.dtype)), 1)

    def sentence_losses(self, labels: Tensor, scores: Tensor, mask: Tensor) -> Tensor:
        """Computes the negative log-likelihood of each sentence.

        Args:
            labels: Integer tensor (batch, time).
            scores: Float tensor (batch, time, tags).
            mask: Boolean tensor (batch, time), true at labelled tokens.

        Returns:
            Float tensor (batch,), exactly 0 for a row without a labelled token.
        """
        raise NotImplementedError(f"{type(self).__name__} must write `sentence_losses`.")

    def decode(self, scores: Tensor, mask: Tensor = None) -> Tensor:
        """Finds the best tags.

        Args:
            scores: Float tensor (batch, time, tags).
            mask: Boolean tensor (batch, time); all true where absent.

        Returns:
            Integer tensor (batch, time), int32, `IGNORE` (-1) at masked positions.
        """
        raise NotImplementedError(f"{type(self).__name__} must write `decode`.")

    def probabilities(self, scores: Tensor, mask: Tensor = None) -> Tensor:
        """Computes the probability of each tag at each token.

        Args:
            scores: Float tensor (batch, time, tags).
            mask: Boolean tensor (batch, time); all true where absent.

        Returns:
            Float tensor (batch, time, tags): sums to 1 over tags at tokens, 0 at masked positions.
        """
        raise NotImplementedError(f"{type(self).__name__} must write `probabilities`.")

    def get_config(self) -> dict[str, Any]:
        """Returns every constructor argument."""
        return super().get_config() | {
            "tags": self.tags,
            "reduction": self.reduction,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }


def mask_or_all(scores: Tensor, mask: Tensor) -> Tensor:
    """The mask as booleans, all true where it is absent."""
    return ops.ones(ops.shape(scores)[:2], "bool") if mask is None else ops.cast(mask, "bool")
