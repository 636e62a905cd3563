"""The course of a run: its training, from the state that its folder holds, if any, to the last epoch."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras

from seqlab.models.best import BestWeights
from seqlab.training.folder import STATE, write_history
from seqlab.training.report import Report
from seqlab.training.schedules import Watching
from seqlab.training.state import RunState

log = logging.getLogger(__name__)


class Course(NamedTuple):
    """How a training went.

    Attributes:
        state: What there was after the last epoch.
        over: Whether nothing was left to train, be it because of `until`: the model has the best weights so far.
    """

    state: RunState
    over: bool


def follow(
    model: keras.Model,
    batches: Any,
    folder: Path,
    epochs: int,
    watched: Watching,
    until: int | None = None,
    before: Sequence[keras.callbacks.Callback] = (),
    after: Sequence[keras.callbacks.Callback] = (),
    **options: Any,
) -> Course:
    """Trains a compiled model; killed at any moment, it goes on from its last finished epoch when called again.

    Args:
        model: The model, as it was when the training began.
        batches: What it is trained on: a data set of seqlab, which can begin in the middle of a training.
        folder: The run's folder.
        epochs: The last epoch, from 1.
        watched: The callbacks whose state outlives a kill.
        until: Pause after this epoch, if it comes before the last.
        before: Callbacks without a state that are called before the others' is saved.
        after: Those that are called when the epoch is safe.
        **options: Of `model.fit`.

    Raises:
        DataError: If the state in the folder is damaged, or that of another training.
    """
    callbacks = [watched.best, *watched.others]
    state = RunState(folder / STATE, callbacks)
    if state.read():
        log.info("Resuming after epoch %d.", state.epochs)
        write_history(folder, state)  # the kill may have come between the state and the history
        batches.start_epoch(state.epochs)
    last = epochs if until is None else min(until, epochs)
    over = state.stopped or state.epochs >= last
    if over:
        state.restore(model)
        watched.finish(model)
    else:
        bests = [callback for callback in callbacks if isinstance(callback, BestWeights)]
        model.fit(
            batches,
            epochs=last,
            initial_epoch=state.epochs,
            callbacks=[*callbacks, *before, state, Report(folder, state, *bests), *after],
            **options,
        )
    return Course(state, over)
