"""One training run in a folder of its own, which a kill at any moment leaves fit to be resumed."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from seqlab.batches.loader import scoring_padding
from seqlab.corpora.records import Corpus
from seqlab.errors import DataError, SettingsError
from seqlab.evaluation.scores import Scores
from seqlab.files import write_text
from seqlab.models.tagger import Tagger
from seqlab.settings import Settings
from seqlab.training import data as data_room
from seqlab.training import folder as folders
from seqlab.training.build import build, compile_tagger, distillation_of
from seqlab.training.course import follow
from seqlab.training.folder import MODEL, SCORES, clean, open_folder
from seqlab.training.lock import locked
from seqlab.training.report import board
from seqlab.training.rules import examine
from seqlab.training.schedules import snapshots, watching
from seqlab.training.words import read_words, report_words

COVERAGE = "coverage.json"


@dataclass(frozen=True)
class Result:
    """What a run left behind: the model and its scores by part (`dev`, `test`)."""

    tagger: Tagger
    scores: dict[str, Scores]
    folder: Path


def train(
    settings: Settings,
    folder: str | Path,
    resume: bool = False,
    strict: bool = False,
    verbose: int = 1,
    until: int | None = None,
) -> Result:
    """Trains a tagger as the settings say and leaves everything about it in a folder.

    The folder holds `settings.json`, `versions.json` (packages, seed, checksums of the data), `history.jsonl` (a line
    for each epoch), `times.jsonl` (its seconds), `model.keras` (the best epoch so far; at the end the mean, with
    `swa_from`), `state.npz` (last epoch, for resuming), `scores.json`, with word vectors `coverage.json` (which words
    of the data they hold) and TensorBoard logs.

    Args:
        settings: The resolved settings.
        folder: The run's folder; it may hold a run only with `resume`.
        resume: Go on from the last finished epoch; the end is that of an unbroken run with the same seed.
        strict: Refuse labels in development or test data that training has not seen.
        verbose: As Keras' `fit`.
        until: Pause after this epoch; a resumed run with a later one, or none, goes on as if there had been no pause.

    Returns:
        The model of the best epoch, or the mean of weights with `swa_from`, and its scores.

    Raises:
        SettingsError: If the folder holds another run, or a run with other settings, or another process trains in it.
        DataError: For anything wrong with the data, or for other data than the run began with.
    """
    folder = Path(folder)
    corpora = data_room.corpora(settings, strict)
    examine(settings, *corpora)
    with locked(folder):
        open_folder(settings, folder, resume, data_room.digest(settings))
        return run(settings, folder, corpora, verbose, until)


def run(
    settings: Settings, folder: Path, corpora: data_room.Data, verbose: int = 1, until: int | None = None
) -> Result:
    """Trains on corpora already read, from the state in the folder if there is one. See `train`."""
    keras.utils.set_random_seed(settings.seed)
    words = read_words(settings, *corpora)
    report_words(words, corpora, folder / COVERAGE)
    tagger = build(settings, corpora.train, words)
    options = settings.training
    batches = tagger.batches(corpora.train, batch_size=options.batch_size, shuffle=True, seed=settings.seed)
    compile_tagger(tagger, options, len(batches), settings.auxiliary.weight, distillation_of(settings.distill))
    course = follow(
        tagger,
        batches,
        folder,
        options.epochs,
        watching(options),
        until,
        before=snapshots(options, folder),
        after=[board(folder)],
        validation_data=tagger.batches(corpora.dev, padding=scoring_padding()),
        restore_best=None,
        class_weight=options.class_weight,
        leave_out_broken=settings.rules.leave_out_broken,
        verbose=verbose,
    )
    return _finish(tagger, folder, corpora, keep=course.over and (folder / SCORES).is_file())


def _finish(tagger: Tagger, folder: Path, corpora: data_room.Data, keep: bool) -> Result:
    """Saves and scores; a model that stands there already is kept, since it may have been calibrated."""
    if not (keep and (folder / MODEL).is_file()):
        tagger.save(folder / MODEL)
    scores = {"dev": tagger.score(corpora.dev)}
    if corpora.test is not None:
        scores["test"] = tagger.score(corpora.test)
    text = json.dumps({part: found.to_dict() for part, found in scores.items()}, indent=1)
    write_text(folder / SCORES, text + "\n")
    return Result(tagger, scores, folder)


def stored_settings(folder: Path) -> Settings:
    """Returns the settings of a run's folder."""
    return folders.stored_settings(folder, Settings)


def train_folds(
    settings: Settings, folder: str | Path, resume: bool = False, strict: bool = False, verbose: int = 1
) -> dict[str, Any]:
    """Trains once for each fold of the training file and returns the mean and spread of the held-out scores.

    Args:
        settings: Settings with `data.folds`.
        folder: Folder of all runs; fold `k` is trained in `fold-k`. A finished fold is not trained again.
        resume: Go on with a run that was cut off.
        strict: Refuse labels in a fold that the others have not.
        verbose: As Keras' `fit`.

    Returns:
        `{"folds": [F1 of each], "mean": ..., "stdev": ...}`, also written to `scores.json`.
    """
    folder = Path(folder)
    data = settings.data
    train_corpus = data_room.limited(data_room.read(data.train, settings.task, data), data.sentences, data.split_seed)
    examine(settings, train_corpus)
    with locked(folder):
        open_folder(settings, folder, resume, data_room.digest(settings))
        found = []
        folds = list(train_corpus.folds(data.folds or 2, data.split_seed))
        _examine_folds(settings, folds)
        for number, (rest, part) in enumerate(folds):
            place = folder / f"fold-{number}"
            data_room.report_unseen(rest, part, settings.task, f"fold {number}", strict)
            if not (place / SCORES).exists():
                place.mkdir(exist_ok=True)
                clean(place)
                run(settings, place, data_room.Data(rest, part, None), verbose)
            dev = json.loads((place / SCORES).read_text("utf-8"))["dev"]
            found.append(dev["overall"]["f1"])
        summary = {"folds": found, "mean": statistics.mean(found), "stdev": statistics.stdev(found)}
        write_text(folder / SCORES, json.dumps(summary, indent=1) + "\n")
    return summary


def _examine_folds(settings: Settings, folds: Sequence[tuple[Corpus, Corpus]]) -> None:
    """Holds the rules against all folds before the first is trained: one may lack a type that the others have."""
    for number, (rest, part) in enumerate(folds):
        try:
            examine(settings, rest, part)
        except (DataError, SettingsError) as error:
            raise type(error)(f"Without fold {number}, which is held out in turn: {error}") from error
