"""An encoder with attention over its last layer."""

from __future__ import annotations

from typing import Any

import keras

from seqlab.layers.attention.base import SequenceAttention
from seqlab.layers.cells.parts import serialized

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class AttentionEncoder(keras.layers.Layer):
    """Puts attention on top of an encoder: `y = attention(encoder(x))`.

    Where the encoder gives a list, an entry for each of its layers, the attention reads the last entry and takes its
    place; those below, which other tasks may read, stay as they are.

    Args:
        encoder: Layer called as `encoder(x, mask=mask)`, such as `RecurrentStack`; it tells its `compute_output_shape`.
        attention: A `SequenceAttention`.

    Call arguments:
        inputs: (batch, time, width).
        mask: (batch, time) booleans, true at real tokens.
        training: Whether this is training.
        return_attention: Whether to return the weights as well.

    Returns:
        What the encoder returns, with the attention's outputs in place of the last layer's; a pair of it and the
        weights with `return_attention`.

    Raises:
        TypeError: If the attention is none.

    >>> from seqlab.layers import MultiplicativeAttention, RecurrentStack
    >>> encoder = AttentionEncoder(RecurrentStack(4), MultiplicativeAttention(scaled=True))
    >>> tuple(encoder(keras.ops.ones((2, 3, 5))).shape)
    (2, 3, 16)
    """

    def __init__(self, encoder: keras.layers.Layer, attention: SequenceAttention, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(attention, SequenceAttention):
            raise TypeError(
                f"attention is a SequenceAttention, such as AdditiveAttention(100); received {attention!r}."
            )
        self.encoder = encoder
        self.attention = attention
        self.supports_masking = True

    def build(self, inputs_shape: Any) -> None:
        """Builds the encoder, and the attention upon it."""
        if not self.encoder.built:
            self.encoder.build(tuple(inputs_shape))
        if not self.attention.built:
            self.attention.build(_layers(self._inner_shape(inputs_shape))[-1])

    def call(
        self, inputs: Tensor, mask: Tensor | None = None, training: bool | None = None, return_attention: bool = False
    ) -> Any:
        """See the class."""
        found = self.encoder(inputs, mask=mask, training=training)
        last = found[-1] if isinstance(found, list | tuple) else found
        attended = self.attention(last, mask=mask, return_attention=return_attention)
        return _with_last(found, *attended) if return_attention else _with_last(found, attended)

    def compute_mask(self, inputs: Tensor, previous_mask: Any = None) -> Any:
        """The encoder's mask."""
        return self.encoder.compute_mask(inputs, previous_mask)

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        """As the class says, without the weights."""
        found = self._inner_shape(inputs_shape)
        layers = _layers(found)
        last = self.attention.compute_output_shape(layers[-1])
        return [*layers[:-1], last] if isinstance(found, list) else last

    def compute_output_spec(
        self, inputs: Tensor, mask: Any = None, training: Any = None, return_attention: bool = False
    ) -> Any:
        """As the class says."""
        found = self._inner_shape(inputs.shape)
        layers = [keras.KerasTensor(shape, self.encoder.compute_dtype) for shape in _layers(found)]
        attended = self.attention.compute_output_spec(layers[-1], return_attention=return_attention)
        result = layers if isinstance(found, list) else layers[0]
        return _with_last(result, *attended) if return_attention else _with_last(result, attended)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), **serialized(self, "encoder", "attention")}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> AttentionEncoder:
        """Rebuilds the layer with its parts."""
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("encoder", "attention")}
        return cls(**{**config, **parts})

    def _inner_shape(self, inputs_shape: Any) -> Any:
        """The shape of what the encoder returns: a tuple, or a list of tuples."""
        found = self.encoder.compute_output_shape(tuple(inputs_shape))
        return [tuple(shape) for shape in found] if isinstance(found[-1], list | tuple) else tuple(found)


def _layers(shape: Any) -> list[Any]:
    return shape if isinstance(shape, list) else [shape]


def _with_last(found: Any, outputs: Any, weights: Any = None) -> Any:
    """What an encoder returned, with another last layer; a pair of it and the weights, where there are some."""
    result = [*found[:-1], outputs] if isinstance(found, list | tuple) else outputs
    return result if weights is None else (result, weights)
