"""What all attention over a sequence has in common: masks, the joined output, weights that are returned."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seqlab.layers.running import mask_of

Tensor = Any


class SequenceAttention(keras.layers.Layer):
    """Base of attention of the tokens of a sentence over their own sentence.

    `y_i = [h_i ; context_i]`. A subclass says in `attend` what the context is.

    Args:
        joined: Whether the state itself stands before its context: a tagger needs to know which token it labels. The
            context alone is for models that join it elsewhere.

    Call arguments:
        inputs: h, (batch, time, width).
        mask: (batch, time) booleans, or lengths (batch,). Masked steps attend to nothing and nothing attends to them.
        return_attention: Whether to return the weights as well.

    Returns:
        (batch, time, width + context), or (batch, time, context) where not joined; zeros at masked steps. With
        `return_attention`, a pair of it and the weights: (batch, time, time), the attending token before the attended
        one, or (batch, hops or heads, time, time). Each row sums to 1, or is 0 where there is nothing to attend to.
    """

    def __init__(self, joined: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.joined = joined
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def attend(self, inputs: Tensor, mask: Tensor | None, wanted: bool) -> tuple[Tensor, Tensor | None]:
        """Computes the context of each token.

        Args:
            inputs: (batch, time, width), 0 at masked steps.
            mask: (batch, time) booleans or `None`.
            wanted: Whether the weights are wanted.

        Returns:
            (batch, time, context), anything at masked steps; the weights where wanted.
        """
        raise NotImplementedError(f"{type(self).__name__} must write `attend`.")

    def context_width(self, width: int) -> int:
        """The width of a context."""
        return width

    def panels(self) -> tuple[int, ...]:
        """How many weights there are for a pair of tokens: none or one number, of hops or heads."""
        return ()

    def call(self, inputs: Tensor, mask: Tensor | None = None, return_attention: bool = False) -> Any:
        """See the class."""
        mask = mask_of(mask, inputs)
        if mask is not None:  # NaN there would come through products with a weight of 0
            inputs = ops.where(mask[..., None], inputs, ops.zeros_like(inputs))
        context, weights = self.attend(inputs, mask, return_attention)
        if mask is not None:
            context = ops.where(mask[..., None], context, ops.zeros_like(context))
        outputs = ops.concatenate([inputs, context], axis=-1) if self.joined else context
        if not return_attention:
            return outputs
        weights = ops.cast(weights, self.compute_dtype)
        if mask is not None:
            rows = ops.reshape(mask, (-1, *[1] * len(self.panels()), ops.shape(mask)[1], 1))
            weights = ops.where(rows, weights, ops.zeros_like(weights))
        return outputs, weights

    def compute_mask(self, inputs: Tensor, previous_mask: Tensor | None = None) -> Tensor | None:
        """The mask, for the layers above."""
        return previous_mask

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        """As the class says, without the weights."""
        context = self.context_width(inputs_shape[-1])
        return (*inputs_shape[:-1], inputs_shape[-1] + context if self.joined else context)

    def compute_output_spec(self, inputs: Tensor, mask: Any = None, return_attention: bool = False) -> Any:
        """As the class says."""
        batch, time, _ = inputs.shape
        outputs = keras.KerasTensor(self.compute_output_shape(tuple(inputs.shape)), self.compute_dtype)
        weights = keras.KerasTensor((batch, *self.panels(), time, time), self.compute_dtype)
        return (outputs, weights) if return_attention else outputs

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "joined": self.joined}

    def _kernel(self, name: str, *shape: int) -> Any:
        return self.add_weight(shape, "glorot_uniform", name=name)
