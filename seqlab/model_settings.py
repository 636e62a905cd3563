"""Settings of a model: words, characters, the encoder and its attention, and which option is of which kind."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from seqlab.constants import DEFAULT_RULES, WORD_RULES
from seqlab.errors import SettingsError, check_encoding, suggest
from seqlab.settings_part import Part, check_between

Cell = Literal["v", "nig", "nfg", "nog", "niaf", "noaf", "cifg", "np", "fgr", "gru", "gru_after", "srn"]
Attention = Literal["additive", "multiplicative", "scaled", "self", "key_value", "multi_head"]
KIND_OF_ENCODER = {
    **dict.fromkeys(("cell", "recurrent_dropout", "connection", "stacking", "layer_dropout"), "recurrent"),
    **dict.fromkeys(("input_dropout", "output_dropout"), "recurrent"),
    **dict.fromkeys(("zoneout", "cell_zoneout", "initial_state", "projection", "layer_norm"), "recurrent"),
    "dilations": "dilated_cnn",
    "heads": "transformer",
}
"""Options that only one kind of encoder has."""
KINDS_OF_ATTENTION = {
    "units": ("additive", "self", "key_value"),
    "coverage": ("additive",),
    "hops": ("self",),
    "penalty": ("self",),
    "window": ("key_value",),
    "heads": ("multi_head",),
}
"""Kinds of attention that each option is for."""


class WordSettings(Part):
    """What the model knows of each token."""

    vectors: str | None = Field(
        None, description="word-vector file: GloVe, word2vec (text or binary) or fastText .vec, plain or .gz"
    )
    train: Literal["all", "known", "none"] = Field(
        "all", description="vectors that learn: of all words in training, of those that the file knows, or none"
    )
    unknown: Literal["trained", "zero"] = Field(
        "trained", description="an unknown word's vector: trained, or zero, which leaves it to characters and the rest"
    )
    encoding: str = Field("utf-8", description="text encoding of the vector file's words; latin-1 takes any byte")
    rules: tuple[str, ...] = Field(
        DEFAULT_RULES,
        description="what is done to a word that is not found as it is, one rule after the other, and saved with the "
        f"model: {', '.join(WORD_RULES)}",
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="share of words read as unknown in training")
    dim: int | None = Field(
        None, gt=0, description="width of word vectors: 50 if not given; with a file, that of its vectors and no other"
    )
    min_count: int = Field(
        2,
        ge=1,
        description="occurrences in training from which a word has a row of its own; one with a vector always has",
    )
    unseen_vectors: int | None = Field(
        None, ge=0, description="vectors of words outside training that travel in the model"
    )
    chars: Literal["cnn", "lstm"] | None = Field("cnn", description="character encoder")
    casing: bool = Field(True, description="casing patterns")
    prefixes: tuple[int, ...] = Field((), description="lengths of prefixes that are features, as 2 3")
    suffixes: tuple[int, ...] = Field((), description="lengths of suffixes that are features, as 2 3")
    shapes: bool = Field(False, description="word shapes as a feature: Oslo-2024 is Xx-d")
    columns: tuple[str, ...] = Field(
        (), description="columns of the corpus that are features, as pos; what is tagged must have them too"
    )
    category_dim: int = Field(20, gt=0, description="width of the vectors of each affix, shape and column")

    def model_post_init(self, context: Any) -> None:
        """Checks what concerns several of them."""
        if self.train != "all" and self.vectors is None:
            raise SettingsError(
                f"words.train {self.train} is about the vectors of a file: name one (words.vectors), or leave it out."
            )
        if self.unseen_vectors is not None and self.vectors is None:
            raise SettingsError("words.unseen_vectors is about the vectors of a file: name one, or leave it out.")
        fields = type(self).model_fields
        if self.vectors is None and self.encoding != fields["encoding"].default:
            raise SettingsError("words.encoding is that of a vector file: name one, or leave it out.")
        check_encoding("words.encoding", self.encoding)
        for rule in self.rules:
            if rule not in WORD_RULES or self.rules.count(rule) > 1:
                raise SettingsError(
                    f"words.rules are different ones of {', '.join(WORD_RULES)}; received {' '.join(self.rules)}."
                    + suggest(rule, [name for name in WORD_RULES if name not in self.rules])
                )
        if self.train != "all" and self.min_count != fields["min_count"].default:
            raise SettingsError(f"words.min_count is for words.train all, received {self.train}: leave it out.")
        categories = (*self.prefixes, *self.suffixes, *self.columns, *([self.shapes] if self.shapes else []))
        if not categories and self.category_dim != fields["category_dim"].default:
            raise SettingsError("words.category_dim is for words.prefixes, suffixes, shapes and columns: leave it out.")
        for name in ("prefixes", "suffixes"):
            sizes = getattr(self, name)
            if len(set(sizes)) < len(sizes) or min(sizes, default=1) < 1:
                raise SettingsError(f"words.{name} are different numbers above 0, as 2 3; received {sizes}.")


class CharSettings(Part):
    """How characters are read; the set-up of SC-LSTM's paper is dim 16, filters 128, initial_range 0.1."""

    dim: int = Field(25, gt=0, description="width of a character's vector")
    filters: int | None = Field(None, gt=0, description="filters of each width (cnn), 50 if not given")
    widths: tuple[int, ...] | None = Field(None, description="characters under the filters (cnn), 3 if not given")
    units: int | None = Field(None, gt=0, description="units of each direction (lstm), 25 if not given")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of characters' components dropped in training")
    highway: int = Field(0, ge=0, description="highway layers on top")
    initial_range: float | None = Field(
        None, gt=0, description="characters' vectors start uniform in +- this; if not given, with length 1 on average"
    )

    def options(self, chars: str | None) -> dict[str, Any]:
        """Returns the arguments of the encoder of that name.

        Raises:
            SettingsError: For what concerns another encoder, or widths that are none.
        """
        if chars is None and self != CharSettings():
            raise SettingsError("chars.* is about the character encoder: words.chars is None, leave it out.")
        given = {name: value for name, value in self.model_dump().items() if value is not None}
        for name, encoder in (("filters", "cnn"), ("widths", "cnn"), ("units", "lstm")):
            if name in given and chars != encoder:
                raise SettingsError(f"chars.{name} is for words.chars {encoder}, received {chars}: leave it out.")
        widths = given.get("widths", (3,))
        if not widths or min(widths) < 1 or len(set(widths)) < len(widths):
            raise SettingsError(f"chars.widths are different numbers above 0, as in 3 4 5; received {widths}.")
        return given


