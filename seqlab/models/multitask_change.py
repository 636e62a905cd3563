"""A task more or less for a trained tagger of several tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from seqlab.corpora.records import Corpus
from seqlab.corpora.tasks import task_corpora
from seqlab.errors import SettingsError
from seqlab.layers.cells.parts import reseeded
from seqlab.models.multitask_builders import task_head
from seqlab.models.rules import Choice
from seqlab.text.vectorizer import Vectorizer
from seqlab.text.vocabulary import Labels


def with_task(
    model: Any,
    task: str,
    corpus: Corpus,
    head: str = "crf",
    depth: int | None = None,
    constrained: Choice = False,
    reduction: str | None = None,
) -> Any:
    """Returns a tagger of one task more, see `MultiTaskTagger.with_task`.

    What is new begins as in a fresh tagger. Features of separate networks begin as those of the first task, whose word
    vectors cannot be read again from their file.
    """
    if task in model.tasks:
        raise SettingsError(f"There is a task {task!r} already; give the new one another name.")
    corpus = task_corpora([(task, corpus)])[task]
    config = model.get_config()
    vectorizer = _vectorizer(
        model,
        {**model.vectorizer.labels, task: Labels(sorted(corpus.labels(task)))},
        {**model.vectorizer.schemes, task: corpus.schemes.get(task)},
    )
    new = task_head(head, vectorizer, task, constrained, reduction or _reduction(model))
    kept: list[int | None] = [*range(len(model.tasks)), None]
    if isinstance(model.features, Mapping):
        first = config["features"][model.tasks[0]]
        renamed = [_named(reseeded(part, len(model.tasks)), task) for part in first]
        config["features"] = {**config["features"], task: renamed}
    config["tasks"] = [*model.tasks, task]
    config["heads"] = [*config["heads"], _fresh(keras.saving.serialize_keras_object(new))]
    return _changed(model, config, vectorizer, kept, depth)


def without_task(model: Any, task: str) -> Any:
    """Returns a tagger of the other tasks, see `MultiTaskTagger.without_task`."""
    left = model.position(task)
    if len(model.tasks) == 1:
        raise SettingsError(f"{task!r} is the only task: nothing would be left.")
    config = model.get_config()
    kept: list[int | None] = [k for k in range(len(model.tasks)) if k != left]
    vectorizer = _vectorizer(
        model,
        {name: labels for name, labels in model.vectorizer.labels.items() if name != task},
        {name: scheme for name, scheme in model.vectorizer.schemes.items() if name != task},
    )
    if isinstance(model.features, Mapping):
        config["features"] = {name: part for name, part in config["features"].items() if name != task}
    config["tasks"] = [name for name in model.tasks if name != task]
    config["heads"] = [part for k, part in enumerate(config["heads"]) if k != left]
    return _changed(model, config, vectorizer, kept, None)


def _reduction(model: Any) -> str:
    """What the losses of the heads that are there are means over."""
    found = {task: head.reduction for task, head in zip(model.tasks, model.heads_by_task, strict=True)}
    if len(set(found.values())) > 1:
        shown = ", ".join(f"{task}: {reduction}" for task, reduction in found.items())
        raise SettingsError(f"The heads of this tagger differ in their reduction ({shown}): give the new one's.")
    return str(next(iter(found.values())))


def _changed(
    model: Any, config: dict[str, Any], vectorizer: Vectorizer, kept: Sequence[int | None], depth: int | None
) -> Any:
    """Makes a tagger from a config and copies what tasks that were there before read."""
    encoder = {**_fresh(config["encoder"]), "config": model.encoder.config_for(kept, depth)}
    changed = type(model).from_config({**config, "encoder": encoder, "vectorizer": vectorizer.get_config()})
    changed.vectorizer.contextual = model.vectorizer.contextual  # which may be of this process alone
    if model.language is not None:  # words keep their rows
        _copy(model.language.weights, changed.language.weights)
    for new, old in enumerate(kept):
        name = changed.tasks[new]
        if old is None:
            if isinstance(model.features, Mapping):
                _copy(_weights(model.features_of(model.tasks[0])), _weights(changed.features_of(name)))
            continue
        _copy(_weights(model.features_of(name)), _weights(changed.features_of(name)))
        _copy(model.encoder.weights_of(old), changed.encoder.weights_of(new))
        _copy(model.heads_by_task[old].weights, changed.heads_by_task[new].weights)
    return changed


def _vectorizer(model: Any, labels: Mapping[str, Labels], schemes: Mapping[str, str | None]) -> Vectorizer:
    old: Vectorizer = model.vectorizer
    return Vectorizer(old.words, old.characters, labels, old.rules, schemes, old.char_limit, old.categories)


def _fresh(part: Mapping[str, Any]) -> dict[str, Any]:
    """A serialised layer whose shapes are found anew."""
    return {name: value for name, value in part.items() if name != "build_config"}


def _named(part: Mapping[str, Any], task: str) -> dict[str, Any]:
    """A serialised layer under another name: in one model Keras wants layers of different names."""
    return {**part, "config": {**part["config"], "name": f"{part['config']['name']}_{task}"}}


def _weights(layers: Sequence[Any]) -> list[Any]:
    return [weight for layer in layers for weight in layer.weights]


def _copy(source: Sequence[Any], target: Sequence[Any]) -> None:
    for before, after in zip(source, target, strict=True):
        after.assign(ops.convert_to_numpy(before))
