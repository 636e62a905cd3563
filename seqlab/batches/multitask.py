"""Batches of several tasks: each batch of one of them in an order that a schedule gives, or all of them in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from seqlab.batches.buckets import bucket_bounds
from seqlab.batches.loader import PADDING, Batches
from seqlab.batches.plan import Batch
from seqlab.batches.schedules import Schedule, Weighted, find_schedule
from seqlab.constants import IGNORE
from seqlab.corpora.records import Corpus, Sentence
from seqlab.corpora.tasks import check_labels_of
from seqlab.errors import DataError, SettingsError
from seqlab.text.vectorizer import Encoded, Vectorizer

TASK = "task"
"""Name of the array among the inputs that says which task a batch belongs to, (batch,)."""
JOINT = -1
"""What stands there in batches of all tasks."""


class Step(NamedTuple):
    """One step of an epoch: position of its task among the loaders, and its batch."""

    loader: int
    batch: Batch


def encode_tasks(vectorizer: Vectorizer, corpora: Mapping[str, Corpus], strict: bool = False) -> dict[str, Encoded]:
    """Encodes the corpus of each task, with its labels alone.

    Args:
        vectorizer: One for all tasks, see `seqlab.models.task_builders`.
        corpora: The corpus of each task, labels in the column of its name (`seqlab.corpora.tasks.task_corpora`).
        strict: As `Vectorizer.encode`.

    Raises:
        SettingsError: For a task that the vectorizer does not know.
        DataError: For a task without sentences or labels; for labels of another task.
    """
    known = {name: labels.items for name, labels in vectorizer.labels.items()}
    found = {}
    for name, corpus in corpora.items():
        if name not in known:
            raise SettingsError(f"Unknown task {name!r}; expected some of {', '.join(known)}.")
        if not len(corpus):
            raise DataError(f"The task {name!r} has no sentences: name a file that holds some, or leave the task out.")
        check_labels_of(name, corpus, known)
        found[name] = vectorizer.encode(corpus, strict, [name])
        if name not in found[name].labels:
            raise DataError(f"The corpus of the task {name!r} has no column of that name; see task_corpora.")
    return found


def encode_joint(vectorizer: Vectorizer, sentences: Sequence[Sentence], strict: bool = False) -> Encoded:
    """Encodes sentences of which each carries the columns of some tasks; labels that are missing are `IGNORE`.

    Args:
        vectorizer: One for all tasks.
        sentences: Such as `seqlab.corpora.tasks.joined_sentences` returns.
        strict: As `Vectorizer.encode`, and refuse sentences that lack a task altogether, as training data must not;
            without it, such a task is left out.

    Raises:
        DataError: For a task that no sentence has labels of, with `strict`; for no labels of any task; for labels of
            another task.
    """
    encoded = vectorizer.encode(sentences, tasks=())
    for task in vectorizer.labels:
        having = [k for k, sentence in enumerate(sentences) if task in sentence.columns]
        own = [sentences[k] for k in having]
        if not own and strict:
            raise DataError(f"The task {task!r} has no training data: no sentence has a column of that name.")
        if not own:
            continue
        check_labels_of(task, own, {name: labels.items for name, labels in vectorizer.labels.items()})
        part = vectorizer.encode(own, strict, [task])
        labels = np.full(int(encoded.offsets[-1]), IGNORE, np.int32)
        labels[np.repeat(np.isin(np.arange(len(sentences)), having), encoded.lengths)] = part.labels[task]
        encoded.labels[task], encoded.unseen[task] = labels, part.unseen[task]
    if not encoded.labels:
        raise DataError(f"No sentence has a column of any task; expected some of {', '.join(vectorizer.labels)}.")
    return encoded


class JointTaskBatches(Batches):
    """`Batches` whose labels are a dict by task, for sentences that carry the labels of several.

    Items are `(inputs, labels)` as `Batches` gives them, with `task` among the inputs: (batch,), all -1.

    Args:
        encoded: What `encode_joint` returns, or `Vectorizer.encode` of one corpus with all columns.
        **options: As `Batches`.

    Raises:
        SettingsError: For fewer than two tasks.
    """

    def __init__(self, encoded: Encoded, **options: Any) -> None:
        super().__init__(encoded, **options)
        if len(self.tasks) < 2:
            raise SettingsError(f"Joint batches are of two tasks or more, received {', '.join(self.tasks) or 'none'}.")

    def arrays(self, batch: Batch, index: int, empty: int = 0) -> tuple[Any, ...]:
        """As those of `Batches`, with the task."""
        inputs, labels = super().arrays(batch, index, empty)
        return {**inputs, TASK: np.full(len(inputs["mask"]), JOINT, np.int32)}, labels


class MultiTaskBatches(keras.utils.PyDataset):
    """Batches of which each belongs to one task, in the order that a schedule gives.

    Each item is `(inputs, labels)`: the arrays of `Batches`, with `task` among the inputs: (batch,), all equal to the
    task's position; and that task's labels, (batch, time), `IGNORE` at padding.

    The order of epoch `e` depends on `(seed, e)` alone, but for schedules whose weights change. Within an epoch a task
    gives no batch twice before it has given all; with a schedule that comes back to it then, it begins anew in another
    order. Buckets are those of all tasks together, so compilers that specialise on shapes compile few times.

    On TensorFlow, Keras fixes what the first two batches share: where they have equally many sentences and others do
    not, an empty one is added to the first.

    Args:
        encoded: The encoded corpus of each task, see `encode_tasks`.
        batch_size: As `Batches`.
        shuffle: Whether each task's batches are made anew in each epoch; else short sentences come first.
        seed: Seed of all orders.
        schedule: A schedule of `seqlab.batches.schedules`, or its name.
        tasks: All tasks of the model, whose order says which position each has; those of `encoded` by default.
        padding: As `Batches`.
        token_limit: As `Batches`.
        fields: As `Batches`; `task` is there in any case.

    Raises:
        SettingsError: For an unknown schedule or task, or a schedule that never visits one of them.
        DataError: For a task without sentences.
    """

    def __init__(
        self,
        encoded: Mapping[str, Encoded],
        batch_size: int = 32,
        shuffle: bool = False,
        seed: int = 0,
        schedule: str | Schedule = "exhaustive",
        tasks: Sequence[str] | None = None,
        padding: float = PADDING,
        token_limit: int = 20_000,
        fields: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        self.names = tuple(encoded)
        self.tasks = self.names if tasks is None else tuple(tasks)
        self.positions = _positions(self.names, self.tasks)
        self.seed = seed
        self.schedule = find_schedule(schedule)
        self.schedule.check(self.names)
        for name, part in encoded.items():
            if not len(part.sentences):
                raise DataError(f"The task {name!r} has no training data: give it sentences, or leave it out.")
        fields = None if fields is None else [field for field in fields if field != TASK]
        self.loaders = [
            Batches(part, batch_size, shuffle, _seed(seed, k), [name], padding, token_limit, fields)
            for k, (name, part) in enumerate(encoded.items())
        ]
        bounds = bucket_bounds(np.concatenate([part.lengths for part in encoded.values()]), padding)
        longest = max(loader.longest for loader in self.loaders)
        for loader in self.loaders:
            top = next(k for k, bound in enumerate(bounds) if bound >= loader.bounds[-1])
            loader.bounds, loader.longest = bounds[: top + 1], longest
        self.schedule.check(self.names, [len(self._batches_of(loader, 0, 0)) for loader in self.loaders])
        self._begun = self._ended = False
        self.start(0)

    def __len__(self) -> int:
        return len(self.steps) - self.first

    @property
    def batch_size(self) -> int:
        """Sentences in a batch."""
        return self.loaders[0].batch_size

    def start(self, epoch: int, batch: int = 0) -> None:
        """Takes the order of an epoch, from one of its batches on: how a resumed run goes on where it was cut off.

        Within a `fit`, Keras takes all epochs to be as long as the first. So after a `batch` above 0 the rest of that
        epoch has a `fit` of its own (`initial_epoch=epoch, epochs=epoch + 1`), and a second `fit` goes on.

        Args:
            epoch: The epoch, from 0.
            batch: How many of its batches are done.

        Raises:
            SettingsError: If the epoch has not that many batches.
        """
        steps = self._plan(epoch)
        if not 0 <= batch < len(steps):
            raise SettingsError(f"Epoch {epoch} has {len(steps)} batches: it cannot go on after {batch} of them.")
        self.epoch, self.first, self.steps = epoch, batch, steps
        self._begun = self._ended = False

    def start_epoch(self, epoch: int) -> None:
        """Takes the order of an epoch from its beginning."""
        self.start(epoch)

    def weigh(self, weights: Mapping[str, float]) -> None:
        """Gives the tasks other weights, from the present epoch on, which begins anew.

        Args:
            weights: A number above 0 for each task.

        Raises:
            SettingsError: For another schedule than `Weighted`, unknown or missing tasks, a weight of 0 or less.
        """
        if not isinstance(self.schedule, Weighted):
            raise SettingsError(f"weigh is for the schedule Weighted, received {type(self.schedule).__name__}.")
        if set(weights) != set(self.names):
            raise SettingsError(f"Expected a weight for each of {', '.join(self.names)}, received {dict(weights)}.")
        schedule = self.schedule.weighted([weights[name] for name in self.names])
        schedule.check(self.names)
        self.schedule = schedule
        self.start(self.epoch)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        number, batch = self.steps[self.first + index]
        self._ended |= self._begun and index == len(self) - 1
        inputs, labels = self.loaders[number].arrays(batch, index, self._empty(index))
        rows = len(inputs["mask"])
        return {**inputs, TASK: np.full(rows, self.positions[number], np.int32)}, labels

    def on_epoch_begin(self) -> None:
        """Called by Keras before each epoch."""
        self._begun, self._ended = True, False

    def on_epoch_end(self) -> None:
        """Called by Keras after each epoch, and once before the first, when no batch has been used yet."""
        if self._ended:
            self.start(self.epoch + 1)
        self._begun = False

    def _plan(self, epoch: int) -> list[Step]:
        random = np.random.default_rng((self.seed, epoch))
        plans = [self._batches_of(loader, epoch, 0) for loader in self.loaders]
        order = self.schedule.order([len(plan) for plan in plans], random)
        steps, turns, waiting = [], [0] * len(plans), [iter(plan) for plan in plans]
        for number in order.tolist():
            batch = next(waiting[number], None)
            if batch is None:
                turns[number] += 1
                waiting[number] = iter(self._batches_of(self.loaders[number], epoch, turns[number]))
                batch = next(waiting[number])
            steps.append(Step(number, batch))
        return steps

    @staticmethod
    def _batches_of(loader: Batches, epoch: int, turn: int) -> list[Batch]:
        """The batches of a task in an epoch, in the order of each time that it goes through them."""
        loader.start_epoch(epoch + (turn << 32))
        return loader.plan

    def _empty(self, index: int) -> int:
        if index or len(self) < 2 or keras.backend.backend() != "tensorflow":
            return 0
        first, second = (len(step.batch.sentences) for step in self.steps[self.first : self.first + 2])
        sizes = {len(batch.sentences) for loader in self.loaders for batch in loader.plan}
        return int(first == second and len(sizes) > 1)


def _positions(names: Sequence[str], tasks: Sequence[str]) -> list[int]:
    if len(set(tasks)) < len(tasks):
        raise SettingsError(f"Two tasks have one name: {', '.join(tasks)}; give each a name of its own.")
    for name in names:
        if name not in tasks:
            raise SettingsError(f"Unknown task {name!r}; expected some of {', '.join(tasks)}.")
    return [tasks.index(name) for name in names]


def _seed(seed: int, number: int) -> int:
    """A seed for each task, so that corpora of one size are not gone through in one order."""
    return int(np.random.SeedSequence((seed, number)).generate_state(1)[0])
