"""One step of training or evaluation on a batch of one task, or of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import keras
from keras import ops

from seqlab.batches.multitask import TASK
from seqlab.constants import IGNORE
from seqlab.errors import DataError
from seqlab.models.language_objective import note_words, word_losses
from seqlab.models.one_pass import LABELS, decides
from seqlab.ops.stateful import gradients, switched

Tensor = Any


def step(model: Any, data: Any, training: bool) -> dict[str, Any]:
    """Takes a step of a `MultiTaskTagger` and returns its logs, outside of training with the labels that it decodes.

    Where labels are an array they are those of the task that `task` among the inputs names: of several branches, one
    for each task, that one runs alone. Should `task` name none, or rows of a batch different ones, nothing is learnt
    and the loss is NaN. Where labels are a dict, its tasks are learnt together.

    Args:
        model: The tagger.
        data: `(inputs, labels)` or `(inputs, labels, sample_weight)`.
        training: Whether weights are updated.
    """
    x, labels, weights = keras.utils.unpack_x_y_sample_weight(data)
    inputs = {name: x[name] for name in model.input}
    rows = ops.shape(inputs["mask"])[0]
    count = len(model.tasks)
    if isinstance(labels, Mapping):
        active = [model.position(task) for task in labels]
        found, told = _run(model, active, inputs, [labels[model.tasks[k]] for k in active], weights, training)
        labelled = {k: _labelled(labels[model.tasks[k]]) for k in active}
        real = [labelled.get(k, 0.0) for k in range(count)]
    else:
        index = _index(x, labels, count)
        branches = [partial(_run, model, [k], inputs, [labels], weights, training) for k in range(count)]
        lost = ops.convert_to_tensor([float("nan"), *[0.0] * (count + 2)], "float32")
        none = [ops.full_like(labels, IGNORE, dtype="int32")] if _tells(model, training) else []
        found, told = switched(index, [*branches, lambda: (lost, none)], _changed(model) if training else [])
        real = [ops.cast(index == k, "float32") * _labelled(labels) for k in range(count)]
    rows = ops.cast(rows, "float32")
    for metric in model.metrics:
        if metric.name == "loss":
            metric.update_state(found[0], sample_weight=rows)
    for k, tracker in enumerate(model.trackers):
        tracker.update_state(found[1 + k], sample_weight=real[k])
    note_words(model.language_metrics, found[-2], found[-1])
    logs: dict[str, Any] = model.get_metrics_result()
    if told:
        logs[LABELS] = dict(zip(labels, told, strict=True)) if isinstance(labels, Mapping) else told[0]
    return logs


def with_task_named(model: Any, data: Any) -> Any:
    """Names the task of a batch in its labels' structure, which is known before the step runs; others stay as they are.

    Args:
        model: The tagger.
        data: As `step`, with values and not only their shapes.
    """
    x, labels, weights = keras.utils.unpack_x_y_sample_weight(data)
    if labels is None or isinstance(labels, Mapping) or TASK not in x:
        return data
    rows = set(ops.convert_to_numpy(x[TASK]).tolist())
    if len(rows) != 1 or not 0 <= min(rows) < len(model.tasks):
        return data  # `step` says what becomes of it
    left = {name: value for name, value in x.items() if name != TASK}
    return left, {model.tasks[int(rows.pop())]: labels}, weights


def _labelled(labels: Tensor) -> Tensor:
    """How many sentences have labels: what a task's loss counts for in its mean over batches."""
    return ops.sum(ops.cast(ops.any(ops.not_equal(labels, IGNORE), axis=1), "float32"))


def _changed(model: Any) -> list[Any]:
    return [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]


def _index(x: Mapping[str, Any], labels: Any, count: int) -> Tensor:
    """The position of the batch's task; `count` for none."""
    if labels is None or TASK not in x:
        raise DataError(
            f"Expected labels, and {TASK!r} among the inputs: the position of the task that they are of, in each row. "
            f"Received inputs {', '.join(x)} and {'no ' if labels is None else ''}labels."
        )
    task = ops.cast(x[TASK], "int32")
    whole = ops.logical_and(ops.all(task == task[0]), ops.logical_and(task[0] >= 0, task[0] < count))
    return ops.where(whole, task[0], count)


def _tells(model: Any, training: bool) -> bool:
    """Whether a step decodes: an evaluation asks for labels, and no rule of any head looks at words."""
    return not training and model.tells and all(map(decides, model.heads_by_task))


def _run(
    model: Any, tasks: Sequence[int], inputs: Any, labels: Sequence[Tensor], weights: Any, training: bool
) -> tuple[Tensor, list[Tensor]]:
    """Returns the losses of a batch of some tasks, and the labels of each, (batch, time), where the step `_tells` them.

    Losses are their weighted sum, and the loss of each of all tasks, 0 for the others. Last come the sum of a
    language-model objective's losses and how many there are, 0 without one. Its share of the weighted sum is divided as
    the head of the first of these tasks divides its own, whatever lambda is.
    """

    def losses() -> tuple[Tensor, tuple[Tensor, list[Tensor]]]:
        graph = model.graph_of(tasks)
        outputs = graph(inputs, training=training)
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        scores = outputs[:1] if len(tasks) == 1 else [outputs[k] for k in tasks]
        own = [
            model.heads_by_task[k].loss(gold, score, _of(weights, model.tasks[k]))
            for k, gold, score in zip(tasks, labels, scores, strict=True)
        ]
        total = sum(model.weight_of(k) * loss for k, loss in zip(tasks, own, strict=True))
        for extra in graph.losses:
            total = total + ops.sum(extra)
        words, count = 0.0, 0.0
        if model.language is not None:
            words, given = word_losses(model.language, model.features, inputs, outputs[-1], scores[0].dtype)
            total = total + model.language.weight * model.heads_by_task[tasks[0]]._mean(words, given)
            count = 2 * ops.sum(given)
        by_task = dict(zip(tasks, own, strict=True))
        parts = [total, *(by_task.get(k, 0.0) for k in range(len(model.tasks))), words, count]
        told = []
        if _tells(model, training):
            heads = [model.heads_by_task[k] for k in tasks]
            told = [head.decode(score, inputs["mask"]) for head, score in zip(heads, scores, strict=True)]
        return total, (ops.stack([ops.cast(part, "float32") for part in parts]), told)

    if not training:
        return losses()[1]
    optimizer = model.optimizer
    active = optimizer.variables_of(tasks)
    learning = {id(variable) for variable in active}
    others = [variable for variable in model.trainable_variables if id(variable) not in learning]
    found, slopes = gradients(losses, active, [*others, *model.non_trainable_variables])
    optimizer.update(tasks, slopes)
    return found


def _of(weights: Any, task: str) -> Any:
    return weights.get(task) if isinstance(weights, Mapping) else weights
