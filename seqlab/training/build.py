"""From the settings of a run to its tagger, compiled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from seqlab.corpora.records import Corpus
from seqlab.inference.load import load
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.layers.stack import RecurrentStack
from seqlab.models import builders
from seqlab.models.auxiliary import Auxiliary
from seqlab.models.distillation import Distillation
from seqlab.models.tagger import Tagger
from seqlab.settings import DistillSettings, Settings, TrainingSettings
from seqlab.training.data import teacher_file
from seqlab.training.rules import rulebook
from seqlab.training.schedules import rate_of


def build(settings: Settings, corpus: Corpus) -> Tagger:
    """Builds the tagger that the settings describe, for a training corpus."""
    with precision(settings.training.precision):
        return _built(settings, corpus)


@contextmanager
def precision(policy: str) -> Iterator[None]:
    """Has the layers that are made in the block compute under a dtype policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _built(settings: Settings, corpus: Corpus) -> Tagger:
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


def distillation_of(options: DistillSettings) -> Distillation | None:
    """Opens the teacher that the settings name, if they name one."""
    if options.teacher is None:
        return None
    return Distillation(load(teacher_file(options.teacher)), options.weight, options.temperature)


def compile_tagger(
    tagger: Tagger,
    options: TrainingSettings,
    steps: int,
    weight: float = 1.0,
    distillation: Distillation | None = None,
) -> None:
    """Compiles with the optimiser that the settings name.

    Args:
        tagger: The model.
        options: Optimiser, rate, clipping, averaging.
        steps: Steps of an epoch: averaged weights replace the trained ones at its end, and schedules count in them.
        weight: Weight of auxiliary losses.
        distillation: What is learnt of a teacher.
    """
    kind = {"adam": keras.optimizers.Adam, "nadam": keras.optimizers.Nadam, "sgd": keras.optimizers.SGD}
    extra: dict[str, Any] = {}
    if options.average is not None:
        extra = {"use_ema": True, "ema_momentum": options.average, "ema_overwrite_frequency": steps}
    if options.momentum is not None:
        extra["momentum"] = options.momentum
    rate = rate_of(options, steps)
    weights = {part.task: weight for part in tagger.auxiliary} or None
    optimizer = kind[options.optimizer](rate, global_clipnorm=options.clip_norm, **extra)
    tagger.compile(optimizer, loss_weights=weights, distillation=distillation)
