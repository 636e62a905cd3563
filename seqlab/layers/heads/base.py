"""What every head has: scores from features, a loss, a decoder and probabilities."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seqlab.constants import IGNORE
from seqlab.errors import DataError, SettingsError, check_count, suggest
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
        check_count("tags", tags)
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
        self.projection = self.make_projection()

    @property
    def width(self) -> int:
        """Scores of a token: one for each tag, unless the subclass has others besides."""
        return self.tags

    def make_projection(self) -> keras.layers.Layer:
        """Makes the layer from features to scores."""
        return keras.layers.Dense(
            self.width,
            kernel_initializer=self.kernel_initializer,
            kernel_regularizer=self.kernel_regularizer,
            dtype=self.dtype_policy,
            name="projection",
        )

    def build(self, features_shape: tuple[int | None, ...]) -> None:
        """Creates the projection's weights."""
        self.projection.build(features_shape)
        self.built = True

    def __call__(self, features: Tensor, mask: Tensor = None, **kwargs: Any) -> Tensor:
        """Calls the layer; the mask travels on with the scores, by position too: Keras sees to those by name."""
        return super().__call__(features, mask=mask, **kwargs)

    def call(self, features: Tensor, mask: Tensor = None) -> Tensor:
        """Computes the scores of all tags at each token."""
        scores = self.projection(features)  # (batch, time, tags)
        if _dtype(scores) != "float64":
            scores = ops.cast(scores, "float32")
        if mask is None:
            return scores
        return ops.where(ops.cast(mask, "bool")[..., None], scores, 0)

    def compute_output_shape(self, features_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """The shape of the scores."""
        return (*features_shape[:-1], self.width)

    def loss(self, labels: Tensor, scores: Tensor, sample_weight: Tensor = None) -> Tensor:
        """Computes the training loss.

            sum:        L = sum over s of w(s) loss(s)            or    sum over s, t of w(s, t) loss(s, t)
            tokens:     L / sum over s, t of w(s, t)              where w(s, t) = w(s) with a weight for each sentence
            sentences:  L / sum over s of (mean over t of w(s, t))

        over sentences s and their labelled tokens t. All weights are 1 where none are given. What has the weight 0
        counts in none of these sums or means: it might as well have no labels.

        Args:
            labels: Integer tensor (batch, time); `IGNORE` (-1) at padding and at tokens without a label,
                which count as if they were not there.
            scores: What the head returned, (batch, time, tags).
            sample_weight: Weights of at least 0, (batch,) for sentences, or (batch, time) for tokens if the head's
                loss is a sum over tokens.

        Returns:
            A scalar; exactly 0, with a gradient of 0, where nothing is labelled. NaN, on every backend, if a label is
            none that there is.

        Raises:
            DataError: For labels of another number of sentences or tokens than the scores, for weights of another
                shape, or weights of tokens where the loss is one of whole sentences.
        """
        labels = ops.cast(labels, "int32")
        _check_labels(_shape(labels), _shape(scores))
        wrong = ops.logical_or(labels < IGNORE, labels >= self.choices)
        labels = ops.where(wrong, IGNORE, labels)
        loss = self._loss(labels, scores, sample_weight)
        return ops.where(ops.any(wrong), ops.cast(float("nan"), loss.dtype), loss)

    def _loss(self, labels: Tensor, scores: Tensor, sample_weight: Tensor) -> Tensor:
        mask = self.labelled(labels)  # (batch, time)
        if sample_weight is None:
            losses = self.sentence_losses(labels, scores, mask)
            return self._mean(ops.sum(losses), ops.cast(mask, losses.dtype))
        scores = ops.convert_to_tensor(scores)
        weights = ops.cast(sample_weight, "float64" if _dtype(scores) == "float64" else "float32")
        _check_weights(_shape(weights), _shape(labels))
        shape = ops.shape(mask)
        spread = ops.broadcast_to(ops.reshape(weights, (shape[0], -1)), shape)  # (batch, time)
        mask = ops.logical_and(mask, ops.not_equal(spread, 0))
        labels = ops.where(mask[..., None] if len(_shape(labels) or ()) == 3 else mask, labels, IGNORE)
        return self._mean(self.weighted_loss(labels, scores, mask, weights), ops.where(mask, spread, 0))

    @property
    def choices(self) -> int:
        """How many labels there are to choose from: a label is at least `IGNORE` and below this."""
        return self.tags

    def labelled(self, labels: Tensor) -> Tensor:
        """Tells which tokens have a label, (batch, time); heads with several labels a token say it themselves."""
        return label_mask(labels)

    def _mean(self, total: Tensor, weights: Tensor) -> Tensor:
        """Divides a sum of losses as `reduction` says, by weights (batch, time) that are 0 where nothing counts."""
        if self.reduction == "sum":
            return total
        if self.reduction == "sentences":
            counts = ops.sum(ops.cast(ops.not_equal(weights, 0), weights.dtype), axis=1)  # (batch,)
            weights = ops.sum(weights, axis=1) / ops.maximum(counts, 1)
        norm = ops.sum(weights)
        return total / ops.where(norm > 0, norm, 1)

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

    def weighted_loss(self, labels: Tensor, scores: Tensor, mask: Tensor, weights: Tensor) -> Tensor:
        """Sums the weighted losses of sentences; heads whose losses are sums over tokens weigh those.

        Args:
            labels: Integer tensor (batch, time).
            scores: Float tensor (batch, time, tags).
            mask: Boolean tensor (batch, time), true at labelled tokens whose weight is not 0.
            weights: Float tensor, (batch,) or (batch, time).

        Returns:
            A scalar.

        Raises:
            DataError: For weights of tokens.
        """
        shape = _shape(weights)
        if shape is not None and len(shape) > 1:
            raise DataError(
                f"Received sample weights of shape {shape}, one for each token, but {type(self).__name__} has one loss "
                "for each whole sentence: pass weights of shape (batch,), or use SoftmaxHead."
            )
        # Shaped, where TensorFlow knows no rank, so that weights of tokens are an error there too.
        weights = ops.reshape(weights, (ops.shape(labels)[0],))
        return ops.sum(self.sentence_losses(labels, scores, mask) * weights)

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


def _dtype(tensor: Tensor) -> str:
    return keras.backend.standardize_dtype(tensor.dtype)


def _shape(tensor: Tensor) -> tuple[int | None, ...] | None:
    try:
        return tuple(tensor.shape)
    except ValueError:  # TensorFlow forgets the rank when a model is called with weights of sentences and of tokens
        return None


def _check_labels(labels: tuple[int | None, ...] | None, scores: tuple[int | None, ...] | None) -> None:
    if labels is None or scores is None:
        return
    if any(None not in pair and pair[0] != pair[1] for pair in zip(labels[:1], scores[:1], strict=True)):
        raise DataError(f"Received labels of shape {labels} for scores of shape {scores}: expected as many sentences.")


def _check_weights(weights: tuple[int | None, ...] | None, labels: tuple[int | None, ...] | None) -> None:
    if weights is None or labels is None:
        return
    fits = all(one == other or None in (one, other) for one, other in zip(weights, labels, strict=False))
    if len(weights) not in (1, 2) or not fits:
        raise DataError(
            f"Received sample weights of shape {weights} for labels of shape {labels}; expected a weight for each "
            "sentence, (batch,), or for each token, (batch, time)."
        )
