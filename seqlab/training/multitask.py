"""One training run of several tasks in a folder of its own, which a kill at any moment leaves fit to be resumed."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras

from seqlab.batches.multitask import MultiTaskBatches, encode_tasks
from seqlab.batches.schedules import SCHEDULES
from seqlab.batches.score_weights import ScoreWeights
from seqlab.corpora.records import Corpus
from seqlab.corpora.tasks import all_sentences, check_labels_of, task_corpora
from seqlab.evaluation.scores import Scores
from seqlab.files import write_text
from seqlab.models.best import best_weights
from seqlab.models.multitask import MultiTaskTagger
from seqlab.multitask_settings import MultiTaskSettings, TaskScheduleSettings
from seqlab.tags.schemes import resolve
from seqlab.training import data as data_room
from seqlab.training.course import follow
from seqlab.training.folder import MODEL, SCORES, open_folder
from seqlab.training.lock import locked
from seqlab.training.multitask_build import build, compile_tasks
from seqlab.training.report import board
from seqlab.training.run import COVERAGE
from seqlab.training.schedules import Watching, watching_tasks
from seqlab.training.words import read_words, report_words

Corpora = Mapping[str, Corpus]


@dataclass(frozen=True)
class TaskData:
    """The corpora of a run, by task, labels in the column of the task's name.

    Attributes:
        train: Training corpora of all tasks.
        dev: Development corpora of all tasks.
        test: Test corpora of the tasks that have one.
    """

    train: Corpora
    dev: Corpora
    test: Corpora

    @property
    def joined(self) -> data_room.Data:
        """The words of all tasks."""
        test = all_sentences(self.test) if self.test else None
        return data_room.Data(all_sentences(self.train), all_sentences(self.dev), test)


@dataclass(frozen=True)
class MultiTaskResult:
    """What a run left behind: the model, and its scores by part (`dev`, `test`) and task."""

    tagger: MultiTaskTagger
    scores: dict[str, dict[str, Scores]]
    folder: Path


def read(settings: MultiTaskSettings, strict: bool = False) -> TaskData:
    """Reads the corpora of all tasks; see `seqlab.training.data.corpora`.

    Args:
        settings: The run's settings.
        strict: Refuse labels in development or test data that training has not seen, instead of reporting them.

    Raises:
        DataError: For anything wrong with a file, naming file and line; for labels of one task in a file of another.
    """
    schemes = {task.name: task.tag_scheme and resolve(task.tag_scheme).name for task in settings.tasks}
    found = [(task, data_room.corpora(settings.of(task), strict)) for task in settings.tasks]

    def gathered(name: str) -> dict[str, Corpus]:
        parts = [(task.name, getattr(data, name), task.learnt) for task, data in found]
        given = [part for part in parts if part[1] is not None]
        own = task_corpora(given) if given else {}
        return {task: one.converted(task, scheme) if (scheme := schemes[task]) else one for task, one in own.items()}

    data = TaskData(gathered("train"), gathered("dev"), gathered("test"))
    known = {name: tuple(corpus.labels(name)) for name, corpus in data.train.items()}
    for part in (data.dev, data.test):
        for name, corpus in part.items():
            check_labels_of(name, corpus, known)
    return data


def digest(settings: MultiTaskSettings) -> dict[str, str]:
    """Returns the SHA-256 of every file that the settings name."""
    return data_room.digest(*map(settings.of, settings.tasks))


def train(
    settings: MultiTaskSettings,
    folder: str | Path,
    resume: bool = False,
    strict: bool = False,
    verbose: int = 1,
    until: int | None = None,
) -> MultiTaskResult:
    """Trains a tagger of several tasks as the settings say and leaves everything about it in a folder.

    The folder holds what `seqlab.training.run.train` says. The best epoch is that with the greatest mean of the tasks'
    development scores: F1 of spans, accuracy of plain labels. Tasks that share no weight (`encoder.kind` stl) each keep
    the weights of their own best epoch, and training stops when no task was better for `patience` epochs: then a task
    may find its best epoch later than a run of it alone, which would have stopped, but never a worse one.

    Args:
        settings: The resolved settings.
        folder: The run's folder; it may hold a run only with `resume`.
        resume: Go on from the last finished epoch; the end is that of an unbroken run with the same seed.
        strict: Refuse labels in development or test data that training has not seen.
        verbose: As Keras' `fit`.
        until: Pause after this epoch; a resumed run with a later one, or none, goes on as if there had been no pause.

    Returns:
        The model of the best epoch, or of each task's best, and its scores.

    Raises:
        SettingsError: If the folder holds another run, or a run with other settings, or another process trains in it.
        DataError: For anything wrong with the data, or for other data than the run began with.
    """
    folder = Path(folder)
    data = read(settings, strict)
    with locked(folder):
        open_folder(settings, folder, resume, digest(settings))
        return run(settings, folder, data, verbose, until)


def run(
    settings: MultiTaskSettings, folder: Path, data: TaskData, verbose: int = 1, until: int | None = None
) -> MultiTaskResult:
    """Trains on corpora already read, from the state in the folder if there is one. See `train`."""
    keras.utils.set_random_seed(settings.seed)
    options = settings.training
    joined = data.joined
    words = read_words(settings.of(settings.tasks[0]), *joined)
    report_words(words, joined, folder / COVERAGE)
    tagger = build(settings, data.train, words)
    batches = _batches(settings, tagger, data.train)
    compile_tasks(tagger, settings, len(batches))
    watched = watching_tasks(options.plain, best_weights(tagger, options.plain.monitor))
    course = follow(
        tagger,
        batches,
        folder,
        options.epochs,
        Watching(watched.best, [*watched.others, *_weighing(settings.schedule, batches)]),
        until,
        after=[board(folder)],
        validation_data=data.dev,
        restore_best=None,
        verbose=verbose,
    )
    return _finish(tagger, folder, data, keep=course.over and (folder / SCORES).is_file())


def _batches(settings: MultiTaskSettings, tagger: MultiTaskTagger, train: Corpora) -> MultiTaskBatches:
    options = dict(settings.schedule.given)
    options.pop("power", None)
    return MultiTaskBatches(
        encode_tasks(tagger.vectorizer, train),
        batch_size=settings.training.batch_size,
        shuffle=True,
        seed=settings.seed,
        schedule=SCHEDULES[settings.schedule.kind](**options),
        tasks=tagger.tasks,
        fields=tuple(tagger.input),
    )


def _weighing(options: TaskScheduleSettings, batches: MultiTaskBatches) -> list[keras.callbacks.Callback]:
    """What changes the weights of tasks, if the schedule has any."""
    return [ScoreWeights(batches, power=options.power or 1.0)] if options.kind == "weighted" else []


def _finish(tagger: MultiTaskTagger, folder: Path, data: TaskData, keep: bool) -> MultiTaskResult:
    """Saves and scores; a model that stands there already is kept, since it may have been calibrated."""
    if not (keep and (folder / MODEL).is_file()):
        tagger.save(folder / MODEL)
    scores = {
        name: {task: tagger.view(task).score(corpus) for task, corpus in part.items()}
        for name, part in (("dev", data.dev), ("test", data.test))
        if part
    }
    shown = {
        name: {
            "mean": statistics.fmean(found.overall.f1 for found in part.values()),
            "tasks": {task: found.to_dict() for task, found in part.items()},
        }
        for name, part in scores.items()
    }
    write_text(folder / SCORES, json.dumps(shown, indent=1) + "\n")
    return MultiTaskResult(tagger, scores, folder)
