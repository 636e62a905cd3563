"""The tagger of several tasks: shared words and features, an encoder that they share in part, a head for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from seqlab.batches.loader import scoring_padding
from seqlab.batches.multitask import TASK, JointTaskBatches, MultiTaskBatches
from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError, SettingsError
from seqlab.layers.tasks.base import TaskEncoder
from seqlab.models import multitask_builders as builders
from seqlab.models.best import best_weights
from seqlab.models.multitask_asking import Asking, batches_of, plan_of, scored, told_by_task
from seqlab.models.multitask_change import with_task, without_task
from seqlab.models.multitask_graph import MultiTaskModel
from seqlab.models.producers import give_contextual
from seqlab.models.rules import Choice
from seqlab.text.contextual import Contextual


@keras.saving.register_keras_serializable(package="seqlab")
class MultiTaskTagger(MultiTaskModel):
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
        language: Has the batches of all tasks teach the next and the previous word besides (Rei 2017), from the first
            layer that they share: its weight times its losses, divided as those of the batch's task are, joins the
            loss. Logs hold `language_loss` and `language_perplexity`. Nothing of it is computed but in training and
            validation, and no graph that tags holds it.

    Raises:
        SettingsError: For two tasks with one name, a task without labels, another number of heads, of tasks of the
            encoder, or of tasks with features; for an objective beside separate networks, contextual vectors, or an
            encoder without a shared layer whose directions have not seen each other.
    """

    @classmethod
    def from_corpora(cls, corpora: Any, encoder: str | TaskEncoder = "sc_lstm", **options: Any) -> MultiTaskTagger:
        """Builds a tagger for the corpora of several tasks, which share one vocabulary.

        Args:
            corpora: The corpus of each task by its name, with its labels in the column of that name.
            encoder: "stl", "lstm_s", "lstm_d", "sc_lstm" or "private_shared", see `task_encoder`; or a `TaskEncoder`.
            **options: As `seqlab.models.multitask_builders.parts_of_tasks`: units, layers, dropout, head, word_vectors,
                contextual, language.

        Returns:
            The tagger, to be compiled.
        """
        return cls(**builders.parts_of_tasks(corpora, encoder, **options))

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
            restore_best: The validation figure that names the best epoch; `None` keeps the last epoch's weights. Tasks
                that share no weight each get those of their own best epoch (`val_f1`: by `val_TASK_f1`), unless the
                figure is one task's; of those without validation data the last stay.
            **kwargs: As `keras.Model.fit`; `validation_data` may be corpora too.

        Returns:
            Keras' history.

        Raises:
            DataError: For labels that the tagger does not know, or arrays of different tasks, which Keras would mix.
        """
        size = kwargs.pop("batch_size", None) or 32
        batches = batches_of(self, x, strict=True, schedule=schedule, batch_size=size, shuffle=True)
        if isinstance(batches, keras.utils.PyDataset):
            kwargs["shuffle"] = False  # they have an order of their own
        elif y is not None:
            _check_arrays(x, y)
            kwargs["batch_size"] = size
        if kwargs.get("validation_data") is not None:
            options: dict[str, Any] = {"batch_size": max(size, 32), "padding": scoring_padding()}
            kwargs["validation_data"] = held = batches_of(self, kwargs["validation_data"], **options)
            if restore_best is not None:
                bests = best_weights(self, restore_best, held.names if isinstance(held, MultiTaskBatches) else None)
                # First: others may change an epoch's weights, or choose the last ones.
                kwargs["callbacks"] = [*bests, *(kwargs.get("callbacks") or [])]
        return super().fit(batches, y, **kwargs)

    def evaluate(self, x: Any = None, y: Any = None, return_dict: bool = False, **kwargs: Any) -> Any:
        """Evaluates as `keras.Model.evaluate` does, with the scores of each task and the mean of each kind besides."""
        size = kwargs.pop("batch_size", None) or 32
        batches = batches_of(self, x, batch_size=size, padding=scoring_padding())
        if not isinstance(batches, keras.utils.PyDataset) and y is not None:
            _check_arrays(x, y)
            kwargs["batch_size"] = size
        ours = isinstance(batches, MultiTaskBatches | JointTaskBatches)
        with self.noting((lambda: plan_of(batches)) if ours else None) as notes:
            logs = super().evaluate(batches, y, return_dict=True, **kwargs)
        if ours:
            logs.update(scored(self, batches, told_by_task(batches, notes)))
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
    def contextual(self) -> Contextual | None:
        """Where the contextual vectors of all tasks come from; may be set, see `Labeller.contextual`."""
        return self.vectorizer.contextual

    @contextual.setter
    def contextual(self, source: Any) -> None:
        give_contextual(self, source)

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

    def with_task(
        self,
        task: str,
        corpus: Corpus,
        head: str = "crf",
        depth: int | None = None,
        constrained: Choice = False,
        reduction: str | None = None,
    ) -> MultiTaskTagger:
        """Returns a tagger that has learnt the same and has room for one task more; compile and fit it.

        Args:
            task: Its name, a column of the corpus.
            corpus: What it will be learnt from. Words keep their rows: those that the tagger does not know are unknown.
            head: "crf" or "softmax".
            depth: The layer that it reads, for `SharedEncoder` with depths; the top without.
            constrained: As `Tagger.from_corpus`; `True` does nothing for labels without a tag scheme.
            reduction: As of its head; that of the other heads by default.

        Raises:
            SettingsError: For a task that is there already, or no reduction where those of the other heads differ.
        """
        return with_task(self, task, corpus, head, depth, constrained, reduction)

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


def _check_arrays(x: Any, labels: Any) -> None:
    tasks = x.get(TASK) if isinstance(x, Mapping) else None
    if not isinstance(labels, Mapping) and tasks is not None and len(np.unique(np.asarray(tasks))) > 1:
        raise DataError("These arrays hold several tasks, which Keras would mix in one batch: fit MultiTaskBatches.")
