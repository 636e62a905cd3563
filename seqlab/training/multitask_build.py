"""From the settings of a run of several tasks to its tagger, compiled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from seqlab.corpora.records import Corpus
from seqlab.layers.heads.base import Head
from seqlab.models.builders import HEADS
from seqlab.models.inputs import Words, features_of
from seqlab.models.multitask import MultiTaskTagger
from seqlab.models.multitask_builders import SEPARATE, features_named, objective_of_tasks, task_encoder
from seqlab.models.rules import rules_of
from seqlab.models.task_builders import vectorizer_of_tasks
from seqlab.multitask_settings import MultiTaskSettings, TaskSettings
from seqlab.text.vectorizer import Vectorizer
from seqlab.training.build import categories_of, feature_options, optimizer_of, precision, source_of
from seqlab.training.encoders import dropout_of


def build(settings: MultiTaskSettings, corpora: Mapping[str, Corpus], words: Words) -> MultiTaskTagger:
    """Builds the tagger that the settings describe.

    Args:
        settings: The settings.
        corpora: The training corpus of each task, labels in the column of its name.
        words: What `read_words` returned for all of them.
    """
    with precision(settings.training.precision):
        vectorizer = vectorizer_of_tasks(
            corpora, words, categories=categories_of(settings.words), contextual=source_of(settings.contextual)
        )
        options = feature_options(settings.words, settings.chars, settings.contextual)

        def features() -> list[keras.layers.Layer]:
            return features_of(vectorizer, words, **options)

        separate = settings.encoder.kind == SEPARATE
        language = None if settings.language.weight is None else settings.language.model_dump()
        return MultiTaskTagger(
            vectorizer=vectorizer,
            tasks=settings.names,
            features={name: features_named(features(), name) for name in settings.names} if separate else features(),
            encoder=_encoder(settings),
            heads=[_head(settings, vectorizer, task) for task in settings.tasks],
            language=objective_of_tasks(vectorizer, corpora, language),
        )


def _encoder(settings: MultiTaskSettings) -> Any:
    options = settings.encoder
    extra: dict[str, Any] = {"cell": options.cell}
    if options.kind == "sc_lstm":
        extra = {"variant": options.cell.upper(), "gates": options.gates or "top", "merge": options.merge or "concat"}
    if options.kind == "lstm_d":
        extra["depths"] = tuple(task.depth or options.layers for task in settings.tasks)
    return task_encoder(options.kind, len(settings.tasks), options.units, options.layers, dropout_of(options), **extra)


def _head(settings: MultiTaskSettings, vectorizer: Vectorizer, task: TaskSettings) -> Head:
    labels = vectorizer.labels[task.name]
    scheme = vectorizer.schemes[task.name]
    rules = rules_of(settings.constrained and scheme is not None, labels.items, scheme)
    return HEADS[task.head](
        len(labels), constraints=rules, reduction=settings.training.reduction, name=f"head_{task.name}"
    )


def compile_tasks(tagger: MultiTaskTagger, settings: MultiTaskSettings, steps: int) -> None:
    """Compiles with the optimiser and the weights of losses that the settings name.

    Args:
        tagger: The model.
        settings: The settings.
        steps: Steps of an epoch, in which schedules of the learning rate count.
    """
    weights = {task.name: task.weight for task in settings.tasks}
    tagger.compile(optimizer_of(settings.training.plain, steps), loss_weights=weights)
