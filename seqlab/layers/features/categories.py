"""Categorical features: a learned vector for each value, as for affixes, word shapes and columns of the corpus."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="seqlab")
class CategoryEmbedding(keras.layers.Embedding):
    """Embeds the values of one feature: `e(i) = E[i]`.

    Args:
        values: Number of values, padding (0) and unknown (1) among them.
        dim: Width of a vector, initially uniform in `+-sqrt(3 / dim)`; the first two start at 0. Unknown values learn
            from those that training has too rarely for a row of their own.
        field: The array that is read, see `seqlab.batches.Batches`.

    Call arguments:
        inputs: `(batch, time)` integers below `values`.

    Returns:
        `(batch, time, dim)` vectors.
    """

    def __init__(self, values: int, dim: int = 20, field: str = "shape", **kwargs: Any) -> None:
        if values < 2 or dim < 1:
            raise ValueError(f"CategoryEmbedding needs values >= 2 and dim >= 1; received {values} and {dim}.")
        uniform = keras.initializers.RandomUniform(-((3 / dim) ** 0.5), (3 / dim) ** 0.5)

        def start(shape: Any, dtype: Any = None) -> Any:
            return ops.concatenate([ops.zeros((2, dim), dtype), uniform((shape[0] - 2, dim), dtype)])

        super().__init__(values, dim, embeddings_initializer=start, **kwargs)
        self.values = values
        self.dim = dim
        self.field = field

    @property
    def fields(self) -> tuple[str, ...]:
        """The arrays that it reads."""
        return (self.field,)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        base = keras.layers.Layer.get_config(self)
        return {**base, "values": self.values, "dim": self.dim, "field": self.field}
