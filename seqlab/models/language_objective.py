"""Taggers that learn next and previous words besides their labels: where the objective reads, and what it adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from seqlab.corpora.records import Corpus
from seqlab.errors import DataError, SettingsError, check_count
from seqlab.layers.attention.encoder import AttentionEncoder
from seqlab.layers.features.words import WordEmbedding
from seqlab.layers.language import RESERVED, LanguageObjective
from seqlab.layers.stack import RecurrentStack
from seqlab.models.labeller import Labeller
from seqlab.text.contextual import FIELD
from seqlab.text.elmo_chars import ELMO_FIELD
from seqlab.text.vectorizer import Vectorizer

Tensor = Any
WORDS = "words"


class _Perplexity(keras.metrics.Mean):
    """The exponential of a mean."""

    def result(self) -> Tensor:
        return ops.exp(super().result())


def language_metrics() -> list[keras.metrics.Mean]:
    """Returns what `note_words` keeps for the logs: the mean loss of a prediction, and its exponential."""
    return [keras.metrics.Mean(name="language_loss"), _Perplexity(name="language_perplexity")]


def note_words(metrics: Sequence[keras.metrics.Mean], total: Tensor, count: Tensor) -> None:
    """Notes the sum of losses of so many predictions."""
    for metric in metrics:
        metric.update_state(total / ops.maximum(count, 1), sample_weight=count)


def build_objective(objective: LanguageObjective, shape: Any, features: Sequence[keras.layers.Layer]) -> None:
    """Creates the weights of an objective for states of a shape, unless they are there."""
    if not objective.built:
        table = (len(objective.rows), word_vectors(features).dim) if objective.tied else None
        objective.build(shape, table_shape=table)


def word_losses(
    objective: LanguageObjective, features: Sequence[keras.layers.Layer], x: Any, states: Tensor, dtype: str
) -> tuple[Tensor, Tensor]:
    """Returns the sum of an objective's losses in a batch, and which tokens are real: (batch, time), a number each.

    Args:
        objective: The objective.
        features: Those of the tagger, with its word table.
        x: The batch's inputs by name.
        states: What the objective reads.
        dtype: Of what is returned.

    Raises:
        DataError: For inputs without names.
    """
    if not isinstance(x, Mapping):
        raise DataError(
            f"A language-model objective finds words by name: give inputs in a dict, not in a {type(x).__name__}."
        )
    table = vectors_of(word_vectors(features), objective.rows) if objective.tied else None
    losses = objective(states, x[WORDS], mask=x["mask"], table=table)  # (batch, time, 2)
    return ops.sum(ops.cast(losses, dtype)), ops.cast(x["mask"], dtype)


class LanguageLearner(Labeller):
    """A labeller that may learn the words beside each token too, in training alone (see `LanguageObjective`).

        loss = labels' loss + weight * sum of the objective's losses / N

    N is what the head divides its own sum by: tokens, sentences or 1, all of them here, with or without labels, so that
    the weight is the paper's gamma whatever the reduction. Weights of samples weigh the labels alone. The logs of
    training and validation hold the mean loss of a prediction as `language_loss`, and its exponential as
    `language_perplexity`; both losses count in `loss` and `val_loss`.

    Attributes:
        language: The objective, `None` for none. The states that it reads are the model's last output.
    """

    language: LanguageObjective | None = None
    features: Any

    def learn_words(self, objective: LanguageObjective | None) -> None:
        """Takes an objective, whose states are the last output, and keeps its figures for the logs."""
        self.language = objective
        if objective is None:
            return
        build_objective(objective, self.outputs[-1].shape, self.features)
        self.language_metrics = language_metrics()

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """As `SequenceModel.compute_loss`, with the losses of the language-model objective where there is one."""
        total = super().compute_loss(x, y, y_pred, sample_weight, training)
        if self.language is None:
            return total
        return total + self.language.weight * self._word_loss(self.language, x, y_pred)

    def _word_loss(self, objective: LanguageObjective, x: Any, y_pred: Sequence[Tensor]) -> Tensor:
        """The objective's losses, summed and divided as the head divides its own; notes them for the logs."""
        scores, *_, states = y_pred
        total, real = word_losses(objective, self.features, x, states, scores.dtype)
        note_words(self.language_metrics, total, 2 * ops.sum(real))
        return self.head._mean(total, real)


