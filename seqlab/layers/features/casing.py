"""Casing features: one small learned vector for each pattern of capitals and digits."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="seqlab")
class CasingEmbedding(keras.layers.Embedding):
    """Embeds casing patterns, for instance the eight of `seqlab.text.casing`.

    Args:
        patterns: Number of patterns, padding (0) among them.
        dim: Width of a vector, initially uniform in `+-sqrt(3 / dim)`.

    Call arguments:
        inputs: `(batch, time)` integers below `patterns`.

    Returns:
        `(batch, time, dim)` vectors.
    """

    fields = ("casing",)

    def __init__(self, patterns: int, dim: int = 8, **kwargs: Any) -> None:
        uniform = keras.initializers.RandomUniform(-((3 / dim) ** 0.5), (3 / dim) ** 0.5)
        super().__init__(patterns, dim, embeddings_initializer=uniform, **kwargs)
        self.patterns = patterns
        self.dim = dim

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        base = keras.layers.Layer.get_config(self)
        return {**base, "patterns": self.patterns, "dim": self.dim}
