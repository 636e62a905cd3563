"""Settings of a language model's training on raw text: flat, since the command line gives them all."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from seqlab.errors import SettingsError
from seqlab.settings_part import Part


class PretrainSettings(Part):
    """A whole run of `seqlab pretrain`."""

    text: tuple[str, ...] = Field((), description="training text, one or more files")
    dev: str | None = Field(None, description="text to validate on; part of the training text if not given")
    held_out: float = Field(
        0.05, gt=0, lt=1, description="share of the sentences to validate on, where no dev is given"
    )
    format: Literal["text", "conll", "conllu"] | None = Field(
        None, description="format of all files: text is a sentence a line; by the names' endings if not given"
    )
    column: int | None = Field(None, description="place of the words (conll), 0 if not given")
    tokenize: bool = Field(False, description="cut text into sentences and words; without, blanks part the words")
    encoding: str = Field("utf-8", description="text encoding")

    vocabulary: str | None = Field(
        None, description="file of the words to know, one a line, most frequent first; those of the text if not given"
    )
    max_words: int | None = Field(
        None, gt=0, description="most words to know; 50,000 of the text, or all of vocabulary if not given"
    )
    min_count: int | None = Field(None, gt=0, description="occurrences from which a word is known, 2 if not given")

    reads: Literal["chars", "words", "both"] = Field("chars", description="what is read of a word")
    dim: int | None = Field(
        None, gt=0, description="width of words' vectors (words, both); that of one direction's output if not given"
    )
    word_dropout: float = Field(0.0, ge=0, lt=1, description="share of words read as unknown (words, both)")
    char_dim: int | None = Field(None, gt=0, description="width of a character's vector, 16 if not given")
    char_filters: int | None = Field(None, gt=0, description="filters of each width, 50 if not given")
    char_widths: tuple[int, ...] | None = Field(
        None, description="characters under the filters, 1 2 3 4 5 if not given"
    )
    char_highway: int | None = Field(None, ge=0, description="highway layers above the characters, 1 if not given")

    units: int = Field(256, gt=0, description="units of each direction")
    layers: int = Field(2, gt=0, description="layers of each direction")
    projection: int | None = Field(None, gt=0, description="width that each cell's output is projected down to")
    dropout: float = Field(0.1, ge=0, lt=1, description="variational dropout before, between and after layers")
    connection: Literal["residual"] | None = Field(None, description="whether layers add what they read")
    tied: bool = Field(False, description="one table of word vectors for input and output (reads words)")

    samples: int | None = Field(
        1024, gt=0, description="classes in the sample of a training step's softmax; None for all"
    )
    epochs: int = Field(10, gt=0, description="most epochs")
    batch_size: int = Field(32, gt=0, description="sentences in a batch")
    learning_rate: float = Field(2e-3, gt=0, description="initial learning rate of Adam")
    clip_norm: float | None = Field(5.0, gt=0, description="limit of the global gradient norm")
    halve_after: int = Field(
        1, gt=0, description="epochs without a better perplexity of dev after which the rate halves"
    )
    patience: int = Field(3, gt=0, description="epochs without a better perplexity of dev after which training stops")
    seed: int = Field(0, ge=0, description="seed of weights, order, samples and dropout")

    def model_post_init(self, context: Any) -> None:
        """Checks what concerns several of them."""
        if self.dev is not None and self.held_out != type(self).model_fields["held_out"].default:
            raise SettingsError("held_out is for runs without dev: leave one of them out.")
        if self.vocabulary is not None and self.min_count is not None:
            raise SettingsError("min_count chooses among the words of the text, and vocabulary names a list: drop one.")
        if self.reads == "chars" and (self.dim is not None or self.word_dropout):
            raise SettingsError("dim and word_dropout are for reads words or both, received chars: leave them out.")
        if self.reads == "words" and self.characters():
            given = ", ".join(f"char_{name}" for name in self.characters())
            raise SettingsError(f"{given} concern reads chars or both, received words: leave them out.")
        widths = self.char_widths or (1,)
        if self.char_widths == () or min(widths) < 1 or len(set(widths)) < len(widths):
            raise SettingsError(f"char_widths are different numbers above 0, as 2 3 4; received {self.char_widths}.")
        width = self.projection or self.units
        if self.tied and (self.reads != "words" or self.dim not in (None, width)):
            raise SettingsError(
                f"tied needs reads words, and dim as wide as one direction's output, {width}; received reads "
                f"{self.reads}, dim {self.dim}."
            )

    def characters(self) -> dict[str, Any]:
        """What is given of the character encoder, by the names of its arguments."""
        names = ("dim", "filters", "widths", "highway")
        given = {name: getattr(self, f"char_{name}") for name in names}
        return {name: value for name, value in given.items() if value is not None}
