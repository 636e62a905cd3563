"""One training run on sequences of vectors, by the design of Greff et al. (2017), in a folder of its own."""

from __future__ import annotations

import json
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from seqlab.batches.frames import FrameBatches
from seqlab.corpora.sequences import FrameCorpus, FrameParts
from seqlab.files import write_text
from seqlab.frame_settings import FrameSettings, FrameTrainingSettings
from seqlab.layers.bidirectional import Bidirectional
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.layers.recurrent import Recurrent
from seqlab.models.best import BestWeights
from seqlab.models.frames import HEADS, FrameModel
from seqlab.training import frame_data
from seqlab.training.course import follow
from seqlab.training.folder import MODEL, SCORES, open_folder
from seqlab.training.lock import locked
from seqlab.training.schedules import Watching
from seqlab.training.state import RunState

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FrameResult:
    """What a run left behind.

    Attributes:
        model: The model of the best epoch.
        scores: What `scores.json` holds: the `measure`, its value on `dev` and `test` (`None` where it is not finite),
            the `best_epoch`, from 1, of how many `epochs`, the number of trained `parameters`, and whether the run
            `diverged`.
        folder: The run's folder.
    """

    model: FrameModel
    scores: dict[str, Any]
    folder: Path


def train(
    settings: FrameSettings, folder: str | Path, resume: bool = False, verbose: int = 1, until: int | None = None
) -> FrameResult:
    """Trains a network on frames as the settings say and leaves everything about it in a folder.

    An update after each sequence, by the gradient of the loss summed over its steps (and labels); stochastic gradient
    descent with momentum, the step `learning_rate * (1 - momentum)`; all initial weights, biases too, from
    `normal(0, initial_std)`; the epoch with the best validation figure is kept. A loss that is no
    longer finite ends the run.

    The folder holds `settings.json`, `versions.json`, `history.jsonl`, `model.keras`, `state.npz` and `scores.json`, as
    in `seqlab.training.run`.

    Args:
        settings: The resolved settings.
        folder: The run's folder; it may hold a run only with `resume`.
        resume: Go on from the last finished epoch; the end is that of an unbroken run with the same seed.
        verbose: As Keras' `fit`.
        until: Pause after this epoch; a resumed run with a later one, or none, goes on as if there had been no pause.

    Raises:
        SettingsError: If the folder holds another run, or a run with other settings, or another process trains in it.
        DataError: For anything wrong with the data, or for other data than the run began with.
    """
    folder = Path(folder)
    parts = frame_data.read(settings.data)
    with locked(folder):
        open_folder(settings, folder, resume, frame_data.digest(settings.data.path, parts))
        return run(settings, folder, parts, verbose, until)


def run(
    settings: FrameSettings, folder: Path, parts: FrameParts, verbose: int = 1, until: int | None = None
) -> FrameResult:
    """Trains on data already read, from the state in the folder if there is one. See `train`."""
    keras.utils.set_random_seed(settings.seed)
    model = build(settings, parts.train)
    options = settings.training
    model.compile(optimizer_of(options))
    batches = FrameBatches(parts.train, options.batch_size, shuffle=True, seed=settings.seed)
    best = BestWeights(f"val_{model.measure}")
    stopping = keras.callbacks.EarlyStopping(best.monitor, patience=options.patience, mode="min")
    course = follow(
        model,
        batches,
        folder,
        options.epochs,
        Watching(best, [stopping]),
        until,
        before=[_Diverged()],
        validation_data=parts.dev,
        verbose=verbose,
    )
    return _finish(model, folder, parts, course.state, best)


def build(settings: FrameSettings, corpus: FrameCorpus) -> FrameModel:
    """Builds the network that the settings describe, standardised by a training corpus."""
    network = settings.network

    def normal() -> keras.initializers.Initializer:
        # One each: a Keras initialiser draws the same numbers again for a weight of the same shape.
        return keras.initializers.RandomNormal(stddev=network.initial_std)

    names = ("kernel", "recurrent", "peephole", "bias", "forget_bias")
    cell = LSTMCell(network.units, network.variant, **{f"{name}_initializer": normal() for name in names})
    layer = Recurrent(cell, return_sequences=True, name="encoder")
    model = FrameModel(
        corpus.width,
        corpus.labels,
        encoder=Bidirectional(layer, name="encoder") if network.bidirectional else layer,
        head=HEADS[corpus.target](len(corpus.labels), reduction="sum", kernel_initializer=normal(), name="head"),
        standardize=network.standardize,
        noise=network.noise,
    )
    bias = model.head.projection.bias  # heads begin at 0 otherwise
    bias.assign(normal()(bias.shape))
    model.adapt(corpus)
    return model


def optimizer_of(options: FrameTrainingSettings) -> keras.optimizers.SGD:
    """Stochastic gradient descent whose step is the rate times `1 - momentum`, so that a momentum changes no pace."""
    return keras.optimizers.SGD(
        options.learning_rate * (1 - options.momentum), options.momentum, options.nesterov, clipvalue=options.clip
    )


class _Diverged(keras.callbacks.Callback):
    """Ends a training whose loss is no number any more; no epoch could be better than those before."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if not math.isfinite((logs or {}).get("loss", math.nan)):
            log.warning("The loss of epoch %d is not finite: training ends.", epoch + 1)
            self.model.stop_training = True


def _finish(model: FrameModel, folder: Path, parts: FrameParts, state: RunState, best: BestWeights) -> FrameResult:
    """Saves and scores the best epoch's model."""
    model.save(folder / MODEL)
    scores: dict[str, Any] = {"measure": model.measure}
    for part, corpus in (("dev", parts.dev), ("test", parts.test)):
        value = model.score(corpus)
        scores[part] = value if math.isfinite(value) else None
    scores |= {
        "best_epoch": None if best.best_epoch is None else best.best_epoch + 1,
        "epochs": state.epochs,
        "parameters": sum(math.prod(weight.shape) for weight in model.trainable_weights),
        "diverged": not math.isfinite(state.history[-1]["loss"]),
    }
    write_text(folder / SCORES, json.dumps(scores, indent=1) + "\n")
    return FrameResult(model, scores, folder)
