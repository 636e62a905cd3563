"""Encoders of the characters of each distinct word of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from seqlab.errors import check_count
from seqlab.layers.bidirectional import Bidirectional
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.layers.highway import Highway
from seqlab.layers.recurrent import Recurrent

Tensor = Any
TRANSFORM_BIAS = -2.0  # around which Kim et al. (2016) start the gates above their characters


class CharEncoder(keras.layers.Layer):
    """The base of the encoders of characters: their vectors, and one word's vector handed to each of its tokens.

    Every distinct form of a batch is read once, whatever the number of its tokens. Row 0 (no characters) gives 0, and
    wider padding changes nothing. A subclass says in `encode` what becomes of the characters of a word.

    Args:
        characters: Rows of the character table, padding (0) and unknown (1) among them.
        dim: Width of a character's vector.
        dropout: Share of character vectors' components dropped in training.
        highway: Number of highway layers (`seqlab.layers.Highway`) on top.
        initial_range: Characters' vectors are initially uniform in +- this; `None` for `sqrt(3 / dim)`, with which
            their length is 1 on average.

    Call arguments:
        chars: `(forms, characters)` integers, 0 at padding, which follows the characters.
        char_rows: `(batch, time)` row in `chars` of each token.

    Returns:
        `(batch, time, width)` vectors.
    """

    fields = ("chars", "char_rows")

    def __init__(
        self,
        characters: int,
        dim: int = 25,
        dropout: float = 0.0,
        highway: int = 0,
        initial_range: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_count("dim", dim)
        if initial_range is not None and initial_range <= 0:
            raise ValueError(f"initial_range must be None or above 0, received {initial_range}.")
        self.characters = characters
        self.dim = dim
        self.dropout = dropout
        self.highway = highway
        self.initial_range = initial_range
        self.supports_masking = True
        limit = (3 / dim) ** 0.5 if initial_range is None else initial_range
        uniform = keras.initializers.RandomUniform(-limit, limit)
        policy = {"dtype": self.dtype_policy}
        self.embedding = keras.layers.Embedding(
            characters, dim, embeddings_initializer=uniform, name="embedding", **policy
        )
        self.drop = keras.layers.Dropout(dropout, name="drop", **policy)
        self.carry = Highway(highway, transform_bias=TRANSFORM_BIAS, name="highway", **policy) if highway else None

    @property
    def width(self) -> int:
        """Width of a word's vector."""
        raise NotImplementedError(f"{type(self).__name__} must write `width`.")

    def encode(self, vectors: Tensor, real: Tensor, training: bool | None) -> Tensor:
        """From the characters' vectors `(forms, characters, dim)`, 0 where not `real`, to `(forms, width)`."""
        raise NotImplementedError(f"{type(self).__name__} must write `encode`.")

    def build(self, chars_shape: Any, char_rows_shape: Any) -> None:
        """Builds the table and what a subclass has made."""
        self.embedding.build(chars_shape)
        if self.carry is not None:
            self.carry.build((None, self.width))

    def call(self, chars: Tensor, char_rows: Tensor, training: bool | None = None) -> Tensor:
        """See the class."""
        real = ops.not_equal(chars, 0)  # (forms, characters)
        vectors = self.drop(self.embedding(chars), training=training)  # (forms, characters, dim)
        vectors = ops.where(ops.expand_dims(real, -1), vectors, 0.0)
        words = self.encode(vectors, real, training)  # (forms, width)
        if self.carry is not None:
            words = self.carry(words)
        words = ops.where(ops.any(real, axis=1, keepdims=True), words, 0.0)
        return ops.take(words, char_rows, axis=0)

    def compute_output_shape(self, chars_shape: Any, char_rows_shape: Any) -> Any:
        """`(batch, time, width)`."""
        return (*char_rows_shape, self.width)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("characters", "dim", "dropout", "highway", "initial_range")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="seqlab")
