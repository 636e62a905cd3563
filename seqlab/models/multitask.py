"""The tagger of several tasks: shared words and features, an encoder that they share in part, a head for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import keras
import numpy as np
from keras import ops

from seqlab.batches.multitask import JointTaskBatches, MultiTaskBatches
from seqlab.constants import TASK
from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError, SettingsError, suggest
from seqlab.layers.heads.base import Head
from seqlab.layers.tasks.base import TaskEncoder
from seqlab.models import multitask_builders as builders
from seqlab.models.auxiliary import check_labels
from seqlab.models.best import BestWeights
from seqlab.models.labeller import Labeller
from seqlab.models.multitask_asking import Asking, batches_of, scored
from seqlab.models.multitask_change import with_task, without_task
from seqlab.models.multitask_steps import step
from seqlab.models.sequence_model import SequenceModel
from seqlab.models.taskwise import TaskwiseOptimizer
from seqlab.ops.stateful import with_state
from seqlab.text.vectorizer import Vectorizer

Features = Sequence[keras.layers.Layer] | Mapping[str, Sequence[keras.layers.Layer]]


class _Views:
    """Holds the graphs of the tasks where Keras does not look for layers: theirs are the tagger's own."""

    def __init__(self, views: Mapping[str, Labeller]) -> None:
        self.by_task = dict(views)
        self.asking: Asking | None = None


