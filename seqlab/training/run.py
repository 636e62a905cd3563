"""One training run in a folder of its own, which a kill at any moment leaves fit to be resumed."""

from __future__ import annotations

import importlib.metadata
import json
import logging
import platform
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from seqlab.errors import DataError, SettingsError
from seqlab.evaluation.scores import Scores
from seqlab.files import write_text
from seqlab.models.best import BestWeights
from seqlab.models.tagger import Tagger
from seqlab.settings import Settings
from seqlab.training import data as data_room
from seqlab.training.build import build, compile_tagger, distillation_of
from seqlab.training.lock import locked
from seqlab.training.rules import examine
from seqlab.training.schedules import snapshots, watching
from seqlab.training.state import RunState
from seqlab.training.words import read_words, report_words

log = logging.getLogger(__name__)
SETTINGS, VERSIONS, HISTORY, SCORES = "settings.json", "versions.json", "history.jsonl", "scores.json"
MODEL, STATE, BOARD, COVERAGE = "model.keras", "state.npz", "tensorboard", "coverage.json"


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
    for each epoch), `model.keras` (the best epoch so far; at the end the mean, with `swa_from`), `state.npz` (last
    epoch, for resuming), `scores.json`, with word vectors `coverage.json` (which words of the data they hold) and
    TensorBoard logs.

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
        _open_folder(settings, folder, resume)
        return run(settings, folder, corpora, verbose, until)


def run(
    settings: Settings, folder: Path, corpora: data_room.Data, verbose: int = 1, until: int | None = None
) -> Result:
    """Trains on corpora already read, from the state in the folder if there is one. See `train`."""
    keras.utils.set_random_seed(settings.seed)
    words = read_words(settings, corpora.train)
    report_words(words, corpora, folder / COVERAGE)
    tagger = build(settings, corpora.train, words)
    options = settings.training
    batches = tagger.batches(corpora.train, batch_size=options.batch_size, shuffle=True, seed=settings.seed)
    compile_tagger(tagger, options, len(batches), settings.auxiliary.weight, distillation_of(settings.distill))
    watched = watching(options)
    callbacks = [watched.best, *watched.others]
    state = RunState(folder / STATE, callbacks)
    if state.read():
        log.info("Resuming after epoch %d.", state.epochs)
        _write_history(folder, state)  # the kill may have come between the state and the history
        batches.start_epoch(state.epochs)
    last = options.epochs if until is None else min(until, options.epochs)
    finished = state.stopped or state.epochs >= last
    if finished:
        state.restore(tagger)
        watched.finish(tagger)
    else:
        tagger.fit(
            batches,
            validation_data=tagger.batches(corpora.dev),
            epochs=last,
            initial_epoch=state.epochs,
            callbacks=[
                *callbacks,
                *snapshots(options, folder),
                state,
                _Report(folder, state, watched.best),
                _board(folder),
            ],
            restore_best=None,
            class_weight=options.class_weight,
            leave_out_broken=settings.rules.leave_out_broken,
            verbose=verbose,
        )
    return _finish(tagger, folder, corpora, keep=finished and (folder / SCORES).is_file())


def _board(folder: Path) -> keras.callbacks.Callback:
    return keras.callbacks.TensorBoard(log_dir=str(folder / BOARD), write_graph=False)


class _Report(keras.callbacks.Callback):
    """Writes what a person may want to see while a run goes on: the history, and the best model so far."""

    def __init__(self, folder: Path, state: RunState, best: BestWeights) -> None:
        super().__init__()
        self.folder = folder
        self.state = state
        self.best = best

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        _write_history(self.folder, self.state)
        if self.best.best_epoch == epoch:
            self.model.save(self.folder / MODEL)


def _write_history(folder: Path, state: RunState) -> None:
    write_text(folder / HISTORY, "".join(json.dumps(row) + "\n" for row in state.history))


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


def _open_folder(settings: Settings, folder: Path, resume: bool) -> None:
    stored = folder / SETTINGS
    facts = {
        "seed": settings.seed,
        "backend": keras.backend.backend(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in ("seqlab", "keras", "tensorflow", "jax", "torch", "numpy")},
        "data": data_room.digest(settings),
    }
    begun = any(folder.glob(f"**/{STATE}")) or (folder / SCORES).exists()
    if not stored.exists() or not (begun or resume):  # a start that failed before its first epoch leaves no run
        write_text(folder / VERSIONS, json.dumps(facts, indent=1) + "\n")
        write_text(stored, settings.model_dump_json(indent=1) + "\n")
        return
    if not resume:
        raise SettingsError(
            f"{folder} already holds a run: resume it (seqlab train --resume {folder}) or name another folder."
        )
    if Settings.model_validate_json(stored.read_text("utf-8")) != settings:
        raise SettingsError(f"{folder} holds a run with other settings ({stored}); a resumed run keeps its settings.")
    before = json.loads((folder / VERSIONS).read_text("utf-8"))
    changed = [path for path, value in before["data"].items() if facts["data"].get(path) != value]
    if changed:
        raise DataError(f"{folder} was trained on other data: {', '.join(changed)} changed since. Start a new run.")
    if before["backend"] != facts["backend"]:
        raise SettingsError(
            f"{folder} was trained on the {before['backend']} backend, this is {facts['backend']}: set "
            f"KERAS_BACKEND={before['backend']} to end where an unbroken run would."
        )
    if before["packages"] != facts["packages"]:
        log.warning("Other package versions than those of the run (%s): it may end differently.", folder / VERSIONS)
    _clean(folder)


def _clean(folder: Path) -> None:
    for name in (SETTINGS, VERSIONS, HISTORY, SCORES, MODEL, STATE, COVERAGE, "snapshot.keras"):
        for leftover in folder.glob(f".{Path(name).stem}-*"):  # a kill in the middle of a save leaves a temporary file
            leftover.unlink()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def stored_settings(folder: Path) -> Settings:
    """Returns the settings of a run's folder."""
    path = folder / SETTINGS
    if not path.is_file():
        raise SettingsError(
            f"{folder} holds no run ({SETTINGS} is missing); expected a folder that seqlab train wrote."
        )
    return Settings.model_validate_json(path.read_text("utf-8"))


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
    train_corpus = data_room.read(settings.data.train, settings.task, settings.data)
    examine(settings, train_corpus)
    with locked(folder):
        _open_folder(settings, folder, resume)
        found = []
        for number, (rest, part) in enumerate(train_corpus.folds(settings.data.folds or 2, settings.data.split_seed)):
            place = folder / f"fold-{number}"
            data_room.report_unseen(rest, part, settings.task, f"fold {number}", strict)
            if not (place / SCORES).exists():
                place.mkdir(exist_ok=True)
                _clean(place)
                run(settings, place, data_room.Data(rest, part, None), verbose)
            dev = json.loads((place / SCORES).read_text("utf-8"))["dev"]
            found.append(dev["overall"]["f1"])
        summary = {"folds": found, "mean": statistics.mean(found), "stdev": statistics.stdev(found)}
        write_text(folder / SCORES, json.dumps(summary, indent=1) + "\n")
    return summary