class ContextualSettings(Part):
    """Vectors of tokens that depend on their sentence, as ELMo's."""

    file: str | None = Field(None, description="file of contextual vectors (.h5), as seqlab embed writes it")
    producer: str | None = Field(
        None, description="producer of the vectors that the file lacks, named in the model: see seqlab embed"
    )
    fine_tune: str | None = Field(None, description="folder of an ELMo model that is part of this one and learns too")
    layer_norm: Literal["token", "batch"] | None = Field(
        None, description="normalise each layer before the mix: each token's vector, or a batch's, as bilm-tf does"
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="share of the mix's components dropped in training")

    @property
    def given(self) -> bool:
        """Whether there is a source."""
        return (self.file, self.producer, self.fine_tune) != (None, None, None)

    def model_post_init(self, context: Any) -> None:
        """Checks what concerns several of them."""
        if self.fine_tune is not None and (self.file, self.producer) != (None, None):
            raise SettingsError("contextual.fine_tune gives what contextual.file and .producer do: name one of them.")
        if not self.given and (self.layer_norm is not None or self.dropout):
            raise SettingsError(
                "contextual.layer_norm and contextual.dropout are about contextual vectors: name their source "
                "(contextual.file, contextual.producer or contextual.fine_tune), or leave them out."
            )