class CharCNN(CharEncoder):
    """Word vectors from convolutions over characters, the greatest value of each filter (Ma and Hovy 2016; Kim 2014).

        y_w = max_k tanh(W_w [e(k - l); ...; e(k + r)] + b_w)    with l = (w - 1) // 2 and w = l + 1 + r
        y = [y_w1; y_w2; ...]                                    for each of the widths w

    The maximum runs over real characters alone. The set-up of SC-LSTM's paper is `dim=16, filters=128, widths=(3,),
    initial_range=0.1`; that of Ma and Hovy `dim=30, filters=30, widths=(3,)`.

    Args:
        characters: As in `CharEncoder`, as are `dim`, `dropout`, `highway` and `initial_range`.
        filters: Filters of each width.
        widths: Characters under the filters, different numbers.

    Call arguments:
        chars: `(forms, characters)` integers, 0 at padding.
        char_rows: `(batch, time)` row in `chars` of each token.

    Returns:
        `(batch, time, filters * number of widths)` vectors.

    Raises:
        ValueError: For no widths, one below 1, or one that is there twice.
    """

    def __init__(
        self,
        characters: int,
        dim: int = 25,
        filters: int = 50,
        widths: Sequence[int] = (3,),
        dropout: float = 0.0,
        highway: int = 0,
        initial_range: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(characters, dim, dropout, highway, initial_range, **kwargs)
        check_count("filters", filters)
        if not widths or len(set(widths)) < len(widths):
            raise ValueError(f"widths are different whole numbers, at least one, as in (3, 4, 5); received {widths}.")
        for width in widths:
            check_count("width", width)
        self.filters = filters
        self.widths = tuple(widths)
        # The first has a name of its own: files of models saved before there were several widths call it so.
        self.convolution = self._convolution(0)
        self.others = [self._convolution(number) for number in range(1, len(self.widths))]

    @property
    def width(self) -> int:
        return self.filters * len(self.widths)

    def encode(self, vectors: Tensor, real: Tensor, training: bool | None) -> Tensor:
        parts = []
        for convolution in (self.convolution, *self.others):
            scores = ops.where(ops.expand_dims(real, -1), convolution(vectors), -1e4)  # (forms, characters, filters)
            parts.append(ops.tanh(ops.max(scores, axis=1)))
        return ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]

    def build(self, chars_shape: Any, char_rows_shape: Any) -> None:
        super().build(chars_shape, char_rows_shape)
        for convolution in (self.convolution, *self.others):
            convolution.build((None, None, self.dim))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "filters": self.filters, "widths": list(self.widths)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> CharCNN:
        """Rebuilds the layer, from the config of a model saved when there was one `width` too."""
        config = dict(config)
        if "width" in config:
            config["widths"] = (config.pop("width"),)
        return cls(**config)

    def _convolution(self, number: int) -> keras.layers.Layer:
        name = f"convolution_{number}" if number else "convolution"
        return keras.layers.Conv1D(
            self.filters, self.widths[number], padding="same", name=name, dtype=self.dtype_policy
        )


@keras.saving.register_keras_serializable(package="seqlab")
class CharLSTM(CharEncoder):
    """Word vectors from an LSTM over characters in both directions (Lample et al. 2016).

        y = [h_f(n); h_b(1)]      its states after the last character forwards, after the first one backwards

    The LSTM has no peepholes (`LSTMCell(units, "NP")`).

    Args:
        characters: As in `CharEncoder`, as are `dim`, `dropout`, `highway` and `initial_range`.
        units: Units of each direction.

    Call arguments:
        chars: `(forms, characters)` integers, 0 at padding.
        char_rows: `(batch, time)` row in `chars` of each token.

    Returns:
        `(batch, time, 2 * units)` vectors.
    """

    def __init__(
        self,
        characters: int,
        dim: int = 25,
        units: int = 25,
        dropout: float = 0.0,
        highway: int = 0,
        initial_range: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(characters, dim, dropout, highway, initial_range, **kwargs)
        self.units = units
        policy = {"dtype": self.dtype_policy}
        forward = Recurrent(LSTMCell(units, "NP", **policy), name="forward", **policy)
        self.recurrence = Bidirectional(forward, name="recurrence", **policy)

    @property
    def width(self) -> int:
        return 2 * self.units

    def encode(self, vectors: Tensor, real: Tensor, training: bool | None) -> Tensor:
        return self.recurrence(vectors, mask=real, training=training)

    def build(self, chars_shape: Any, char_rows_shape: Any) -> None:
        super().build(chars_shape, char_rows_shape)
        self.recurrence.build((None, None, self.dim))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "units": self.units}
