"""From the corpora of several tasks to the parts of their tagger, and from these to its config and back."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import keras

from seqlab.constants import DEFAULT_RULES
from seqlab.corpora.records import Corpus
from seqlab.corpora.tasks import all_sentences, task_corpora
from seqlab.errors import SettingsError
from seqlab.layers.heads.base import Head
from seqlab.layers.language import LanguageObjective
from seqlab.layers.stack import RecurrentStack
from seqlab.layers.tasks.base import TaskEncoder
from seqlab.layers.tasks.private import PrivateEncoders
from seqlab.layers.tasks.sc_stack import SCLSTMStack
from seqlab.layers.tasks.shared import SharedEncoder
from seqlab.models.builders import HEADS, sources_of
from seqlab.models.inputs import CharMaker, features_of, named
from seqlab.models.language_objective import language_objective
from seqlab.models.producers import open_producer
from seqlab.models.rules import Choice, rules_of
from seqlab.models.task_builders import vectorizer_of_tasks, words_of_tasks
from seqlab.text.vectorizer import Vectorizer
from seqlab.text.vectors import WordVectors

SEPARATE = "stl"  # the one encoder whose tasks have features of their own


def _separate(tasks: int, units: int, **options: Any) -> TaskEncoder:
    return PrivateEncoders([RecurrentStack(units, **options) for _ in range(tasks)], name="encoder")


def _shared(tasks: int, units: int, **options: Any) -> TaskEncoder:
    return SharedEncoder(RecurrentStack(units, **options), tasks, name="encoder")


def _deep(tasks: int, units: int, depths: Sequence[int] | None = None, **options: Any) -> TaskEncoder:
    if depths is None:
        raise SettingsError(f"lstm_d wants to know which layer each of the {tasks} tasks reads: depths=(1, 2, ...).")
    return SharedEncoder(RecurrentStack(units, **options), tasks, depths, name="encoder")


def _sc_lstm(tasks: int, units: int, **options: Any) -> TaskEncoder:
    return SCLSTMStack(units, tasks, name="encoder", **options)


def _private_shared(tasks: int, units: int, **options: Any) -> TaskEncoder:
    private = [RecurrentStack(units, **options) for _ in range(tasks)]
    return PrivateEncoders(private, RecurrentStack(units, **options), name="encoder")


ENCODERS: dict[str, Callable[..., TaskEncoder]] = {
    SEPARATE: _separate,
    "lstm_s": _shared,
    "lstm_d": _deep,
    "sc_lstm": _sc_lstm,
    "private_shared": _private_shared,
}
"""Encoders of several tasks by name."""


def task_encoder(
    kind: str, tasks: int, units: int = 100, layers: int = 2, dropout: float | Sequence[float] = 0.4, **options: Any
) -> TaskEncoder:
    """Builds the encoder of that name.

    Args:
        kind: "stl", a stack for each task; "lstm_s", one whose top all read; "lstm_d", one of which each reads the
            layer that `depths` says; "sc_lstm", with task gates (`gates`, `merge`, `variant`: see `SCLSTMStack`);
            "private_shared", a stack for each task beside one for all.
        tasks: Number of tasks.
        units: Units of each direction.
        layers: Number of layers.
        dropout: Rate of the dropout before and after each layer; or three, see `RecurrentStack`.
        **options: Of that encoder; of `RecurrentStack` for all but "sc_lstm".

    Raises:
        SettingsError: For an unknown name, an option that the encoder does not have, or "lstm_d" without depths.
    """
    make = named(kind, ENCODERS, "encoder of several tasks")
    try:
        return make(tasks, units, layers=layers, dropout=dropout, **options)
    except (TypeError, ValueError) as error:
        if isinstance(error, SettingsError) or not options or not any(name in str(error) for name in options):
            raise
        raise SettingsError(f"The encoder {kind!r} does not take these options: {error}") from error


def parts_of_tasks(
    corpora: Mapping[str, Corpus] | Sequence[tuple[str, Corpus]],
    encoder: str | TaskEncoder = "sc_lstm",
    head: str | Mapping[str, str] = "crf",
    word_vectors: str | os.PathLike[str] | WordVectors | None = None,
    unseen_vectors: int | None = None,
    chars: str | CharMaker | None = "cnn",
    constrained: Choice = False,
    contextual: Any = None,
    language: Mapping[str, Any] | None = None,
    rules: Sequence[str] = DEFAULT_RULES,
    **options: Any,
) -> dict[str, Any]:
    """Builds what a `MultiTaskTagger` is made of.

    Args:
        corpora: The corpus of each task by its name, with its labels in the column of that name; a dict, or pairs.
        encoder: Name of the encoder, see `task_encoder`; or a `TaskEncoder`.
        head: "crf" or "softmax" for all tasks, or by task.
        word_vectors: As `Tagger.from_corpus`.
        unseen_vectors: As `Tagger.from_corpus`.
        chars: As `Tagger.from_corpus`.
        constrained: As `Tagger.from_corpus`, for each task; `True` for those that have a tag scheme.
        contextual: As `Tagger.from_corpus`: a `ScalarMix` or `elmo_vectors` for all tasks; with "stl" one for
            each, and so K times the memory of an ELMo model.
        language: Learns the words beside each token too, see `Tagger.from_corpus`; not with "stl".
        rules: As `Tagger.from_corpus`.
        **options: Of `task_encoder`, where the encoder is given by name.

    Raises:
        SettingsError: For two tasks with one name, an unknown encoder, head or option, or heads of other tasks.
        DataError: For a task without sentences or column.
    """
    corpora = task_corpora(corpora.items() if isinstance(corpora, Mapping) else corpora)
    if options and not isinstance(encoder, str):
        raise SettingsError(f"The given encoder has options of its own: leave out {', '.join(options)}.")
    tasks = list(corpora)
    kinds = _kinds(head, tasks)
    words = words_of_tasks(corpora, word_vectors, rules, unseen_vectors=unseen_vectors)
    source, elmo = sources_of(contextual)
    vectorizer = vectorizer_of_tasks(corpora, words, contextual=source)
    made = partial(features_of, vectorizer, words, chars=chars, elmo=elmo)
    return {
        "vectorizer": vectorizer,
        "tasks": tasks,
        "features": {task: features_named(made(), task) for task in tasks} if encoder == SEPARATE else made(),
        "encoder": task_encoder(encoder, len(tasks), **options) if isinstance(encoder, str) else encoder,
        "heads": [task_head(kinds[task], vectorizer, task, constrained) for task in tasks],
        "language": objective_of_tasks(vectorizer, corpora, language),
    }


def _kinds(head: str | Mapping[str, str], tasks: Sequence[str]) -> Mapping[str, str]:
    """The kind of head of each task."""
    kinds = dict.fromkeys(tasks, head) if isinstance(head, str) else head
    if set(kinds) != set(tasks):
        raise SettingsError(f"Expected a head for each of {', '.join(tasks)}; received {', '.join(kinds)}.")
    return kinds


def objective_of_tasks(
    vectorizer: Vectorizer, corpora: Mapping[str, Corpus], options: Mapping[str, Any] | None
) -> LanguageObjective | None:
    """Makes the language-model objective of several tasks by options of `language_objective`; `None` without."""
    return None if options is None else language_objective(vectorizer, all_sentences(corpora), **options)


def features_named(features: Sequence[keras.layers.Layer], task: str) -> list[keras.layers.Layer]:
    """Gives features the task's name besides their own: in one model Keras wants layers of different names."""
    for feature in features:
        feature.name = f"{feature.name}_{task}"
    return list(features)


