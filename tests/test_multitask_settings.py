"""Settings of several tasks: what is refused, what is said of it, and where they go."""

from __future__ import annotations

from typing import Any

import pytest

from seqlab.errors import SettingsError
from seqlab.multitask_settings import (
    MultiTaskSettings,
    TaskEncoderSettings,
    TaskScheduleSettings,
    TaskSettings,
    TaskTrainingSettings,
)
from seqlab.settings import DataSettings

DATA = {"train": "train.conll", "columns": {"word": 0, "pos": 1, "chunk": 2}}


def task(name: str = "chunk", **options: Any) -> dict[str, Any]:
    return {"name": name, "data": DATA, **options}


def made(**options: Any) -> MultiTaskSettings:
    return MultiTaskSettings(**{"tasks": [task("pos"), task()], **options})


def test_defaults_are_the_papers() -> None:
    found = made()
    options = found.training
    assert (options.optimizer, options.batch_size, options.clip_norm, options.schedule) == ("adam", 10, 5, "constant")
    assert (options.learning_rate, options.epochs) == (1e-3, 30)
    assert (found.encoder.kind, found.encoder.units, found.encoder.layers, found.encoder.dropout) == (
        "sc_lstm",
        300,
        3,
        0.5,
    )
    assert found.schedule.kind == "exhaustive" and found.words.chars is None
    assert [task.weight for task in found.tasks] == [1, 1]


def test_json_round_trip() -> None:
    found = made(tasks=[task("tag", column="pos", weight=3), task(head="softmax")], seed=4)
    assert MultiTaskSettings.model_validate_json(found.model_dump_json()) == found
    assert found.names == ("tag", "chunk")


def test_a_task_is_read_as_a_run_of_its_own() -> None:
    found = made(tasks=[task("tag", column="pos")], words={"columns": ("chunk",), "chars": None})
    alone = found.of(found.tasks[0])
    assert (alone.task, alone.data, alone.words) == ("pos", DataSettings(**DATA), found.words)


def test_a_dropout_between_layers_needs_two() -> None:
    edges = {"input_dropout": 0.1, "output_dropout": 0.2}
    assert made(encoder={"layers": 1, **edges}).encoder.dropout == 0.5
    with pytest.raises(SettingsError, match="encoder.dropout is that between layers .* its default, 0.5"):
        made(encoder={"layers": 1, "dropout": 0.7, **edges})


def test_contextual_vectors_are_those_of_all_tasks() -> None:
    given = {"file": "vectors.h5", "dropout": 0.5, "layer_norm": "token"}
    found, whole = made(contextual=given), {**given, "producer": None, "fine_tune": None}
    assert [found.of(one).contextual.model_dump() for one in found.tasks] == [whole] * 2
    with pytest.raises(SettingsError, match=r"contextual\.dropout are about contextual vectors: name their source"):
        made(contextual={"dropout": 0.5})


def test_training_of_one_task() -> None:
    plain = TaskTrainingSettings(schedule="linear", epochs=7, learning_rate=0.1, clip_norm=None, patience=2).plain
    assert (plain.schedule, plain.epochs, plain.learning_rate, plain.clip_norm) == ("linear", 7, 0.1, None)
    assert (plain.patience, plain.batch_size, plain.monitor) == (2, 10, "val_f1")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tasks": []}, "tasks: Tuple should have at least 1 item"),
        ({"tasks": [task(), task()]}, "two tasks have the name 'chunk'"),
        ({"tasks": [task("ner")]}, "task 'ner': .*'ner' is not among data.columns"),
        ({"tasks": [task("a b", column="pos")]}, "made of letters, digits, .*received 'a b'"),
        ({"tasks": [task(weight=0)]}, r"weight: Input should be greater than 0, received 0"),
        ({"tasks": [task(weight=-1)]}, "greater than 0"),
        ({"tasks": [task(weight=float("inf"))]}, "finite number"),
        ({"tasks": [task(head="ctc")]}, "head: Input should be 'crf' or 'softmax'"),
        ({"tasks": [task(data={**DATA, "folds": 3})]}, "task 'chunk': data.folds"),
        ({"tasks": [task(depth=1)]}, "depth is for encoder.kind lstm_d, received sc_lstm"),
        ({"encoder": {"kind": "lstm_d"}}, r"needs the depth of a task at least.*\{'pos': None, 'chunk': None\}"),
        ({"words": {"columns": ("chunk",), "chars": None}}, "task 'chunk': .*words.columns are different ones"),
        ({"schedule": {"kind": "alternating", "turns": (1, 0)}}, r"never visit a task; received \(1, 0\)"),
        ({"schedule": {"kind": "alternating", "turns": (1,)}}, "a number above 0 for each of pos, chunk"),
        ({"schedule": {"kind": "alternating", "turns": (1, 3), "steps": 3}}, "set it to 4 at least"),
        ({"schedule": {"kind": "uniform", "steps": 1}}, "would not visit all of pos, chunk; set it to 2 at least"),
        ({"language": {"tied": True}}, "language.words, language.units and language.tied concern language.weight"),
        ({"language": {"weight": 0.1}, "encoder": {"kind": "stl"}}, "all tasks share, and encoder.kind stl has none"),
        ({"language": {"weight": 0.1}, "contextual": {"file": "v.h5"}}, "language.weight and contextual vectors"),
        ({"epochs": 3}, "unknown key 'epochs'.*'training.epochs'"),
    ],
)
def test_bad_settings(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        made(**options)


@pytest.mark.parametrize(
    ("depths", "fits"),
    [((1, 2), True), ((2, 2), True), ((1, None), True), ((1, 1), False), ((1, 3), False), ((3, None), False)],
)
def test_depths(depths: tuple[Any, Any], fits: bool) -> None:
    tasks = [task(name, depth=depth) for name, depth in zip(("pos", "chunk"), depths, strict=True)]
    options = {"tasks": tasks, "encoder": {"kind": "lstm_d", "layers": 2}}
    if fits:
        assert [part.depth for part in made(**options).tasks] == list(depths)
        return
    with pytest.raises(SettingsError, match="from 1 to encoder.layers, 2, the top, which one of them reads"):
        made(**options)


@pytest.mark.parametrize("name", ["gates", "merge"])
def test_options_of_another_encoder(name: str) -> None:
    value = {"gates": "all", "merge": "sum"}[name]
    assert getattr(TaskEncoderSettings(**{name: value}), name) == value
    with pytest.raises(SettingsError, match=f"encoder.{name} is for encoder.kind sc_lstm, received lstm_s"):
        TaskEncoderSettings(kind="lstm_s", **{name: value})


def test_cells() -> None:
    assert TaskEncoderSettings(kind="lstm_s", cell="gru").cell == "gru"
    with pytest.raises(SettingsError, match="LSTM without full gate recurrence.*received fgr"):
        TaskEncoderSettings(cell="fgr")


@pytest.mark.parametrize("name", ["steps", "temperature", "turns", "power"])
def test_options_of_another_schedule(name: str) -> None:
    value = {"steps": 9, "temperature": 3.0, "turns": (1, 2), "power": 2.0}[name]
    own = {"steps": "uniform", "temperature": "temperature", "turns": "alternating", "power": "weighted"}[name]
    assert TaskScheduleSettings(kind=own, **{name: value}).given == {name: value}
    with pytest.raises(SettingsError, match=f"schedule.{name} is for schedule.kind .*{own}.*received exhaustive"):
        TaskScheduleSettings(**{name: value})


def test_frozen() -> None:
    with pytest.raises(Exception, match="frozen"):
        TaskSettings(**task()).name = "x"  # type: ignore[misc]
