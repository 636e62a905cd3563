"""ELMo's language model as a feature: it is part of the tagger and learns with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from seqlab.errors import SettingsError
from seqlab.layers.elmo import ElmoRecurrence, ElmoTokens
from seqlab.layers.features.scalar_mix import ScalarMix

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class ElmoVectors(keras.layers.Layer):
    """Vectors of tokens from an ELMo model whose weights learn with the tagger's (Peters et al. 2018).

        h(1), ..., h(n) = recurrence(tokens(<begin>, w(1), ..., w(n), <end>))    layers of each token, edges left out
        y(t) = mix(h(t))                                                         see `ScalarMix`

    What `ScalarMix` reads from a file or a producer is computed here instead: each distinct word of a batch is spelled
    once, and each sentence begins from zero states. `trainable = False` on `tokens` or `recurrence` leaves their
    weights as they are. All of it computes in float32, whatever the precision of what reads it.

    Args:
        tokens: Reads words, see `seqlab.models.elmo.elmo_tokens`.
        recurrence: Reads sentences, see `seqlab.models.elmo.elmo_recurrence`.
        edges: The numbers of the begin and of the end of a sentence, which are read as words: two rows of the length of
            a word, as `seqlab.text.elmo_chars.elmo_edges` gives them.
        layer_norm: As `ScalarMix`.
        dropout: As `ScalarMix`.

    Call arguments:
        elmo_chars: `(forms, length)` integers, the distinct words of a batch, 0 where a row is no word.
        char_rows: `(batch, time)` row in `elmo_chars` of each token.
        mask: `(batch, time)` booleans, true at real tokens.

    Returns:
        `(batch, time, 2 * width of the recurrence)`, zeros at masked positions.

    Raises:
        SettingsError: For edges that are not two rows of one length, a recurrence that returns states, or words of
            another width than it reads.
    """

    fields = ("elmo_chars", "char_rows", "mask")

    def __init__(
        self,
        tokens: ElmoTokens,
        recurrence: ElmoRecurrence,
        edges: Sequence[Sequence[int]],
        layer_norm: str | None = None,
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.edges = [[int(number) for number in row] for row in edges]
        if len(self.edges) != 2 or len(self.edges[0]) != len(self.edges[1]):
            raise SettingsError(f"edges are two rows of one length, received rows of {[len(row) for row in edges]}.")
        if recurrence.return_state:
            raise SettingsError("The recurrence returns its states: make it without return_state.")
        if tokens.width != recurrence.width:
            raise SettingsError(f"The recurrence reads vectors {recurrence.width} wide, words have {tokens.width}.")
        self.tokens = tokens
        self.recurrence = recurrence
        self.layer_norm = layer_norm
        self.dropout = dropout
        self.supports_masking = True
        width = 2 * recurrence.width
        self.mix = ScalarMix(recurrence.layers + 1, width, layer_norm, dropout, name="mix", dtype="float32")

    @property
    def specs(self) -> dict[str, dict[str, Any]]:
        """The inputs that it reads which are not one number for each token."""
        return {"elmo_chars": {"shape": (len(self.edges[0]),), "dtype": "int32"}}

    def build(self, elmo_chars_shape: Any, char_rows_shape: Any, mask_shape: Any = None) -> None:
        """Builds the parts that have no weights yet."""
        length, found = len(self.edges[0]), elmo_chars_shape[-1]
        if found != length:
            raise ValueError(f"{self.name} reads words of {length} numbers, received {tuple(elmo_chars_shape)}.")
        width = self.recurrence.width
        if not self.tokens.built:
            self.tokens.build((None, length))
        if not self.recurrence.built:
            self.recurrence.build((None, None, width))
        self.mix.build((None, None, self.recurrence.layers + 1, 2 * width))

    def call(
        self, elmo_chars: Tensor, char_rows: Tensor, mask: Tensor | None = None, training: bool | None = None
    ) -> Tensor:
        """See the class."""
        if mask is None:
            mask = ops.ones_like(char_rows, dtype="bool")
        edges = ops.convert_to_tensor(self.edges, "int32")
        table = self.tokens(ops.concatenate([edges, ops.cast(elmo_chars, "int32")], axis=0))  # (2 + forms, width)
        rows = ops.pad(char_rows + 2, [[0, 0], [1, 1]])
        ends = ops.arange(ops.shape(rows)[1]) == ops.shape(rows)[1] - 1
        words = ops.take(table, ops.where(ends, 1, rows), axis=0)  # (batch, 1 + time + 1, width)
        # What is masked before the end changes nothing: the end stands last in all rows, however long they are.
        real = ops.pad(ops.cast(mask, "int32"), [[0, 0], [1, 1]], constant_values=1)
        layers = self.recurrence(words, mask=ops.cast(real, "bool"), training=training)[:, 1:-1]
        return ops.cast(self.mix(layers, mask, training=training), self.compute_dtype)

    def compute_output_shape(self, elmo_chars_shape: Any, char_rows_shape: Any, mask_shape: Any = None) -> Any:
        """`(batch, time, 2 * width)`."""
        return (*char_rows_shape, 2 * self.recurrence.width)

    def compute_mask(self, elmo_chars: Tensor, previous_mask: Any = None) -> Any:
        """What reads it is given the mask itself."""
        return None

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        parts = {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in ("tokens", "recurrence")}
        for part in parts.values():
            part.pop("build_config", None)  # whoever holds a layer builds it again
        options = {name: getattr(self, name) for name in ("edges", "layer_norm", "dropout")}
        return {**super().get_config(), **parts, **options}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ElmoVectors:
        """Rebuilds the layer."""
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("tokens", "recurrence")}
        return cls(**{**config, **parts})
