"""Weights of tasks by their development scores, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from seqlab.batches.multitask import MultiTaskBatches, encode_tasks
from seqlab.batches.schedules import Weighted
from seqlab.batches.score_weights import ScoreWeights
from seqlab.errors import SettingsError
from tests.batches.common import VECTORIZER, corpus

LOGS = {"loss": 1.0, "val_chunk_f1": 0.9, "val_pos_f1": 0.5}


def batches(schedule=None):
    data = encode_tasks(VECTORIZER, {task: corpus([3, 4], (task,)) for task in ("chunk", "pos")})
    return MultiTaskBatches(data, schedule=schedule or Weighted(), batch_size=1)


@pytest.mark.parametrize(
    ("options", "logs", "weights"),
    [
        ({}, LOGS, [0.1, 0.5]),
        ({"power": 2}, LOGS, [0.01, 0.25]),
        ({"least": 0.2}, LOGS, [0.2, 0.5]),
        ({"figure": "{task}"}, {"chunk": 1.0, "pos": 0.0}, [0.01, 1]),
    ],
)
def test_weights_follow_scores(options, logs, weights):
    made = batches()
    callback = ScoreWeights(made, **options)
    callback.on_epoch_begin(0)
    assert made.schedule.weights is None
    callback.on_epoch_end(0, logs)
    assert made.schedule.weights is None  # the epoch's order must not change before it is over for Keras
    callback.on_epoch_begin(1)
    assert_allclose(made.schedule.weights, weights)


def test_a_resumed_run_has_the_same_weights():
    went = ScoreWeights(batches())
    went.on_epoch_end(0, LOGS)
    resumed = ScoreWeights(batches())
    resumed.weights = [np.array(item) for item in went.weights]  # what RunState does
    for callback in (went, resumed):
        callback.batches.start_epoch(1)
        callback.on_epoch_begin(1)
    orders = [[step.loader for step in callback.batches.steps] for callback in (went, resumed)]
    assert orders[0] == orders[1]


def test_an_epoch_taken_up_in_its_middle_stays_there():
    made = batches()
    callback = ScoreWeights(made)
    callback.on_epoch_end(0, LOGS)
    callback.on_epoch_begin(1)
    made.start(1, 2)
    callback.on_epoch_begin(1)
    assert (made.epoch, made.first) == (1, 2)


def test_bad_options():
    with pytest.raises(SettingsError, match="schedule Weighted, received Exhaustive"):
        ScoreWeights(batches("exhaustive"))
    with pytest.raises(SettingsError, match="as val_{task}_f1; received 'val_f1'"):
        ScoreWeights(batches(), figure="val_f1")
    for options in ({"power": 0}, {"least": 0}, {"least": 2}):
        with pytest.raises(SettingsError, match="power must be above 0"):
            ScoreWeights(batches(), **options)
    with pytest.raises(SettingsError, match="logs lack 'val_pos_f1'.*they have: loss, val_chunk_f1"):
        ScoreWeights(batches()).on_epoch_end(0, {"loss": 1.0, "val_chunk_f1": 1.0})
