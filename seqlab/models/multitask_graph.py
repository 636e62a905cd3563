"""The graph of a tagger of several tasks, and its steps: each reaches what a batch's tasks read, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import keras
from keras import ops

from seqlab.errors import SettingsError, suggest
from seqlab.layers.heads.base import Head
from seqlab.layers.language import LanguageObjective
from seqlab.layers.tasks.base import TaskEncoder
from seqlab.models.auxiliary import check_labels
from seqlab.models.inputs import inputs_of
from seqlab.models.labeller import Labeller
from seqlab.models.language_objective import build_objective, check_objective, language_metrics
from seqlab.models.multitask_builders import check_parts
from seqlab.models.multitask_steps import step, with_task_named
from seqlab.models.one_pass import OnePassModel
from seqlab.models.taskwise import TaskwiseOptimizer
from seqlab.ops.stateful import with_state
from seqlab.text.vectorizer import Vectorizer

Features = Sequence[keras.layers.Layer] | Mapping[str, Sequence[keras.layers.Layer]]


class Views:
    """Holds the graphs of the tasks where Keras does not look for layers: theirs are the model's own.

    Args:
        by_task: The graph of each task, from inputs to scores.
        trained: What training runs in their place and, last of all, in the model's: with a language-model objective
            those that give its states too.
    """

    def __init__(self, by_task: Mapping[str, Labeller], trained: Sequence[keras.Model] = ()) -> None:
        self.by_task = dict(by_task)
        self.trained = list(trained)
        self.asking: Any = None


class TaskView(Labeller):
    """One task's side of a `MultiTaskModel`, with that one's weights. It answers and exports; the whole is saved."""

    def heads(self) -> dict[int, Head]:
        """Returns the task's head."""
        return {0: self.head}

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Refuses: a task is saved with the tagger that it is a part of."""
        raise SettingsError(f"Save the tagger that this is a part of; without_task makes one of {self.task} alone.")


class MultiTaskModel(OnePassModel):
    """The side of a `MultiTaskTagger` that is trained; its arguments are that one's."""

    def __init__(
        self,
        vectorizer: Vectorizer,
        tasks: Sequence[str],
        features: Features,
        encoder: TaskEncoder,
        heads: Sequence[Head],
        language: LanguageObjective | None = None,
        **kwargs: Any,
    ) -> None:
        # === Layers ===
        check_parts(vectorizer, tasks, features, encoder, heads)
        _check_language(language, features, vectorizer)
        for head, task in zip(heads, tasks, strict=True):
            check_labels(head, task, vectorizer.labels[task])
        by_task = {task: features[task] if isinstance(features, Mapping) else features for task in tasks}
        inputs = inputs_of([feature for task in tasks for feature in by_task[task]])
        mask = inputs["mask"]

        # === Functional model ===
        asked = {} if language is None else {"directions": True}
        shared: list[Any] = []  # what a language-model objective reads
        if isinstance(features, Mapping):
            read = [_joined(by_task[task], inputs) for task in tasks]
            found = [encoder(x, mask=mask, task=k) for k, x in enumerate(read)]
        else:
            x = _joined(features, inputs)  # (batch, time, width)
            read = [x] * len(tasks)
            every, *shared = _listed(encoder(x, mask=mask, **asked))  # (batch, time, tasks, width)
            found = [every[:, :, k] for k in range(len(tasks))]
        scores = [head(x, mask=mask) for head, x in zip(heads, found, strict=True)]  # each (batch, time, labels)
        super().__init__(inputs=inputs, outputs=scores, **kwargs)

        # === Config ===
        self.vectorizer = vectorizer
        self.tasks = tuple(tasks)
        self.features = (
            {task: list(part) for task, part in features.items()} if isinstance(features, Mapping) else list(features)
        )
        self.encoder = encoder
        self.heads_by_task = list(heads)
        self.trackers = [keras.metrics.Mean(name=f"{task}_loss") for task in tasks]
        self.language = language
        self.language_metrics = [] if language is None else language_metrics()
        if language is not None:
            build_objective(language, shared[0].shape, self.features_of(tasks[0]))
        graphs = [_listed(encoder(x, mask=mask, task=k, **asked)) for k, x in enumerate(read)]
        self._views = _views(self, graphs, shared)

    def heads(self) -> dict[int, Head]:
        """Returns the heads by the position of their task."""
        return dict(enumerate(self.heads_by_task))

    def export(self, *args: Any, **kwargs: Any) -> None:
        """Refuses: `view(task).export(folder)` exports one task."""
        raise SettingsError(f"Export one task: tagger.view({self.tasks[0]!r}).export(folder).")

    @property
    def entry_names(self) -> tuple[str, ...]:
        """Labels and loss weights are found by task."""
        return self.tasks

    def position(self, task: str) -> int:
        """Returns the position of a task.

        Raises:
            SettingsError: For a task that this tagger lacks.
        """
        if task not in self.tasks:
            known = ", ".join(self.tasks)
            raise SettingsError(f"Unknown task {task!r}; this tagger has {known}.{suggest(str(task), self.tasks)}")
        return self.tasks.index(task)

    def view(self, task: str) -> Labeller:
        """Returns one task's side of the tagger: with `tag`, `score`, `probabilities`, `calibrate` as of a `Tagger`."""
        self.position(task)
        return self._views.by_task[task]

    def graph_of(self, positions: Sequence[int]) -> keras.Model:
        """Returns what a step on a task or on several runs: it gives the scores of that task, or those of all.

        With a language-model objective what that one reads is the last output.
        """
        if len(positions) > 1:
            return self._views.trained[-1] if self._views.trained else self
        return (self._views.trained or list(self._views.by_task.values()))[positions[0]]

    def features_of(self, task: str) -> list[keras.layers.Layer]:
        """Returns the features that a task reads."""
        return list(self.features[task] if isinstance(self.features, Mapping) else self.features)

    def weights_of(self, task: str) -> list[Any]:
        """Returns the weights that a task reads and trains; those of a language-model objective are every task's."""
        k = self.position(task)
        layers = [*self.features_of(task), self.heads_by_task[k], *([] if self.language is None else [self.language])]
        read = [*(weight for layer in layers for weight in layer.weights), *self.encoder.weights_of(k)]
        learning = {id(weight) for weight in self.trainable_weights}
        return [weight for weight in read if id(weight) in learning]

    def weight_of(self, position: int) -> float:
        """Returns lambda of the task at that position."""
        return self._head_weight(position)

    def compile(self, *args: Any, loss_weights: Any = None, **kwargs: Any) -> None:
        """Compiles as `SequenceModel.compile` does; the heads say what the loss is.

        Args:
            *args: The optimiser, as `keras.Model.compile`; a `TaskwiseOptimizer` is put around it.
            loss_weights: lambda_k by task, numbers above 0; 1 for those that are left out.
            **kwargs: As `keras.Model.compile`, without losses and metrics.

        Raises:
            SettingsError: For a lambda of 0 or below, a loss or metrics, float16 (bfloat16 needs no scaled losses), or
                an optimiser that cannot work by task.
        """
        optimizer = kwargs.pop("optimizer", args[0] if args else "rmsprop")
        if len(args) > 1:
            kwargs["loss"] = args[1]
        refused = [name for name in ("loss", "metrics", "weighted_metrics") if kwargs.pop(name, None) is not None]
        if refused:
            raise SettingsError(f"The heads of a MultiTaskTagger say loss and scores: leave out {', '.join(refused)}.")
        if self.compute_dtype == "float16":
            raise SettingsError("A MultiTaskTagger does not scale its losses as float16 needs it: use mixed_bfloat16.")
        numbers = list(loss_weights.values() if isinstance(loss_weights, Mapping) else loss_weights or [])
        if not all(isinstance(number, Real) and 0 < float(number) < float("inf") for number in numbers):
            raise SettingsError(f"loss_weights are numbers above 0, received {loss_weights!r}; leave out what is 1.")
        optimizer = keras.optimizers.get(optimizer)
        if not isinstance(optimizer, TaskwiseOptimizer):
            optimizer = TaskwiseOptimizer(optimizer)
        optimizer.group([self.weights_of(task) for task in self.tasks])
        super().compile(optimizer=optimizer, loss_weights=loss_weights, **kwargs)
        self._build_optimizer()  # within a step, whose branches each see a part of it, it would be too late

    def make_train_function(self, force: bool = False) -> None:
        """Prepares training; Keras calls it.

        On JAX each task gets a program of its own, since a switch within one copies all weights and moments.
        """
        made = self.train_function
        super().make_train_function(force)
        if keras.backend.backend() == "jax" and self.train_function is not made:
            run = self.train_function
            self.train_function = lambda state, batches: run(state, (with_task_named(self, one) for one in batches))

    def train_step(self, *arguments: Any) -> Any:
        """Trains on one batch; Keras calls it."""
        return self._stepped(arguments, training=True)

    def test_step(self, *arguments: Any) -> Any:
        """Computes the losses of one batch and its labels; Keras calls it."""
        return self._stepped(arguments, training=False)

    def _stepped(self, arguments: Sequence[Any], training: bool) -> Any:
        """From a batch to the logs; on JAX from a state and a batch to the logs and the state after it."""
        if keras.backend.backend() != "jax":
            return step(self, arguments[0], training)
        variables = [self.trainable_variables, self.non_trainable_variables, self.metrics_variables]
        if training:
            variables.insert(2, self.optimizer.variables)
        return with_state(lambda: step(self, arguments[1], training), variables, arguments[0])


