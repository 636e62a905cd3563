"""From settings to a tagger of several tasks: each option reaches its part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import pytest

from seqlab.layers.tasks.private import PrivateEncoders
from seqlab.layers.tasks.sc_stack import SCLSTMStack
from seqlab.layers.tasks.shared import SharedEncoder
from seqlab.models.multitask import MultiTaskTagger
from seqlab.multitask_settings import MultiTaskSettings
from seqlab.training.multitask import digest, read
from seqlab.training.multitask_build import _encoder, build, compile_tasks
from seqlab.training.words import read_words
from tests import tiny
from tests.text.producers import store_of
from tests.tiny import task_settings as settings


def built(chosen: MultiTaskSettings) -> MultiTaskTagger:
    data = read(chosen)
    return build(chosen, data.train, read_words(chosen.of(chosen.tasks[0]), data.joined.train))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.write(tmp_path)


def with_depths(chosen: MultiTaskSettings, *depths: int | None) -> list[dict[str, Any]]:
    return [{**task.model_dump(), "depth": depth} for task, depth in zip(chosen.tasks, depths, strict=True)]


def test_encoders(folder: Path) -> None:
    def encoder(tasks: Any = None, **options: Any) -> Any:
        changes = {"encoder": {"units": 4, "layers": 2, "dropout": 0.25, **options}}
        return _encoder(settings(folder, **changes, **({"tasks": tasks} if tasks else {})))

    sc = encoder()
    assert isinstance(sc, SCLSTMStack)
    assert (sc.units, sc.layers, sc.dropout, sc.variant, sc.gates, sc.merge) == (4, 2, 0.25, "NP", "top", "concat")
    assert encoder(input_dropout=0.0, output_dropout=0.5).dropout == (0.0, 0.25, 0.5)
    sc = encoder(cell="cifg", gates="all", merge="sum")
    assert (sc.variant, sc.gates, sc.merge) == ("CIFG", "all", "sum")
    shared = encoder(kind="lstm_s", cell="gru")
    assert isinstance(shared, SharedEncoder) and shared.depths is None
    assert (shared.encoder.units, shared.encoder.layers, shared.encoder.dropout) == (4, 2, 0.25)
    assert shared.encoder.cell == "gru"
    assert encoder(kind="lstm_s", output_dropout=0.5).encoder.dropout == (0.25, 0.25, 0.5)
    assert encoder(with_depths(settings(folder), 1, 2), kind="lstm_d").depths == (1, 2)
    assert encoder(with_depths(settings(folder), 1, None), kind="lstm_d", layers=3).depths == (1, 3)  # a grid's layers
    alone, beside = encoder(kind="stl"), encoder(kind="private_shared")
    assert isinstance(alone, PrivateEncoders) and alone.shared is None and alone.tasks == 2
    assert isinstance(beside, PrivateEncoders) and beside.shared is not None


def test_parts(folder: Path) -> None:
    chosen = settings(
        folder,
        words={"dim": 5, "chars": None, "casing": True, "dropout": 0.3},
        training={"reduction": "sum", "optimizer": "sgd", "learning_rate": 0.5, "clip_norm": 2.0, "schedule": "linear"},
        constrained=True,
    )
    tagger = built(chosen)
    assert tagger.tasks == ("tag", "chunk")
    assert [feature.name for feature in tagger.features] == ["word_vectors", "casing_vectors"]
    assert (tagger.features[0].dim, tagger.features[0].dropout) == (5, 0.3)
    heads = tagger.heads_by_task
    assert [head.reduction for head in heads] == ["sum", "sum"]
    assert heads[0].constraints is None and heads[1].constraints is not None  # parts of speech keep no scheme
    compile_tasks(tagger, chosen, steps=4)
    assert [tagger.weight_of(k) for k in range(2)] == [1, 2]
    assert tagger.optimizer.global_clipnorm == 2.0
    assert isinstance(tagger.optimizer._learning_rate, keras.optimizers.schedules.LearningRateSchedule)


def test_separate_tasks_have_features_of_their_own(folder: Path) -> None:
    tagger = built(settings(folder, encoder={"kind": "stl", "units": 3, "layers": 1}))
    first, second = (tagger.features_of(task) for task in tagger.tasks)
    assert {id(part) for part in first}.isdisjoint(id(part) for part in second)


def test_contextual_vectors(folder: Path) -> None:
    store = store_of(folder / "v.h5", [sentence.words for sentence in tiny.train_part()])
    given = {"file": store.path, "layer_norm": "token", "dropout": 0.3}
    chosen = settings(folder, contextual=given)
    tagger = built(chosen)
    mix = tagger.features[-1]
    assert (mix.layers, mix.width, mix.layer_norm, mix.dropout) == (2, 3, "token", 0.3)
    assert tagger.contextual.file == store.path
    assert store.path in digest(chosen)
    other = store_of(folder / "w.h5", [("a",)]).path
    chosen = settings(folder, contextual={**given, "producer": other}, encoder={"kind": "stl", "units": 3, "layers": 1})
    tagger = built(chosen)
    assert tagger.contextual.place == other and {store.path, other} <= digest(chosen).keys()
    assert [tagger.features_of(task)[-1].name for task in tagger.tasks] == [
        "contextual_vectors_tag",
        "contextual_vectors_chunk",
    ]


def test_the_words_beside_each_token(folder: Path) -> None:
    assert built(settings(folder)).language is None
    language = built(settings(folder, language={"weight": 0.3, "words": 9, "units": 5, "tied": True})).language
    assert language is not None
    assert (language.weight, len(language.rows), language.units, language.tied) == (0.3, 9, 5, True)


def test_precision(folder: Path) -> None:
    tagger = built(settings(folder, training={"precision": "mixed_bfloat16"}))
    assert tagger.dtype_policy.name == "mixed_bfloat16"
    assert keras.config.dtype_policy().name == "float32"
