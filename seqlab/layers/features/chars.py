"""A convolution over the characters of each distinct word of a batch."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="seqlab")
class CharCNN(keras.layers.Layer):
    """Word vectors from characters (Ma & Hovy 2016): `max_k tanh(W [e(k-1); e(k); e(k+1)] + b)` for width 3.

    Every distinct form of a batch is read once, whatever the number of its tokens, and its vector handed to each of
    them. The maximum runs over real characters alone: wider padding changes nothing. Row 0 (no characters) gives 0.

    Args:
        characters: Rows of the character table, padding (0) and unknown (1) among them.
        dim: Width of a character's vector, initially uniform in `+-sqrt(3 / dim)`.
        filters: Width of the result.
        width: Characters under one filter.
        dropout: Share of character vectors' components dropped in training.

    Call arguments:
        chars: `(forms, characters)` integers, 0 at padding.
        char_rows: `(batch, time)` row in `chars` of each token.

    Returns:
        `(batch, time, filters)` vectors.
    """

    fields = ("chars", "char_rows")

    def __init__(
        self,
        characters: int,
        dim: int = 25,
        filters: int = 50,
        width: int = 3,
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.characters = characters
        self.dim = dim
        self.filters = filters
        self.width = width
        self.dropout = dropout
        self.supports_masking = True
        uniform = keras.initializers.RandomUniform(-((3 / dim) ** 0.5), (3 / dim) ** 0.5)
        self.embedding = keras.layers.Embedding(characters, dim, embeddings_initializer=uniform, name="embedding")
        self.drop = keras.layers.Dropout(dropout, name="drop")
        self.convolution = keras.layers.Conv1D(filters, width, padding="same", name="convolution")

    def build(self, chars_shape: Any, char_rows_shape: Any) -> None:
        """Builds the table and the filters."""
        self.embedding.build(chars_shape)
        self.convolution.build((None, None, self.dim))

    def call(self, chars: Any, char_rows: Any, training: bool | None = None) -> Any:
        """See the class."""
        real = ops.expand_dims(ops.not_equal(chars, 0), -1)  # (forms, characters, 1)
        vectors = self.embedding(chars)  # (forms, characters, dim)
        vectors = ops.where(real, self.drop(vectors, training=training), 0.0)
        scores = ops.where(real, self.convolution(vectors), -1e4)  # (forms, characters, filters)
        words = ops.tanh(ops.max(scores, axis=1))  # (forms, filters)
        words = ops.where(ops.any(real, axis=1), words, 0.0)
        return ops.take(words, char_rows, axis=0)

    def compute_output_shape(self, chars_shape: Any, char_rows_shape: Any) -> Any:
        """`(batch, time, filters)`."""
        return (*char_rows_shape, self.filters)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("characters", "dim", "filters", "width", "dropout")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