def _check_language(language: LanguageObjective | None, features: Features, vectorizer: Vectorizer) -> None:
    if language is None:
        return
    if isinstance(features, Mapping):
        raise SettingsError(
            "Separate networks share no layer, of which a language-model objective of all tasks could read: train a "
            "Tagger for each task with an objective of its own, or take another encoder."
        )
    check_objective(language, features, vectorizer)


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


def _joined(features: Sequence[keras.layers.Layer], inputs: Mapping[str, Any]) -> Any:
    parts = [feature(*(inputs[field] for field in feature.fields)) for feature in features]
    return ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]


def _views(model: MultiTaskModel, graphs: Sequence[Sequence[Any]], shared: Sequence[Any]) -> Views:
    """Makes the graphs of the tasks from what the encoder gives each, and what it gives all of them besides."""
    views, trained = {}, []
    for task, head, (own, *states) in zip(model.tasks, model.heads_by_task, graphs, strict=True):
        scores = head(own, mask=model.input["mask"])
        views[task] = _view(model, task, head, scores)
        trained += [keras.Model(model.input, [scores, *states])] if states else []
    trained += [keras.Model(model.input, [*model.outputs, *shared])] if shared else []
    return Views(views, trained)


def _view(model: MultiTaskModel, task: str, head: Head, scores: Any) -> TaskView:
    found = TaskView(inputs=model.input, outputs=scores, name=f"{model.name}_{task}")
    found.vectorizer, found.task, found.tasks, found.head = model.vectorizer, task, (task,), head
    return found
