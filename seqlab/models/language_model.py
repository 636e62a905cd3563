"""A bidirectional language model: what it learns from raw text serves a tagger as contextual vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from seqlab.batches.neighbours import NeighbourBatches, edged, words_of
from seqlab.constants import IGNORE
from seqlab.corpora.records import Corpus
from seqlab.errors import DataError, check_count
from seqlab.evaluation.perplexity import Perplexity
from seqlab.layers.cells.parts import Projection
from seqlab.layers.stack import RecurrentStack
from seqlab.models.best import BestWeights
from seqlab.models.language_parts import Reads, check_tied, direction_width, features_of_text, vectorizer_of_text
from seqlab.models.language_scoring import CHUNK, perplexity_of, vectors_of
from seqlab.models.sequence_model import SequenceModel
from seqlab.ops.masking import masked_mean
from seqlab.ops.sampled_softmax import full_softmax_loss, log_uniform_candidates, sampled_softmax_loss
from seqlab.text.vectorizer import Encoded, Vectorizer

Tensor = Any
POSITIONS = 4000  # tokens in a batch of more than one sentence


class _Softmax(keras.layers.Layer):
    """The weights of the classes: a bias each, and a vector each where they are not those of the input."""

    def __init__(self, classes: int, width: int, tied: bool) -> None:
        super().__init__(name="softmax", dtype="float32")
        self.classes = classes
        self.width = width
        self.tied = tied
        self.kernel = None

    def build(self, input_shape: Any = None) -> None:
        if not self.tied:
            normal = keras.initializers.RandomNormal(stddev=self.width**-0.5)
            self.kernel = self.add_weight((self.classes, self.width), normal, name="kernel")
        self.bias = self.add_weight((self.classes,), "zeros", name="bias")
        self.built = True


@keras.saving.register_keras_serializable(package="seqlab")
class LanguageModel(SequenceModel):
    """Predicts each word from those before it and, apart from that, from those after it (Peters et al. 2018).

        x = P [feature_1; ...; feature_n]            of each token; P where x is not as wide as one direction's output
        f_l, b_l = forward, backward layer l         which never see each other
        p(next word is k) = softmax(W f_L + c)[k]    p(word before is k) = softmax(W b_L + c)[k]
        loss = mean over the predictions of both directions of -log p

    Sentences stand between `<S>` and `</S>`, which are predicted as words are. W and c serve both directions. With
    `samples`, training takes the softmax over a sample of the classes (`sampled_softmax_loss`); whatever is validated
    or reported takes all of them. The output is `(batch, layers + 1, time, width)`: x twice, then each layer's
    `[f_l; b_l]`; zeros at padding.

    A plain Keras model: `compile`, `fit`, `evaluate`, callbacks, `save` and `keras.models.load_model` work as
    everywhere, on a `Corpus`, or sentences as lists of words. The logs of a `fit` hold `val_loss` and `val_perplexity`.

    Args:
        vectorizer: Turns words into integers; its words stand in the order of falling frequency. Saved with the model.
        features: Layers whose `fields` name the arrays they read: a character encoder, a `WordEmbedding`, or both.
        encoder: A `RecurrentStack` of any cell, with `stacking="per_direction"` and `all_layers=True`.
        samples: Classes in the sample of a training step; `None` for all classes.
        tied: Whether W is the table of the words' input vectors (Press and Wolf 2017), which must be the one feature
            and as wide as one direction's output.

    Raises:
        SettingsError: For parts that do not fit.

    >>> from seqlab.corpora.records import Sentence
    >>> corpus = Corpus([Sentence(("snow", "fell")), Sentence(("snow", "melts"))])
    >>> encoder = RecurrentStack(4, layers=2, stacking="per_direction", all_layers=True)
    >>> model = LanguageModel.from_corpus(corpus, encoder=encoder, min_count=1)
    >>> model.vectors([["snow", "falls", "here"]])[0].shape
    (3, 3, 8)
    """

    def __init__(
        self,
        vectorizer: Vectorizer,
        features: Sequence[keras.layers.Layer],
        encoder: RecurrentStack,
        samples: int | None = None,
        tied: bool = False,
        **kwargs: Any,
    ) -> None:
        # === Layers ===
        width = direction_width(encoder)
        if samples is not None:
            check_count("samples", samples)
        check_tied(tied, features, width)
        fields = [field for feature in features for field in feature.fields]
        inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in fields}
        mask = inputs["mask"] = keras.Input((None,), dtype="bool", name="mask")

        # === Functional model ===
        parts = [feature(*(inputs[field] for field in feature.fields)) for feature in features]
        x = ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]  # (batch, time, any width)
        if x.shape[-1] != width:
            x = Projection(width, name="token")(x)
        x = ops.where(ops.expand_dims(mask, -1), x, 0)
        found = [ops.concatenate([x, x], axis=-1), *encoder(x, mask=mask)]
        outputs = ops.cast(ops.stack(found, axis=1), "float32")  # (batch, layers + 1, time, 2 * width)
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        self.classes = len(vectorizer.words) - 1  # no sentence holds the padding
        self.softmax = _Softmax(self.classes, width, tied)
        self.softmax.build()
        self.candidate_seeds = keras.random.SeedGenerator()

        # === Config ===
        self.vectorizer = vectorizer
        self.features = list(features)
        self.encoder = encoder
        self.samples = samples
        self.tied = tied

    @classmethod
    def from_corpus(
        cls,
        corpus: Corpus,
        reads: Reads = "chars",
        encoder: RecurrentStack | None = None,
        samples: int | None = 1024,
        tied: bool = False,
        min_count: int = 2,
        max_words: int = 50_000,
        dim: int | None = None,
    ) -> LanguageModel:
        """Builds a model for a text.

        Args:
            corpus: The training text.
            reads: What it reads of a word: its "chars", "words" (a vector of each word that it knows), or "both".
            encoder: As in the class; two layers of 256 units in each direction by default.
            samples: As in the class.
            tied: As in the class.
            min_count: Occurrences from which a word is one of the classes; rarer ones are the unknown word.
            max_words: The most words to know, the most frequent ones.
            dim: Width of the words' vectors, where it reads them; by default that of one direction's output.

        Returns:
            The model, to be compiled.
        """
        if encoder is None:
            options: dict[str, Any] = {"dropout": 0.1, "stacking": "per_direction", "all_layers": True}
            encoder = RecurrentStack(256, layers=2, name="encoder", **options)
        vectorizer = vectorizer_of_text(corpus, min_count, max_words)
        features = features_of_text(vectorizer, reads, dim or direction_width(encoder))
        return cls(vectorizer, features, encoder, samples, tied)

    def batches(self, data: Any, **options: Any) -> Any:
        """Returns sentences as `NeighbourBatches`; other data as it is.

        Args:
            data: A corpus, a list of `Sentence`s or of lists of words, `Encoded` ones between their edges, or anything
                that Keras takes.
            **options: As `Batches`; at most 4,000 positions stand in a batch of more than one sentence.

        Raises:
            DataError: For no sentences at all.
        """
        encoded = data
        if not isinstance(data, Encoded):
            words = None if isinstance(data, keras.utils.PyDataset) else words_of(data)
            if words is None:
                return data
            if not words:
                raise DataError("Expected sentences, received none.")
            encoded = self.vectorizer.encode(edged(words))
        return NeighbourBatches(encoded, tuple(self.input), **{"token_limit": POSITIONS, **options})

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """See the class; labels (batch, time, 2) that are `IGNORE` (-1) count nowhere."""
        if y is None or sample_weight is not None:
            raise DataError("A language model takes labels from NeighbourBatches, and no sample_weight.")
        top = y_pred[:, -1]  # (batch, time, 2 * width)
        states = ops.reshape(top, (-1, top.shape[-1] // 2))  # (n, width), forward and backward in turn
        labels = ops.reshape(y, (-1,))
        kernel, bias = self.class_table()
        if training and self.samples is not None:
            candidates = log_uniform_candidates(self.samples, self.classes, self.candidate_seeds)
            losses = sampled_softmax_loss(states, kernel, bias, labels, candidates)
        else:
            losses = full_softmax_loss(states, kernel, bias, labels, CHUNK)
        total = masked_mean(losses, ops.not_equal(labels, IGNORE))
        for extra in self.losses:
            total = total + ops.sum(extra)
        return total

    def fit(self, x: Any = None, y: Any = None, restore_best: str | None = "val_loss", **kwargs: Any) -> Any:
        """Trains as `keras.Model.fit` does; the best epoch's weights are restored at the end.

        Args:
            x: A corpus, sentences, or anything that Keras takes. Sentences are shuffled anew in each epoch.
            y: Labels, where `x` holds none.
            restore_best: The validation figure that names the best epoch; `None` keeps the last epoch's weights.
            **kwargs: As `keras.Model.fit`; `batch_size` is 32 by default.
        """
        size = kwargs.pop("batch_size", None) or 32
        batches = self.batches(x, batch_size=size, shuffle=True)
        if isinstance(batches, NeighbourBatches):
            kwargs["shuffle"] = False  # Keras would shuffle again, in an order that a resumed run cannot repeat
        else:
            kwargs["batch_size"] = None if isinstance(batches, keras.utils.PyDataset) else size
        held_out = kwargs.pop("validation_data", None)
        if held_out is not None:
            held_out = self.batches(held_out)
            if restore_best is not None:
                kwargs["callbacks"] = [BestWeights(restore_best), *(kwargs.get("callbacks") or [])]
        return super().fit(batches, y, validation_data=held_out, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, return_dict: bool = False, **kwargs: Any) -> Any:
        """Evaluates as `keras.Model.evaluate` does; of sentences, it gives the exact mean loss and the perplexity."""
        batches = self.batches(x)
        if not isinstance(batches, NeighbourBatches):
            return super().evaluate(batches, y, return_dict=return_dict, **kwargs)
        found = self.perplexity(batches)
        logs = {"loss": found.loss, "perplexity": found.perplexity}
        return logs if return_dict else list(logs.values())

    def perplexity(self, data: Any) -> Perplexity:
        """Tells how well the model predicts a text, by the full softmax.

        Memory stays bounded whatever the text and the vocabulary: a block of rows meets a block of classes at a time.

        Args:
            data: A corpus, sentences, or what `batches` makes of them.

        Raises:
            DataError: For no sentences.
        """
        return perplexity_of(self, self.batches(data))

    def vectors(self, sentences: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Returns the vectors of all layers for each sentence, given by its words: `(layers + 1, time, width)` float32.

        The first layer is x, twice; those of `<S>` and `</S>` are left out.
        """
        return vectors_of(self, self.batches([list(words) for words in sentences])) if len(sentences) else []

    def get_config(self) -> dict[str, Any]:
        """Returns all parts: vocabularies and layers."""
        serialize = keras.saving.serialize_keras_object
        return {
            "name": self.name,
            "vectorizer": self.vectorizer.get_config(),
            "features": [serialize(feature) for feature in self.features],
            "encoder": serialize(self.encoder),
            "samples": self.samples,
            "tied": self.tied,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> LanguageModel:
        """Rebuilds a model from `get_config()`."""
        deserialize = keras.saving.deserialize_keras_object
        parts = {
            "vectorizer": Vectorizer.from_config(config["vectorizer"]),
            "features": [deserialize(feature, custom_objects) for feature in config["features"]],
            "encoder": deserialize(config["encoder"], custom_objects),
        }
        return cls(**{**config, **parts})

    def class_table(self) -> tuple[Tensor, Tensor]:
        """W (classes, width) and c (classes,)."""
        if not self.tied:
            return ops.convert_to_tensor(self.softmax.kernel), ops.convert_to_tensor(self.softmax.bias)
        table = ops.convert_to_tensor(self.features[0].trained)
        return table[1:], ops.convert_to_tensor(self.softmax.bias)
