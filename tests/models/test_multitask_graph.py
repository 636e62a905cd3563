"""What a tagger of several tasks is built of and compiled with."""

from __future__ import annotations

import json

import keras
import pytest

from seqlab.errors import SettingsError
from seqlab.models.multitask_graph import MultiTaskModel, TaskView, Views
from seqlab.models.taskwise import TaskwiseOptimizer
from tests.models import tasks as toy


@pytest.fixture(scope="module")
def tagger():
    return toy.tagger(eager=True)


@pytest.mark.parametrize(("number", "expected"), [(0, "above 0"), (-1.0, "above 0"), (float("nan"), "above 0")])
def test_refuses_a_lambda_of_0_or_below(tagger, number, expected):
    with pytest.raises(SettingsError, match=expected):
        tagger.compile("adam", loss_weights={"ner": number})
    with pytest.raises(SettingsError, match=expected):
        tagger.compile("adam", loss_weights=[1.0, number, 1.0])


def test_refuses_other_losses_and_metrics_and_unknown_tasks(tagger):
    with pytest.raises(SettingsError, match="leave out loss, metrics"):
        tagger.compile("adam", loss="mse", metrics=["accuracy"])
    with pytest.raises(SettingsError, match="'nre'.*Did you mean 'ner'"):
        tagger.compile("adam", loss_weights={"nre": 2.0})


def test_refuses_float16():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        with pytest.raises(SettingsError, match="mixed_bfloat16"):
            toy.tagger(eager=True)
    finally:
        keras.config.set_dtype_policy("float32")


def test_lambdas_and_the_optimiser_are_found_again(tagger):
    toy.compiled(tagger, keras.optimizers.SGD(0.1), eager=True, loss_weights={"ner": 3.0})
    assert [tagger.weight_of(k) for k in range(3)] == [1.0, 1.0, 3.0]
    assert isinstance(tagger.optimizer, TaskwiseOptimizer)
    kept = tagger.optimizer
    tagger.compile(kept)
    assert tagger.optimizer is kept


def test_a_view_is_one_task_of_the_tagger(tagger):
    view = tagger.view("chunk")
    assert isinstance(view, TaskView) and view.heads() == {0: view.head}
    assert tagger.heads() == dict(enumerate(tagger.heads_by_task))
    assert (view.task, view.scheme, view.head) == ("chunk", "iob2", tagger.heads_by_task[1])
    assert {id(weight) for weight in view.weights} <= {id(weight) for weight in tagger.weights}
    with pytest.raises(SettingsError, match="Unknown task 'chunks'.*Did you mean 'chunk'"):
        tagger.view("chunks")


def test_a_task_is_exported_and_the_whole_saved(tagger, tmp_path):
    with pytest.raises(SettingsError, match=r"tagger.view\('pos'\).export"):
        tagger.export(tmp_path / "all")
    with pytest.raises(SettingsError, match="one of ner alone"):
        tagger.view("ner").save(tmp_path / "ner.keras")
    if keras.backend.backend() == "tensorflow":
        tagger.view("ner").export(tmp_path / "ner")
        assert json.loads((tmp_path / "ner" / "seqlab.json").read_text())["labels"] == list(tagger.view("ner").labels)


def test_the_graphs_of_tasks_are_no_layers_of_the_model(tagger):
    assert isinstance(tagger._views, Views)
    assert isinstance(tagger, MultiTaskModel)
    views = {id(tagger.view(task)) for task in toy.TASKS}
    assert not views & {id(layer) for layer in tagger._flatten_layers()}
    assert len(tagger.weights) == len({id(weight) for weight in tagger.weights})


def test_frozen_weights_are_read_and_not_trained():
    made = toy.tagger(eager=True)
    made.heads_by_task[0].trainable = False
    made.compile("sgd", run_eagerly=True)
    frozen = {id(weight) for weight in made.heads_by_task[0].weights}
    assert not frozen & {id(weight) for weight in made.weights_of("pos")}
    before = toy.values(made.heads_by_task[0].weights)
    made.train_on_batch(*toy.batch(made, "pos"))
    assert all((a == b).all() for a, b in zip(before, toy.values(made.heads_by_task[0].weights), strict=True))