class EncoderSettings(Part):
    """The sequence encoder."""

    kind: Literal["recurrent", "dilated_cnn", "transformer"] = Field("recurrent", description="kind of encoder")
    units: int = Field(100, gt=0, description="units of each direction; width of the other kinds")
    layers: int = Field(2, gt=0, description="bidirectional layers; iterations of the block of a dilated_cnn")
    dropout: float = Field(0.4, ge=0, lt=1, description="variational dropout before, between and after layers")
    input_dropout: float | None = Field(None, ge=0, lt=1, description="that before the first; as dropout if not given")
    output_dropout: float | None = Field(None, ge=0, lt=1, description="that after the last; as dropout if not given")
    recurrent_dropout: float = Field(0.0, ge=0, lt=1, description="variational dropout inside the recurrence")
    cell: Cell = Field("np", description="LSTM variant (np: the usual LSTM, v: with peepholes, ...), or another cell")
    connection: Literal["residual", "highway", "dense", "sum"] | None = Field(
        None, description="what a layer reads or adds of the layers below it, see RecurrentStack"
    )
    stacking: Literal["interleaved", "per_direction"] = Field(
        "interleaved", description="whether each layer reads both directions of the one below, or its own alone"
    )
    layer_dropout: float = Field(
        0.0, ge=0, lt=1, description="probability of leaving a residual layer out, for each sentence in training"
    )
    zoneout: float = Field(0.0, ge=0, lt=1, description="share of a cell's outputs that keep their old value")
    cell_zoneout: float = Field(0.0, ge=0, lt=1, description="the same for the memory of an LSTM")
    initial_state: Literal["zeros", "learned"] = Field("zeros", description="state before the first token")
    projection: int | None = Field(None, gt=0, description="width that an LSTM's output is projected down to")
    layer_norm: bool = Field(False, description="layer normalisation inside an LSTM")
    dilations: tuple[int, ...] = Field(
        (1, 2, 4, 1), min_length=1, description="dilations in the block of a dilated_cnn"
    )
    heads: int = Field(4, gt=0, description="attention heads of a transformer")
    attention: Attention | None = Field(None, description="attention over the last layer; its options are attention.*")

    def model_post_init(self, context: Any) -> None:
        """Checks what concerns several of them."""
        for name, kind in KIND_OF_ENCODER.items():
            if kind != self.kind and getattr(self, name) != type(self).model_fields[name].default:
                raise SettingsError(f"encoder.{name} is for encoder.kind {kind}, received {self.kind}: leave it out.")
        if min(self.dilations) < 1:
            raise SettingsError(f"encoder.dilations are numbers above 0, as 1 2 4 1; received {self.dilations}.")
        if self.kind == "transformer" and self.units % self.heads:
            raise SettingsError(
                f"encoder.units is {self.units}; a transformer needs a multiple of encoder.heads, {self.heads}."
            )
        check_between(self)
        if self.layers == 1 and self.connection in (None, "dense"):  # others add the input, to each direction its own
            idle = "stacking per_direction" if self.stacking == "per_direction" else None
            idle = "connection dense" if self.connection else idle
            if idle is not None:
                raise SettingsError(
                    f"encoder.{idle} says what a layer reads of those below it, which takes encoder.layers 2 or more, "
                    "received 1: add layers, or leave it out."
                )
        if self.layer_dropout and self.connection != "residual":
            raise SettingsError(
                f"encoder.layer_dropout needs encoder.connection residual, received {self.connection}: without it "
                "nothing would be left of a layer."
            )
        lstm = self.cell not in ("gru", "gru_after", "srn")
        for name in ("cell_zoneout", "projection", "layer_norm"):
            if getattr(self, name) and not lstm:
                raise SettingsError(f"encoder.{name} is for LSTM cells, received encoder.cell {self.cell}.")


class LanguageSettings(Part):
    """Next and previous words, learnt besides the labels in training (Rei 2017)."""

    weight: float | None = Field(
        None, gt=0, description="weight of naming the words beside each token, as 0.1; they are not learnt if not given"
    )
    words: int = Field(7500, gt=0, description="the most frequent words, which are named; others are one")
    units: int = Field(50, gt=0, description="width of the layer between a direction's state and the words")
    tied: bool = Field(False, description="words are named by their input vectors")

    def check(self, encoder: EncoderSettings | None, contextual: ContextualSettings) -> None:
        """Refuses options without a weight, and models that read what is to be named.

        Args:
            encoder: That of the model; `None` for one of several tasks.
            contextual: Contextual vectors of the model.

        Raises:
            SettingsError: If so.
        """
        if self.weight is None:
            if self != LanguageSettings():
                raise SettingsError(
                    "language.words, language.units and language.tied concern language.weight: give that too, as 0.1."
                )
            return
        if encoder is not None and encoder.kind != "recurrent":
            raise SettingsError(
                f"language.weight needs encoder.kind recurrent, received {encoder.kind}: its layers see the words that "
                "would be named."
            )
        if contextual.given:
            raise SettingsError(
                "language.weight and contextual vectors: those have read the words that would be named; leave one out."
            )
        if encoder is not None and encoder.attention is not None and encoder.layers < 2:
            raise SettingsError(
                "language.weight reads a layer below the attention: take encoder.layers 2 or more, or no attention."
            )


class AttentionSettings(Part):
    """Options of the attention over the encoder's last layer, each for the kinds that it names."""

    units: int | None = Field(
        None, gt=0, description="width of the comparison, 100 if not given (additive, self, key_value)"
    )
    coverage: bool = Field(False, description="a token knows what those before it looked at (additive)")
    hops: int | None = Field(None, gt=0, description="looks at a sentence, 4 if not given (self)")
    penalty: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="weight of ||A A' - I||^2 over the hops, 0 if not given (self)"
    )
    window: int | None = Field(None, gt=0, description="tokens before each that it sees, all if not given (key_value)")
    heads: int | None = Field(None, gt=0, description="number of heads, 4 if not given (multi_head)")

    def options(self, kind: str | None) -> dict[str, Any]:
        """What is given of them.

        Raises:
            SettingsError: Something is given that means nothing to attention of that kind.
        """
        given = {name: value for name, value in self.model_dump().items() if value is not None and value is not False}
        for name in given:
            if kind not in KINDS_OF_ATTENTION[name]:
                raise SettingsError(
                    f"attention.{name} is for encoder.attention {' or '.join(KINDS_OF_ATTENTION[name])}, received "
                    f"encoder.attention {kind}: leave it out, or choose such a kind."
                )
        return given
