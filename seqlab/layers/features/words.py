"""Word embeddings of which only the rows seen in training are weights that learn."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from seqlab.errors import suggest

UNKNOWN = ("trained", "zero")


@keras.saving.register_keras_serializable(package="seqlab")
class WordEmbedding(keras.layers.Layer):
    """Looks up word vectors: trained rows first, then rows that stay as they were read.

    `e(i) = trained[i]` for `i < rows`, else `frozen[i - rows]`; `e(1) = 0` where unknown words are zero. A step of the
    optimiser costs `rows`, whatever the size of the vector file; words that training never saw keep the file's vectors
    at inference.

    Args:
        rows: Rows that training has seen, padding (0) and the unknown word (1) among them.
        dim: Width of a vector.
        frozen_rows: Rows after these that never change.
        trainable_vectors: Whether the first rows learn.
        dropout: Share of words that are read as unknown (row 1) in training, so that this row learns to stand for
            any word and the model to use the rest of the sentence.
        unknown: What an unknown word's vector (row 1) is: "trained", or "zero", which does not learn and leaves such
            words to other features, such as their characters.

    Call arguments:
        indices: `(batch, time)` integers.

    Returns:
        `(batch, time, dim)` vectors.
    """

    fields = ("words",)

    def __init__(
        self,
        rows: int,
        dim: int,
        frozen_rows: int = 0,
        trainable_vectors: bool = True,
        dropout: float = 0.0,
        unknown: str = "trained",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if unknown not in UNKNOWN:
            raise ValueError(
                f"unknown is one of {', '.join(UNKNOWN)}, received {unknown!r}.{suggest(unknown, UNKNOWN)}"
            )
        if rows < 2 or dim < 1 or frozen_rows < 0:
            raise ValueError(
                f"WordEmbedding needs rows >= 2, dim >= 1 and frozen_rows >= 0; received rows={rows}, dim={dim}, "
                f"frozen_rows={frozen_rows}."
            )
        self.rows = rows
        self.dim = dim
        self.frozen_rows = frozen_rows
        self.trainable_vectors = trainable_vectors
        self.dropout = dropout
        self.unknown = unknown
        self.seed_generator = keras.random.SeedGenerator()
        self.supports_masking = True

    def build(self, indices_shape: Any) -> None:
        """Creates the two tables."""
        uniform = keras.initializers.RandomUniform(-np.sqrt(3 / self.dim), np.sqrt(3 / self.dim))
        self.trained = self.add_weight(
            shape=(self.rows, self.dim), initializer=uniform, trainable=self.trainable_vectors, name="trained"
        )
        if self.frozen_rows:
            self.frozen = self.add_weight(
                shape=(self.frozen_rows, self.dim), initializer="zeros", trainable=False, name="frozen"
            )

    def call(self, indices: Any, training: bool | None = None) -> Any:
        """See the class."""
        if training and self.dropout:
            kept = keras.random.uniform(ops.shape(indices), seed=self.seed_generator) >= self.dropout
            indices = ops.where(kept, indices, ops.minimum(indices, 1))  # padding stays padding
        vectors = ops.take(self.trained, ops.minimum(indices, self.rows - 1), axis=0)
        if self.unknown == "zero":
            vectors = ops.where(ops.expand_dims(indices == 1, -1), 0.0, vectors)
        if not self.frozen_rows:
            return vectors
        known = ops.expand_dims(indices < self.rows, -1)
        return ops.where(known, vectors, ops.take(self.frozen, ops.maximum(indices - self.rows, 0), axis=0))

    def load_vectors(self, indices: np.ndarray, vectors: np.ndarray) -> None:
        """Writes vectors into the rows given; the others keep their initial values.

        Args:
            indices: `(n,)` rows of the vocabulary, trained or frozen.
            vectors: `(n, dim)` values.

        Raises:
            ValueError: If the vectors have another width than the layer.
        """
        if vectors.shape != (len(indices), self.dim):
            raise ValueError(
                f"Word vectors of shape {vectors.shape} do not fit {len(indices)} rows of width {self.dim}: set dim "
                "to the width of the vector file."
            )
        trained = np.array(ops.convert_to_numpy(self.trained))
        seen = indices < self.rows
        trained[indices[seen]] = vectors[seen]
        self.trained.assign(trained)
        if self.frozen_rows:
            frozen = np.array(ops.convert_to_numpy(self.frozen))
            frozen[indices[~seen] - self.rows] = vectors[~seen]
            self.frozen.assign(frozen)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "rows": self.rows,
            "dim": self.dim,
            "frozen_rows": self.frozen_rows,
            "trainable_vectors": self.trainable_vectors,
            "dropout": self.dropout,
            "unknown": self.unknown,
        }
