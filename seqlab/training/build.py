"""From the settings of a run to its tagger, compiled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from seqlab.corpora.records import Corpus
from seqlab.files import model_file
from seqlab.inference.load import load
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.models import builders
from seqlab.models.auxiliary import Auxiliary
from seqlab.models.distillation import Distillation
from seqlab.models.elmo import elmo_vectors
from seqlab.models.inputs import Words
from seqlab.models.language_objective import language_objective
from seqlab.models.producers import open_producer
from seqlab.models.tagger import Tagger
from seqlab.settings import CharSettings, ContextualSettings, DistillSettings, Settings, TrainingSettings, WordSettings
from seqlab.text.categories import Category
from seqlab.text.contextual import Contextual
from seqlab.training.encoders import encoder_of
from seqlab.training.rules import rulebook
from seqlab.training.schedules import rate_of
from seqlab.training.words import read_words


def build(settings: Settings, corpus: Corpus, words: Words | None = None) -> Tagger:
    """Builds the tagger that the settings describe, for a training corpus.

    Args:
        settings: The settings.
        corpus: The training corpus.
        words: What `read_words` made of them, where that is done already.
    """
    with precision(settings.training.precision):
        return _built(settings, corpus, words)


@contextmanager
def precision(policy: str) -> Iterator[None]:
    """Has the layers that are made in the block compute under a dtype policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _built(settings: Settings, corpus: Corpus, words: Words | None) -> Tagger:
    if settings.tag_scheme is not None:
        corpus = corpus.converted(settings.task, settings.tag_scheme)
    words = read_words(settings, corpus) if words is None else words
    others = [settings.auxiliary.task] if settings.auxiliary.task else []
    vectorizer = builders.vectorizer_of(
        corpus,
        settings.task,
        words,
        others=others,
        categories=categories_of(settings.words),
        contextual=source_of(settings.contextual),
    )
    labels = vectorizer.labels[settings.task]
    rules = rulebook(settings, labels.items, vectorizer.schemes[settings.task])
    language = settings.language.model_dump()
    beside = None if settings.language.weight is None else language_objective(vectorizer, corpus, **language)
    return Tagger(
        vectorizer=vectorizer,
        task=settings.task,
        features=builders.features_of(
            vectorizer,
            words,
            **feature_options(settings.words, settings.chars, settings.contextual),
        ),
        encoder=encoder_of(settings.encoder, settings.attention, all_layers=bool(others) or beside is not None),
        head=builders.head_of(settings.head, labels, rules, settings.rules.in_loss, settings.training.label_smoothing),
        auxiliary=[
            Auxiliary(task, SoftmaxHead(len(vectorizer.labels[task]), name=f"head_{task}"), settings.auxiliary.layer)
            for task in others
        ],
        language=beside,
    )


def feature_options(words: WordSettings, chars: CharSettings, contextual: ContextualSettings) -> dict[str, Any]:
    """What `seqlab.models.inputs.features_of` is told of words, characters and contextual vectors."""
    names = ("dim", "dropout", "chars", "casing", "unknown", "category_dim")
    mix = contextual.model_dump(include={"layer_norm", "dropout"})
    return {
        **{name: getattr(words, name) for name in names},
        "char_options": chars.options(words.chars),
        "mix_options": mix,
        "elmo": None if contextual.fine_tune is None else elmo_vectors(contextual.fine_tune, **mix),
    }


def categories_of(options: WordSettings) -> list[Category]:
    """The categorical features that the settings name."""
    return [
        *(Category("prefix", size) for size in options.prefixes),
        *(Category("suffix", size) for size in options.suffixes),
        *([Category("shape")] if options.shapes else []),
        *(Category("column", name) for name in options.columns),
    ]


def source_of(options: ContextualSettings) -> Contextual | None:
    """The source of contextual vectors that the settings name."""
    if options.file is None and options.producer is None:
        return None
    return Contextual(options.file, options.producer, opener=open_producer)


def distillation_of(options: DistillSettings) -> Distillation | None:
    """Opens the teacher that the settings name, if they name one."""
    if options.teacher is None:
        return None
    return Distillation(load(model_file(options.teacher)), options.weight, options.temperature)


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
        steps: Steps of an epoch, in which schedules count.
        weight: Weight of auxiliary losses.
        distillation: What is learnt of a teacher.
    """
    weights = {part.task: weight for part in tagger.auxiliary} or None
    tagger.compile(optimizer_of(options, steps), loss_weights=weights, distillation=distillation)


def optimizer_of(options: TrainingSettings, steps: int) -> keras.optimizers.Optimizer:
    """Makes the optimiser that the settings name, for epochs of so many steps."""
    kind = {"adam": keras.optimizers.Adam, "nadam": keras.optimizers.Nadam, "sgd": keras.optimizers.SGD}
    extra: dict[str, Any] = {}
    if options.average is not None:
        extra = {"use_ema": True, "ema_momentum": options.average}  # `AveragedWeights` puts them into the model
    extra |= {name: value for name in ("momentum", "beta_2") if (value := getattr(options, name)) is not None}
    return kind[options.optimizer](rate_of(options, steps), global_clipnorm=options.clip_norm, **extra)