def task_head(
    kind: str, vectorizer: Vectorizer, task: str, constrained: Choice = False, reduction: str = "tokens"
) -> Head:
    """Builds the head of a task whose labels the vectorizer knows."""
    labels = vectorizer.labels[task]
    scheme = vectorizer.schemes[task]
    rules = None if constrained is True and scheme is None else rules_of(constrained, labels.items, scheme)
    return named(kind, HEADS, "head")(len(labels), constraints=rules, reduction=reduction, name=f"head_{task}")


def check_parts(
    vectorizer: Vectorizer, tasks: Sequence[str], features: Any, encoder: TaskEncoder, heads: Sequence[Head]
) -> None:
    """Refuses parts that do not go together."""
    if not tasks or len(set(tasks)) < len(tasks):
        raise SettingsError(f"Tasks have different names, and there is at least one; received {list(tasks)}.")
    unknown = [task for task in tasks if task not in vectorizer.labels]
    if unknown:
        raise SettingsError(
            f"The vectorizer knows labels of {', '.join(vectorizer.labels)}, none of {', '.join(unknown)}."
        )
    if len(heads) != len(tasks) or encoder.tasks != len(tasks):
        raise SettingsError(
            f"Expected a head and a part of the encoder for each of {len(tasks)} tasks; received {len(heads)} heads, "
            f"and an encoder of {encoder.tasks} tasks."
        )
    if isinstance(features, Mapping) and set(features) != set(tasks):
        raise SettingsError(f"Expected features of each of {', '.join(tasks)}; received {', '.join(features)}.")


def config_of(model: Any) -> dict[str, Any]:
    """Returns the config of a `MultiTaskTagger`."""
    serialize = keras.saving.serialize_keras_object
    given = model.features
    features = (
        {task: [serialize(feature) for feature in part] for task, part in given.items()}
        if isinstance(given, Mapping)
        else [serialize(feature) for feature in given]
    )
    return {
        "name": model.name,
        "vectorizer": model.vectorizer.get_config(),
        "tasks": list(model.tasks),
        "features": features,
        "encoder": serialize(model.encoder),
        "heads": [serialize(head) for head in model.heads_by_task],
        "language": serialize(model.language),
        "dtype": model.dtype_policy.name,
    }


def parts_of_config(config: Mapping[str, Any], custom_objects: Any = None) -> dict[str, Any]:
    """Returns the constructor's arguments from `config_of`."""

    def made(part: Any) -> Any:
        return keras.saving.deserialize_keras_object(part, custom_objects)

    given = config["features"]
    features: Any = (
        {task: [made(feature) for feature in part] for task, part in given.items()}
        if isinstance(given, Mapping)
        else [made(feature) for feature in given]
    )
    return {
        "vectorizer": Vectorizer.from_config(config["vectorizer"], open_producer),
        "tasks": config["tasks"],
        "features": features,
        "encoder": made(config["encoder"]),
        "heads": [made(head) for head in config["heads"]],
        "language": made(config.get("language")),
        "name": config["name"],
    }