def language_objective(
    vectorizer: Vectorizer,
    corpus: Corpus,
    words: int = 7500,
    units: int = 50,
    tied: bool = False,
    weight: float = 0.1,
) -> LanguageObjective:
    """Makes the objective of a training corpus: to name its most frequent words.

    Words are those of the vectorizer: under their normalised forms, and without the rare ones that it does not know.

    Args:
        vectorizer: The vectorizer of the corpus.
        corpus: The training corpus.
        words: The most words to name; others are one class.
        units: As `LanguageObjective`.
        tied: As `LanguageObjective`.
        weight: As `LanguageObjective`.

    Raises:
        SettingsError: For numbers below 1, or a weight that is not above 0.
        DataError: The vectorizer knows none of the corpus' words.
    """
    check_count("words", words)
    plain = Vectorizer(vectorizer.words, vectorizer.characters, {}, vectorizer.rules)  # words alone are to be encoded
    counts = np.bincount(plain.encode(corpus).tokens[WORDS], minlength=RESERVED)
    counts[:RESERVED] = 0
    rows = np.argsort(-counts, kind="stable")[: min(words, int(np.count_nonzero(counts)))]
    if not len(rows):
        raise DataError("A language-model objective names frequent words; the vectorizer knows none of this corpus.")
    return LanguageObjective(rows.tolist(), units, tied, weight, name="language")


def states_for(
    objective: LanguageObjective | None,
    features: Sequence[keras.layers.Layer],
    vectorizer: Vectorizer,
    encoder: keras.layers.Layer,
    layers: Sequence[Tensor],
) -> list[Tensor]:
    """Returns what an objective reads of an encoder's layers, as `directions` finds it; nothing for no objective.

    Raises:
        SettingsError: For contextual vectors, which have read the whole sentence; for features without a word table;
            for words that the vectorizer does not have; for encoders that keep no direction apart.
    """
    if objective is None:
        return []
    check_objective(objective, features, vectorizer)
    return [directions(encoder, layers)]


def check_objective(
    objective: LanguageObjective, features: Sequence[keras.layers.Layer], vectorizer: Vectorizer
) -> None:
    """Refuses an objective beside features that have read what it is to name, or that know no words.

    Raises:
        SettingsError: As `states_for`, for all but the encoder.
    """
    if any({FIELD, ELMO_FIELD} & set(feature.fields) for feature in features):
        raise SettingsError(
            "Contextual vectors may have read the whole sentence, the next word too: a language-model objective beside "
            "them would learn to copy. Leave one of them out."
        )
    word_vectors(features)
    if max(objective.rows) >= len(vectorizer.words):
        raise SettingsError(
            f"The language-model objective names word {max(objective.rows)}, the vectorizer has "
            f"{len(vectorizer.words)}: make it by language_objective(vectorizer, corpus)."
        )


def directions(encoder: keras.layers.Layer, layers: Sequence[Tensor]) -> Tensor:
    """Finds, among the outputs of an encoder's layers, those whose two halves have not seen each other.

    In a stack whose layers read both directions these are the first layer's; stacked per direction, the highest there
    are. Dropout and connections act upon each token alone and carry nothing across.

    Args:
        encoder: The encoder: a `RecurrentStack`, or attention on top of one.
        layers: What it returned, an entry for each layer or the last alone.

    Returns:
        (batch, time, 2 * width), forward half first.

    Raises:
        SettingsError: For encoders that are not recurrent, and those that do not give that layer.
    """
    attended = isinstance(encoder, AttentionEncoder)
    inner = encoder.encoder if attended else encoder
    if not isinstance(inner, RecurrentStack):
        raise SettingsError(
            f"A language-model objective needs directions of which one has not seen the words to come: a "
            f"RecurrentStack; received {type(inner).__name__}, whose outputs see words on both sides."
        )
    kept = len(layers) - attended  # attention takes the place of the last one, and sees all words
    if kept < 1 or (inner.stacking == "interleaved" and len(layers) < inner.layers):
        raise SettingsError(
            f"A language-model objective reads the first layer of an encoder that gives {kept} of its {inner.layers}, "
            "without attention: take RecurrentStack(..., all_layers=True), and two layers or more below attention."
        )
    return layers[kept - 1 if inner.stacking == "per_direction" else 0]


def word_vectors(features: Sequence[keras.layers.Layer]) -> WordEmbedding:
    """Returns the word table among features.

    Raises:
        SettingsError: There is none.
    """
    for feature in features:
        if isinstance(feature, WordEmbedding):
            return feature
    raise SettingsError("A language-model objective names words, and this tagger reads none: add a WordEmbedding.")


def vectors_of(embedding: WordEmbedding, rows: Sequence[int]) -> Tensor:
    """Returns the input vectors of rows, (rows, dim): those that learn learn by it, frozen ones serve as they are."""
    return embedding.call(ops.convert_to_tensor(rows, "int32"), training=False)
