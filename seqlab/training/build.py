"""From the settings of a run to its tagger, compiled."""

from __future__ import annotations

from typing import Any

import keras

from seqlab.corpora.records import Corpus
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.layers.stack import RecurrentStack
from seqlab.models import builders
from seqlab.models.auxiliary import Auxiliary
from seqlab.models.tagger import Tagger
from seqlab.settings import Settings, TrainingSettings
from seqlab.training.rules import rulebook
from seqlab.training.schedules import rate_of


def build(settings: Settings, corpus: Corpus) -> Tagger:
    """Builds the tagger that the settings describe, for a training corpus."""
    if settings.tag_scheme is not None:
        corpus = corpus.converted(settings.task, settings.tag_scheme)
    words = builders.words_of(
        corpus,
        settings.words.vectors,
        min_count=settings.words.min_count,
        unseen_vectors=settings.words.unseen_vectors,
    )
    others = [settings.auxiliary.task] if settings.auxiliary.task else []
    vectorizer = builders.vectorizer_of(corpus, settings.task, words, others=others)
    labels = vectorizer.labels[settings.task]
    rules = rulebook(settings, labels.items, vectorizer.schemes[settings.task])
    return Tagger(
        vectorizer=vectorizer,
        task=settings.task,
        features=builders.features_of(
            vectorizer,
            words,
            dim=settings.words.dim,
            dropout=settings.words.dropout,
            chars=settings.words.chars,
            casing=settings.words.casing,
        ),
        encoder=RecurrentStack(
            settings.encoder.units,
            layers=settings.encoder.layers,
            dropout=settings.encoder.dropout,
            cell=settings.encoder.cell,
            recurrent_dropout=settings.encoder.recurrent_dropout,
            all_layers=bool(others),
            name="encoder",
        ),
        head=builders.head_of(settings.head, labels, rules, settings.rules.in_loss),
        auxiliary=[
            Auxiliary(task, SoftmaxHead(len(vectorizer.labels[task]), name=f"head_{task}"), settings.auxiliary.layer)
            for task in others
        ],
    )


def compile_tagger(tagger: Tagger, options: TrainingSettings, steps: int, weight: float = 1.0) -> None:
    """Compiles with the optimiser that the settings name.

    Args:
        tagger: The model.
        options: Optimiser, rate, clipping, averaging.
        steps: Steps of an epoch: averaged weights replace the trained ones at its end, and schedules count in them.
        weight: Weight of auxiliary losses.
    """
    kind = {"adam": keras.optimizers.Adam, "nadam": keras.optimizers.Nadam, "sgd": keras.optimizers.SGD}
    extra: dict[str, Any] = {}
    if options.average is not None:
        extra = {"use_ema": True, "ema_momentum": options.average, "ema_overwrite_frequency": steps}
    rate = rate_of(options, steps)
    weights = {part.task: weight for part in tagger.auxiliary} or None
    tagger.compile(kind[options.optimizer](rate, global_clipnorm=options.clip_norm, **extra), loss_weights=weights)
