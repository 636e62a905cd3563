"""What a trained tagger of several tasks says of data and text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from seqlab.batches.loader import Batches
from seqlab.batches.multitask import JointTaskBatches, MultiTaskBatches, encode_joint, encode_tasks
from seqlab.corpora.records import Corpus, Sentence
from seqlab.corpora.tasks import check_labels_of
from seqlab.errors import SettingsError, check_count
from seqlab.models.decoding import run_flat
from seqlab.models.one_pass import Notes, labels_of, scores_of
from seqlab.models.sparing import SparingModel
from seqlab.models.tagging import Tagging, tagged
from seqlab.text.tokenizer import Tokenizer, split_sentences

Scores = dict[str, list[np.ndarray]]
Told = dict[str, list[np.ndarray] | None]


class Asking:
    """Runs the graphs of a tagger from sentences to scores, once for all tasks that are asked for.

    Args:
        model: A `MultiTaskTagger`.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._graphs: dict[tuple[str, ...], keras.Model] = {}

    def batches(self, sentences: Sequence[Sentence]) -> Batches:
        """Returns sentences as batches without labels."""
        encoded = self._model.vectorizer.encode(sentences, tasks=())
        return Batches(encoded, fields=tuple(self._model.input))

    def scores(self, batches: Batches, tasks: Sequence[str]) -> Scores:
        """Returns the scores of each sentence for each of some tasks, in the corpus' order: `(tokens, labels)`."""
        model = self._model
        places = [model.position(task) for task in tasks]
        key = tuple(tasks)
        widths = [model.outputs[place].shape[-1] for place in places]
        if key not in self._graphs:
            parts = (
                [model.view(task).outputs[0] for task in tasks] if len(key) == 1 else [model.outputs[k] for k in places]
            )
            flat = [ops.reshape(part, (-1, width)) for part, width in zip(parts, widths, strict=True)]
            self._graphs[key] = SparingModel(model.input, ops.concatenate(flat, axis=-1))
        ends = np.cumsum(widths)[:-1]
        rows = [np.split(row, ends, axis=-1) for row in run_flat(self._graphs[key], batches)]
        return {task: [row[number] for row in rows] for number, task in enumerate(tasks)}

    def tag_all(
        self,
        texts: Sequence[Any],
        tasks: Sequence[str] | None = None,
        tokenizer: Tokenizer = split_sentences,
        probabilities: bool = False,
        n_best: int | None = None,
    ) -> dict[str, list[Tagging]]:
        """Tags texts for all tasks or those asked for; see `MultiTaskTagger.tag`."""
        names = self._model.tasks if tasks is None else [tasks] if isinstance(tasks, str) else list(tasks)
        for name in names:
            self._model.position(name)
        if not names:
            raise SettingsError(f"No task is asked for; choose some of {', '.join(self._model.tasks)}.")
        if n_best is not None:
            check_count("n_best", n_best)
        known: dict[str, Any] = {}

        def read(task: str, sentences: list[Sentence], _: Any) -> Any:
            if not known:  # every task reads the same sentences
                known["batches"] = self.batches(sentences)
                known["scores"] = self.scores(known["batches"], names)
            own = known["scores"][task]
            return self._model.view(task).readings(known["batches"], None, probabilities, n_best, own)

        found = {}
        for name in names:
            options = {"scheme": self._model.view(name).scheme, "probabilities": probabilities}
            found[name] = tagged(texts, tokenizer, partial(read, name), n_best=n_best is not None, **options)
        return found


