"""The tagger: features, a sequence encoder and a head in one Keras model, with everything it needs to read text."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from seqlab.batches.loader import Batches, scoring_padding
from seqlab.batches.supplied import TAUGHT, SuppliedBatches
from seqlab.constants import DEFAULT_RULES
from seqlab.corpora.records import Corpus
from seqlab.layers.language import LanguageObjective
from seqlab.layers.stack import RecurrentStack
from seqlab.models import builders
from seqlab.models.attention import attention_weights
from seqlab.models.auxiliary import Auxiliary, check_labels
from seqlab.models.best import BestWeights
from seqlab.models.distillation import Distillation
from seqlab.models.extend import copy_weights, extended_config
from seqlab.models.gold import labelled, without_broken
from seqlab.models.inputs import CharMaker, inputs_of
from seqlab.models.language_objective import LanguageLearner, states_for
from seqlab.models.limited import limited
from seqlab.models.producers import open_producer
from seqlab.models.rules import Choice
from seqlab.models.weighing import ClassWeight, class_weights
from seqlab.text.categories import Category
from seqlab.text.vectorizer import Vectorizer
from seqlab.text.vectors import WordVectors


@keras.saving.register_keras_serializable(package="seqlab")
class Tagger(LanguageLearner):
    """Labels each token of a sentence: `scores = head(encoder([feature_1; ...; feature_n], mask), mask)`.

    A plain Keras model: `compile`, `fit`, `evaluate`, `predict`, callbacks, `save` and `keras.models.load_model` work
    as everywhere, and the data may be a `Corpus`, a list of sentences or `Batches`. The logs of every `fit` hold
    `val_precision`, `val_recall`, `val_f1` and `val_accuracy` before any callback reads them.

    Args:
        vectorizer: Turns words into integers; saved with the model.
        task: The column that is learnt, one of the vectorizer's.
        features: Layers whose `fields` name the arrays they read (see `Batches`; `specs` says which are no integers for
            each token); their outputs are concatenated.
        encoder: Layer called as `encoder(x, mask=mask)`; it may return a list, one entry for each of its layers.
        head: Layer that scores labels, see `seqlab.layers.heads`.
        auxiliary: Other columns that are learnt besides, see `Auxiliary`. Their scores are further outputs, their
            losses are weighed by `compile(loss_weights={column: weight})` and count in `loss` and `val_loss`; tagging,
            F1 and accuracy leave them out.
        language: Learns the words beside each token too, see `LanguageLearner`; the states that it reads are the last
            output, all else of it is for training and validation alone.
    """

    distillation: Distillation | None = None

    def __init__(
        self,
        vectorizer: Vectorizer,
        task: str,
        features: Sequence[keras.layers.Layer],
        encoder: keras.layers.Layer,
        head: keras.layers.Layer,
        auxiliary: Sequence[Auxiliary] = (),
        language: LanguageObjective | None = None,
        **kwargs: Any,
    ) -> None:
        # === Layers ===
        tasks = (task, *(part.task for part in auxiliary))
        if len(set(tasks)) < len(tasks) or not set(tasks) <= set(vectorizer.labels):
            raise ValueError(f"Tasks must be different ones of {', '.join(vectorizer.labels)}, received {tasks}.")
        for owner, column in ((head, task), *((part.head, part.task) for part in auxiliary)):
            check_labels(owner, column, vectorizer.labels[column])
        inputs = inputs_of(features)

        # === Functional model ===
        parts = [feature(*(inputs[field] for field in feature.fields)) for feature in features]
        x = ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]  # (batch, time, width)
        found = encoder(x, mask=inputs["mask"])
        layers = found if isinstance(found, list | tuple) else [found]
        scores = head(layers[-1], mask=inputs["mask"])  # (batch, time, labels)
        others = [part.scores(layers, inputs["mask"]) for part in auxiliary]
        others += states_for(language, features, vectorizer, encoder, layers)
        super().__init__(inputs=inputs, outputs=[scores, *others] if others else scores, **kwargs)

        self.embedded = x  # what the encoder reads

        # === Config ===
        self.vectorizer = vectorizer
        self.task = task
        self.tasks = tasks
        self.features = list(features)
        self.encoder = encoder
        self.head = head
        self.auxiliary = tuple(auxiliary)
        self.learn_words(language)

    @classmethod
    def from_corpus(
        cls,
        corpus: Corpus,
        task: str,
        word_vectors: str | os.PathLike[str] | WordVectors | None = None,
        chars: str | CharMaker | None = "cnn",
        head: str = "crf",
        encoder: keras.layers.Layer | None = None,
        unseen_vectors: int | None = None,
        constrained: Choice = False,
        constrained_loss: bool = False,
        categories: Sequence[Category] = (),
        contextual: Any = None,
        language: Mapping[str, Any] | None = None,
        rules: Sequence[str] = DEFAULT_RULES,
    ) -> Tagger:
        """Returns a tagger for a corpus, not compiled: words, casing and characters into a recurrent stack and a head.

        Args:
            corpus: The training corpus.
            task: The column to learn.
            word_vectors: A vector file (GloVe, word2vec, fastText's `.vec`) or what `read_vectors` made of it.
            chars: Character encoder: `"cnn"`, `"lstm"`, `None`, or what makes one for a number of characters, as
                `functools.partial(CharCNN, widths=(3, 4, 5))`.
            head: `"crf"` or `"softmax"`.
            encoder: Layer called as `encoder(x, mask=mask)`; two layers of `RecurrentStack(100)` by default.
            unseen_vectors: How many vectors of words that training does not hold travel in the model; `None` for all.
            constrained: What decoding keeps: `True` for the tag scheme, or rules of `seqlab.tags` over the sorted
                labels; or a function of (labels, scheme) that makes them.
            constrained_loss: Whether the loss of a CRF keeps it too.
            categories: Further features, such as `Category("suffix", 3)` and `Category("column", "pos")`. What is
                tagged must have the columns among them.
            contextual: Source of vectors for a `ScalarMix`, see `Labeller.contextual`; or `elmo_vectors(folder)`.
            language: Learns the words beside each token too, by options of `language_objective`: `{"weight": 0.1}`.
            rules: Names of `seqlab.text.RULES`, by which words are looked up that are not found as they are.

        Raises:
            DataError: If the corpus has no such column.
            SettingsError: For an unknown rule.
        """
        rest = (constrained, constrained_loss, categories, contextual, language, rules)
        parts = builders.parts_of(corpus, task, word_vectors, chars, head, unseen_vectors, *rest)
        encoder = encoder or RecurrentStack(100, layers=2, dropout=0.4, all_layers=language is not None, name="encoder")
        return cls(task=task, encoder=encoder, **parts)

    def extended(self, corpus: Corpus, constrained: Choice | None = None) -> Tagger:
        """Returns a tagger that has learnt the same and has room for a corpus' new labels, words and characters.

        Args:
            corpus: What to go on with, without auxiliary tasks; compile the new tagger and fit it on it.
            constrained: As in `from_corpus`, over all labels; by default what this tagger keeps.

        Raises:
            SettingsError: There are new labels, of which rules other than a tag scheme's know nothing.
        """
        tagger = Tagger.from_config(extended_config(self, self.aligned(corpus), constrained))
        copy_weights(self, tagger)
        return tagger

    @property
    def entry_names(self) -> tuple[str, ...]:
        """Labels and loss weights are found by column."""
        return self.tasks

    def compile(self, *args: Any, distillation: Distillation | None = None, **kwargs: Any) -> None:
        """Compiles as `SequenceModel.compile` does.

        Args:
            *args: As `keras.Model.compile`.
            distillation: What `fit` is to learn of a teacher besides, see `Distillation`.
            **kwargs: As `SequenceModel.compile`.
        """
        self.distillation = distillation
        super().compile(*args, **kwargs)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """As `SequenceModel.compute_loss`, mixed with what a teacher says where the batch tells it."""
        if self.distillation is None or not isinstance(y, dict) or TAUGHT not in y:
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        labels = {name: part for name, part in y.items() if name != TAUGHT}
        total = super().compute_loss(x, labels, y_pred, sample_weight, training)
        scores = self._entry(y_pred, 0)
        gold = self.head.loss(self._entry(labels, 0), scores, self._weights(sample_weight, 0))
        # Other losses, of auxiliary tasks and of layers, stay as they are.
        return total + self._head_weight(0) * (self.distillation.mixed(gold, self.head, y[TAUGHT], scores) - gold)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        restore_best: str | None = "val_f1",
        leave_out_broken: bool = False,
        class_weight: ClassWeight | None = None,
        **kwargs: Any,
    ) -> Any:
        """Trains as `keras.Model.fit` does; the best epoch's weights are restored at the end.

        Args:
            x: A corpus, or anything that Keras takes. A corpus is shuffled anew in each epoch, alike in each `fit`.
            y: Labels, where `x` holds none.
            restore_best: The validation figure that names the best epoch; `None` keeps the last epoch's weights.
            leave_out_broken: Leave sentences out of a `constrained_loss` whose labels break its rules.
            class_weight: Weights of the labels in the loss of a softmax, `{"B-NP": 2.0}`, or "balanced": all labels
                count alike, however often they occur. What is validated on is not weighted.
            **kwargs: As `keras.Model.fit`; `batch_size` is 32 by default.

        Returns:
            Keras' history.

        Raises:
            DataError: For labels that the tagger does not know, or that break rules of the loss; for a sentence to
                validate on that nothing satisfies.
        """
        size = kwargs.pop("batch_size", None) or 32
        batches = labelled(self.batches(x, strict=True, batch_size=size, shuffle=True), *self.tasks)
        if isinstance(batches, Batches):
            kwargs["shuffle"] = False  # Keras would shuffle again, in an order that a resumed run cannot repeat
        elif y is not None:
            kwargs["batch_size"] = size
        batches = without_broken(self, batches, "training data", leave_out_broken, y)
        held_out = kwargs.pop("validation_data", None)
        if held_out is not None:
            held_out = self.batches(held_out, batch_size=max(size, 32), padding=scoring_padding())
            held_out = without_broken(self, labelled(held_out, self.task), "validation data")
            limited(held_out, self.head, self.labels)
            if restore_best is not None:
                # First: others may change an epoch's weights, or choose the last ones.
                kwargs["callbacks"] = [BestWeights(restore_best), *(kwargs.get("callbacks") or [])]
        weights = None if class_weight is None else class_weights(self, batches, class_weight)
        taught = None if self.distillation is None else self.distillation.probabilities(self, batches)
        if weights is not None or taught is not None:
            batches = SuppliedBatches(batches, self.task, weights, taught)
        return super().fit(batches, y, validation_data=held_out, **kwargs)

    def attention(self, data: Any) -> list[np.ndarray]:
        """Returns what each token looks at: the weights of the encoder's attention, for each sentence in its order.

        `seqlab.evaluation.draw_attention` draws them. A graph is built at each call: ask for many sentences at once.

        Args:
            data: A corpus, a list of sentences or `Batches`.

        Returns:
            `(tokens, tokens)` for each, the attending token first; `(hops or heads, tokens, tokens)` where there are
            several.

        Raises:
            SettingsError: If the encoder is no `AttentionEncoder`.
        """
        return attention_weights(self, data)

    def get_config(self) -> dict[str, Any]:
        """Returns all parts: vocabularies, rules, labels and layers."""
        serialize = keras.saving.serialize_keras_object
        return {
            "name": self.name,
            "vectorizer": self.vectorizer.get_config(),
            "task": self.task,
            "features": [serialize(feature) for feature in self.features],
            "encoder": serialize(self.encoder),
            "head": serialize(self.head),
            "auxiliary": [part.get_config() for part in self.auxiliary],
            "language": serialize(self.language),
            "dtype": self.dtype_policy.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Tagger:
        """Rebuilds a tagger from `get_config()`."""
        deserialize = keras.saving.deserialize_keras_object
        found = cls(
            vectorizer=Vectorizer.from_config(config["vectorizer"], open_producer),
            task=config["task"],
            features=[deserialize(feature, custom_objects) for feature in config["features"]],
            encoder=deserialize(config["encoder"], custom_objects),
            head=deserialize(config["head"], custom_objects),
            auxiliary=[Auxiliary.from_config(part, custom_objects) for part in config.get("auxiliary", [])],
            language=deserialize(config.get("language"), custom_objects),
            name=config["name"],
        )
        if "dtype" in config:  # by it `compile` knows whether losses are to be scaled
            found.dtype_policy = config["dtype"]
        return found