@keras.saving.register_keras_serializable(package="seqlab")
class MultiTaskTagger(SequenceModel):
    """Labels each token for several tasks: `scores_k = head_k(encoder([feature_1; ...; feature_n], mask, task=k))`.

    A plain Keras model under `compile`, `fit`, `evaluate`, `save` and `keras.models.load_model`. A step on a batch of
    task k runs k's part of the encoder and k's head, and updates what k reads: weights, moments and averages of the
    others stay as they are to the bit, see `TaskwiseOptimizer`. Which task a batch belongs to stands among its inputs:
    `task`, (batch,) whole numbers, all the task's position, with labels (batch, time). In a batch with a dict of labels
    by task, all of these are learnt together. Loss: `sum of lambda_k loss_k` over the batch's tasks, `lambda_k` from
    `compile(loss_weights={task: number above 0})`, 1 without. Logs hold each task's own loss too, not weighted, and
    after validation each task's scores (`val_ner_f1`) and their mean (`val_f1`).

    Args:
        vectorizer: Turns words into integers; it knows the labels of each task.
        tasks: The names of the tasks.
        features: Layers whose `fields` name the arrays they read, for all tasks; or by task, for separate networks.
        encoder: What the tasks share, see `seqlab.layers.tasks`.
        heads: Layer that scores the labels of each task, in the order of `tasks`.

    Raises:
        SettingsError: For two tasks with one name, a task without labels, another number of heads, of tasks of the
            encoder, or of tasks with features.
    """

    def __init__(
        self,
        vectorizer: Vectorizer,
        tasks: Sequence[str],
        features: Features,
        encoder: TaskEncoder,
        heads: Sequence[Head],
        **kwargs: Any,
    ) -> None:
        # === Layers ===
        builders.check_parts(vectorizer, tasks, features, encoder, heads)
        for head, task in zip(heads, tasks, strict=True):
            check_labels(head, task, vectorizer.labels[task])
        by_task = {task: features[task] if isinstance(features, Mapping) else features for task in tasks}
        needed = [field for task in tasks for feature in by_task[task] for field in feature.fields]
        inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in needed}
        inputs["mask"] = mask = keras.Input((None,), dtype="bool", name="mask")

        # === Functional model ===
        if isinstance(features, Mapping):
            read = [_joined(by_task[task], inputs) for task in tasks]
            found = [encoder(x, mask=mask, task=k) for k, x in enumerate(read)]
        else:
            x = _joined(features, inputs)  # (batch, time, width)
            read = [x] * len(tasks)
            every = encoder(x, mask=mask)  # (batch, time, tasks, width)
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
        graphs = [
            head(encoder(x, mask=mask, task=k), mask=mask) for k, (x, head) in enumerate(zip(read, heads, strict=True))
        ]
        self._views = _Views(
            {task: _view(self, task, head, graph) for task, head, graph in zip(tasks, heads, graphs, strict=True)}
        )

    @classmethod
    def from_corpora(cls, corpora: Any, encoder: str | TaskEncoder = "sc_lstm", **options: Any) -> MultiTaskTagger:
        """Builds a tagger for the corpora of several tasks, which share one vocabulary.

        Args:
            corpora: The corpus of each task by its name, with its labels in the column of that name.
            encoder: "stl", "lstm_s", "lstm_d", "sc_lstm" or "private_shared", see `task_encoder`; or a `TaskEncoder`.
            **options: As `seqlab.models.multitask_builders.parts_of_tasks`: units, layers, dropout, head, word_vectors.

        Returns:
            The tagger, to be compiled.
        """
        return cls(**builders.parts_of_tasks(corpora, encoder, **options))

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

    def features_of(self, task: str) -> list[keras.layers.Layer]:
        """Returns the features that a task reads."""
        return list(self.features[task] if isinstance(self.features, Mapping) else self.features)

    def weights_of(self, task: str) -> list[Any]:
        """Returns the weights that a task reads and trains."""
        k = self.position(task)
        layers = [*self.features_of(task), self.heads_by_task[k]]
        read = [*(weight for layer in layers for weight in layer.weights), *self.encoder.weights_of(k)]
        learning = {id(weight) for weight in self.trainable_weights}
        return [weight for weight in read if id(weight) in learning]

    def weight_of(self, position: int) -> float:
        """Returns lambda of the task at that position."""
        return self._head_weight(position)

    def compile(self, optimizer: Any = "rmsprop", loss_weights: Any = None, **kwargs: Any) -> None:
        """Compiles as `SequenceModel.compile` does; the heads say what the loss is.

        Args:
            optimizer: As `keras.Model.compile`; a `TaskwiseOptimizer` is put around it.
            loss_weights: lambda_k by task, numbers above 0; 1 for those that are left out.
            **kwargs: As `keras.Model.compile`, without losses and metrics.

        Raises:
            SettingsError: For a lambda of 0 or below, a loss or metrics, float16 (bfloat16 needs no scaled losses), or
                an optimiser that cannot work by task.
        """
        refused = [name for name in ("loss", "metrics", "weighted_metrics") if kwargs.pop(name, None) is not None]
        if refused:
            raise SettingsError(f"The heads of a MultiTaskTagger say loss and scores: leave out {', '.join(refused)}.")
        if self.compute_dtype == "float16":
            raise SettingsError("A MultiTaskTagger does not scale its losses as float16 needs it: use mixed_bfloat16.")
        numbers = list(loss_weights.values() if isinstance(loss_weights, Mapping) else loss_weights or [])
        if not all(isinstance(number, Real) and 0 < number < float("inf") for number in numbers):
            raise SettingsError(f"loss_weights are numbers above 0, received {loss_weights!r}; leave out what is 1.")
        optimizer = keras.optimizers.get(optimizer)
        if not isinstance(optimizer, TaskwiseOptimizer):
            optimizer = TaskwiseOptimizer(optimizer)
        optimizer.group([self.weights_of(task) for task in self.tasks])
        super().compile(optimizer=optimizer, loss_weights=loss_weights, **kwargs)

    def train_step(self, *arguments: Any) -> Any:
        """Trains on one batch; Keras calls it."""
        if keras.backend.backend() != "jax":
            return step(self, *arguments, training=True)
        state, data = arguments
        variables = (self.trainable_variables, self.non_trainable_variables)
        variables += (self.optimizer.variables, self.metrics_variables)
        return with_state(lambda: step(self, data, training=True), variables, state)

    def test_step(self, *arguments: Any) -> Any:
        """Computes the losses of one batch; Keras calls it."""
        if keras.backend.backend() != "jax":
            return step(self, *arguments, training=False)
        state, data = arguments
        variables = (self.trainable_variables, self.non_trainable_variables, self.metrics_variables)
        return with_state(lambda: step(self, data, training=False), variables, state)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        schedule: Any = "exhaustive",
        restore_best: str | None = "val_f1",
        **kwargs: Any,
    ) -> Any:
        """Trains as `keras.Model.fit` does; the best epoch's weights are restored at the end.

        Args:
            x: A dict of corpora by task; sentences that carry the labels of several; `MultiTaskBatches`; or what Keras
                takes, with `task` among the inputs.
            y: Labels, where `x` holds none.
            schedule: Which task is when, for corpora; see `seqlab.batches.schedules`.
            restore_best: The validation figure that names the best epoch; `None` keeps the last epoch's weights.
            **kwargs: As `keras.Model.fit`; `validation_data` may be corpora too.

        Returns:
            Keras' history.

        Raises:
            DataError: For labels that the tagger does not know, or arrays of different tasks, which Keras would mix.
        """
        size = kwargs.pop("batch_size", None) or 32
        options = {"batch_size": size, "shuffle": True}
        batches = batches_of(self, x, strict=True, schedule=schedule, **options)
        if isinstance(batches, keras.utils.PyDataset):
            kwargs["shuffle"] = False  # they have an order of their own
        elif y is not None:
            _check_arrays(x, y)
            kwargs["batch_size"] = size
        if kwargs.get("validation_data") is not None:
            kwargs["validation_data"] = batches_of(self, kwargs["validation_data"], batch_size=max(size, 32))
            if restore_best is not None:
                # First: others may change an epoch's weights, or choose the last ones.
                kwargs["callbacks"] = [BestWeights(restore_best), *(kwargs.get("callbacks") or [])]
        return super().fit(batches, y, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, return_dict: bool = False, **kwargs: Any) -> Any:
        """Evaluates as `keras.Model.evaluate` does, with the scores of each task and the mean of each kind besides."""
        options = {"batch_size": kwargs.pop("batch_size", None) or 32}
        batches = batches_of(self, x, **options)
        if not isinstance(batches, keras.utils.PyDataset) and y is not None:
            _check_arrays(x, y)
            kwargs |= options
        logs = super().evaluate(batches, y, return_dict=True, **kwargs)
        if isinstance(batches, MultiTaskBatches | JointTaskBatches):
            logs.update(scored(self, batches))
        return logs if return_dict else list(logs.values())

    def predict(self, x: Any, tasks: Sequence[str] | None = None, **kwargs: Any) -> Any:
        """Predicts as `keras.Model.predict` does; for sentences, a list of `(tokens, labels)` score arrays by task."""
        if isinstance(x, Sequence) and all(isinstance(item, Sentence) for item in x):
            return self.asking.scores(self.asking.batches(x), tasks or self.tasks)
        if tasks is not None:
            raise SettingsError("tasks are chosen for sentences; the scores of arrays are those of all tasks.")
        if isinstance(x, Mapping):
            x = {name: array for name, array in x.items() if name != TASK}
        return super().predict(x, **kwargs)

    @property
    def asking(self) -> Asking:
        """Runs the graphs from sentences to what the tagger says of them."""
        if self._views.asking is None:
            self._views.asking = Asking(self)
        return self._views.asking

    def tag(self, text: Any, tasks: Sequence[str] | None = None, **options: Any) -> Any:
        """Tags one text, or one sentence that is already cut into words, for all tasks or those asked for.

        Args:
            text: As `Tagger.tag`.
            tasks: Their names; all by default.
            **options: As `Tagger.tag`: tokenizer, probabilities, n_best.

        Returns:
            A `Tagging` for each task, by its name. The encoder runs once for all.

        Raises:
            SettingsError: For a task that the tagger lacks.
        """
        return {task: found[0] for task, found in self.asking.tag_all([text], tasks, **options).items()}

    def tag_all(self, texts: Any, tasks: Sequence[str] | None = None, **options: Any) -> Any:
        """Tags many texts at once; see `tag`. Returns a list of them for each task."""
        if isinstance(texts, str):
            raise DataError("tag_all takes several texts, received one; use tag for one text.")
        return self.asking.tag_all(list(texts), tasks, **options)

    def with_task(self, task: str, corpus: Corpus, head: str = "crf", depth: int | None = None) -> MultiTaskTagger:
        """Returns a tagger that has learnt the same and has room for one task more; compile and fit it.

        Args:
            task: Its name, a column of the corpus.
            corpus: What it will be learnt from. Words keep their rows: those that the tagger does not know are unknown.
            head: "crf" or "softmax".
            depth: The layer that it reads, for `SharedEncoder` with depths; the top without.
        """
        return with_task(self, task, corpus, head, depth)

    def without_task(self, task: str) -> MultiTaskTagger:
        """Returns a tagger of the other tasks, with what they read; compile it to train on."""
        return without_task(self, task)

    def get_config(self) -> dict[str, Any]:
        """Returns all parts: vocabularies, labels and layers."""
        return builders.config_of(self)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> MultiTaskTagger:
        """Rebuilds a tagger from `get_config()`."""
        found = cls(**builders.parts_of_config(config, custom_objects))
        found.dtype_policy = config["dtype"]
        return found


def _joined(features: Sequence[keras.layers.Layer], inputs: Mapping[str, Any]) -> Any:
    parts = [feature(*(inputs[field] for field in feature.fields)) for feature in features]
    return ops.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]


def _view(model: MultiTaskTagger, task: str, head: Head, scores: Any) -> Labeller:
    found = Labeller(inputs=model.input, outputs=scores, name=f"{model.name}_{task}")
    found.vectorizer, found.task, found.tasks, found.head = model.vectorizer, task, (task,), head
    return found


def _check_arrays(x: Any, labels: Any) -> None:
    tasks = x.get(TASK) if isinstance(x, Mapping) else None
    if not isinstance(labels, Mapping) and tasks is not None and len(np.unique(np.asarray(tasks))) > 1:
        raise DataError("These arrays hold several tasks, which Keras would mix in one batch: fit MultiTaskBatches.")
