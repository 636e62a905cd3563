"""From settings to a compiled tagger."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import pytest

from seqlab.corpora.records import Corpus
from seqlab.errors import DataError, SettingsError
from seqlab.settings import Settings
from seqlab.tags.rules import free
from seqlab.tags.schemes import violations
from seqlab.training.build import build, compile_tagger
from seqlab.training.schedules import watching
from tests import tiny


@pytest.mark.parametrize("schedule", ["halve", "linear", "constant"])
def test_each_option_of_training_reaches_its_part(schedule: str, tmp_path: Path) -> None:
    options = tiny.settings(tmp_path, schedule=schedule, optimizer="sgd", clip_norm=2.0, average=0.5).training
    tagger = tiny.tagger()
    compile_tagger(tagger, options, steps=3)
    optimizer = tagger.optimizer
    assert isinstance(optimizer, keras.optimizers.SGD)
    assert (optimizer.global_clipnorm, optimizer.use_ema, optimizer.ema_momentum) == (2.0, True, 0.5)
    kinds = [type(callback).__name__ for callback in watching(options)[1]]
    assert kinds == [*(["ReduceLROnPlateau"] if schedule == "halve" else []), "EarlyStopping"]


def test_build_follows_the_settings(tmp_path: Path) -> None:
    settings = tiny.settings(tmp_path)
    changed = {"head": "softmax", "words": {"chars": None, "casing": False, "dim": 6}, "encoder": {"units": 3}}
    tagger = build(Settings(**{**settings.model_dump(), **changed}), tiny.train_part())
    assert [feature.name for feature in tagger.features] == ["word_vectors"]
    assert tagger.features[0].dim == 6 and tagger.encoder.units == 3
    assert type(tagger.head).__name__ == "SoftmaxHead"


def test_an_auxiliary_task_follows_the_settings(tmp_path: Path) -> None:
    changed = {"auxiliary": {"task": "pos", "weight": 0.3, "layer": 2}, "encoder": {"units": 3, "layers": 2}}
    settings = Settings(**{**tiny.settings(tmp_path).model_dump(), **changed})
    tagger = build(settings, tiny.train_part())
    compile_tagger(tagger, settings.training, steps=3, weight=settings.auxiliary.weight)
    assert tagger.tasks == ("chunk", "pos") and tagger.auxiliary[0].layer == 2
    assert [tagger._head_weight(position) for position in (0, 1)] == [1.0, 0.3]


@pytest.mark.parametrize(
    ("auxiliary", "message"),
    [
        ({"task": "po"}, "auxiliary.task 'po' is not among data.columns .* Did you mean 'pos'"),
        ({"task": "chunk"}, "auxiliary.task is the task itself, 'chunk'; expected another of data.columns"),
        ({"task": "pos", "layer": 3}, "auxiliary.layer is 3, but the encoder has 1 layers"),
        ({"weight": 3}, "auxiliary.weight and auxiliary.layer concern auxiliary.task"),
        ({"task": "pos", "weight": 0}, "weight: Input should be greater than 0"),
    ],
)
def test_bad_auxiliary_settings(auxiliary: dict, message: str, tmp_path: Path) -> None:
    values = {**tiny.settings(tmp_path).model_dump(), "auxiliary": auxiliary}
    with pytest.raises(SettingsError, match=message):
        Settings(**values)


def test_a_corpus_without_the_auxiliary_column(tmp_path: Path) -> None:
    settings = Settings(**{**tiny.settings(tmp_path).model_dump(), "auxiliary": {"task": "pos"}})
    sentences = [dataclasses.replace(one, columns={"chunk": one.columns["chunk"]}) for one in tiny.train_part()]
    with pytest.raises(DataError, match="has no column 'pos'"):
        build(settings, Corpus(sentences, {"chunk": "iob2"}))


def test_constrained_decoding_follows_the_settings(tmp_path: Path) -> None:
    values = tiny.settings(tmp_path).model_dump()
    for head in ("crf", "softmax"):
        tagger = build(Settings(**{**values, "head": head, "constrained": True}), tiny.train_part())
        assert all(not violations(tags, "iob2") for tags in tagger.tags(tiny.dev_part()))
        grown = tagger.extended(tiny.part("test", 5))
        assert grown.head.constraints.tags == grown.labels
    assert build(Settings(**values), tiny.train_part()).head.constraints is None
    with pytest.raises(SettingsError, match="constrained is about spans, and 'pos' has plain labels"):
        build(Settings(**{**values, "task": "pos", "constrained": True}), tiny.train_part())


def test_own_constraints_are_not_guessed_for_new_labels(tmp_path: Path) -> None:
    tagger = build(tiny.settings(tmp_path), tiny.part("train", 2))
    tagger.head.constraints = free(tagger.labels)
    with pytest.raises(SettingsError, match="know nothing of the new labels .*, and are not those of a tag scheme"):
        tagger.extended(tiny.train_part())