def batches_of(model: Any, data: Any, strict: bool = False, schedule: Any = None, **options: Any) -> Any:
    """Returns corpora by task, or sentences with the labels of several, as batches; other data as it is.

    Args:
        model: A `MultiTaskTagger`.
        data: What `fit` takes.
        strict: Refuse labels that the tagger does not know.
        schedule: Which task is when; one after the other without.
        **options: As `Batches`.

    Raises:
        SettingsError: For `MultiTaskBatches` whose positions of tasks are not the model's.
        DataError: For labels of one task given as those of another.
    """
    if isinstance(data, MultiTaskBatches) and data.tasks != tuple(model.tasks):
        raise SettingsError(
            f"These batches count tasks as {', '.join(data.tasks)}, the tagger as {', '.join(model.tasks)}: each batch "
            "would go to another task's head. Make them with MultiTaskBatches(..., tasks=tagger.tasks)."
        )
    fields = tuple(model.input)
    if isinstance(data, Mapping) and data and all(map(_is_sentences, data.values())):
        for task in data:
            model.position(task)
        aligned = {task: _aligned(model, task, part) for task, part in data.items()}
        known = {task: model.vectorizer.labels[task].items for task in model.tasks}
        for task, part in aligned.items():
            check_labels_of(task, part, known)
        by_task = encode_tasks(model.vectorizer, aligned, strict)
        order = "sequential" if schedule is None else schedule
        return MultiTaskBatches(by_task, tasks=model.tasks, schedule=order, fields=fields, **options)
    if _is_sentences(data) and len(data):
        for task in model.tasks:
            data = _aligned(model, task, data)
        encoded = encode_joint(model.vectorizer, data, strict)
        if len(encoded.labels) > 1:
            return JointTaskBatches(encoded, fields=fields, **options)
        own = {task: [sentence for sentence in data if task in sentence.columns] for task in encoded.labels}
        return batches_of(model, own, strict, schedule, **options)
    return data


def plan_of(batches: MultiTaskBatches | JointTaskBatches) -> list[Any]:
    """Returns what stands in each batch of an epoch: the steps of several tasks, or batches of sentences."""
    return batches.steps[batches.first :] if isinstance(batches, MultiTaskBatches) else batches.plan


def told_by_task(batches: MultiTaskBatches | JointTaskBatches, notes: Notes) -> Told:
    """Returns what an evaluation has told, as the labels of each task's sentences; `None` where some are missing.

    Args:
        batches: What was evaluated.
        notes: Of that evaluation; its labels are by task where a batch has those of several.
    """
    if len(notes.labels) != len(notes.plan) or any(labels is None for labels in notes.labels):
        return {}
    if isinstance(batches, JointTaskBatches):
        lengths = batches.encoded.lengths
        by_task = {task: [labels[task] for labels in notes.labels] for task in batches.tasks}
        return {task: labels_of(noted, notes.plan, lengths) for task, noted in by_task.items()}
    found = {}
    for number, (task, loader) in enumerate(zip(batches.names, batches.loaders, strict=True)):
        own = [
            (labels, step.batch) for labels, step in zip(notes.labels, notes.plan, strict=True) if step.loader == number
        ]
        found[task] = labels_of([labels for labels, _ in own], [batch for _, batch in own], loader.encoded.lengths)
    return found


def scored(model: Any, batches: MultiTaskBatches | JointTaskBatches, told: Told | None = None) -> dict[str, float]:
    """Scores the tasks of batches: each task's figures under `task_f1` and so on, and the mean over tasks as `f1`.

    Args:
        model: The tagger.
        batches: What it was evaluated on.
        told: The labels that it has told then; sentences of the other tasks are tagged.
    """
    found = {}
    for number, task in enumerate(batches.names if isinstance(batches, MultiTaskBatches) else batches.tasks):
        view, labels = model.view(task), (told or {}).get(task)
        loader = batches.loaders[number] if isinstance(batches, MultiTaskBatches) else batches
        whole = loader.encoded.sentences
        having = [k for k, sentence in enumerate(whole) if task in sentence.columns]
        if labels is not None:
            scores = scores_of(view, [whole[k] for k in having], [labels[k] for k in having])
        elif loader is batches:
            scores = view.score([whole[k] for k in having])
        else:
            loader.start_epoch(0)
            scores = view.score(loader)
        found[task] = scores.logs()
    logs = {f"{task}_{name}": value for task, figures in found.items() for name, value in figures.items()}
    names = next(iter(found.values()))
    return logs | {name: float(np.mean([figures[name] for figures in found.values()])) for name in names}


def _aligned(model: Any, task: str, data: Any) -> Any:
    return model.view(task).aligned(data) if isinstance(data, Corpus) and task in data.tasks else data


def _is_sentences(data: Any) -> bool:
    return isinstance(data, Sequence) and all(isinstance(item, Sentence) for item in data)
