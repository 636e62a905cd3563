"""From settings to a compiled tagger."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import pytest

from seqlab.corpora.records import Corpus
from seqlab.errors import DataError, SettingsError
from seqlab.layers.attention.table import attention_of
from seqlab.settings import Settings, TrainingSettings
from seqlab.tags.rules import free
from seqlab.tags.schemes import violations
from seqlab.training.build import build, compile_tagger, optimizer_of
from seqlab.training.data import digest
from seqlab.training.schedules import watching
from tests import tiny
from tests.migration.official import options_of, write


@pytest.mark.parametrize("schedule", ["halve", "linear", "constant"])
def test_each_option_of_training_reaches_its_part(schedule: str, tmp_path: Path) -> None:
    options = tiny.settings(tmp_path, schedule=schedule, optimizer="sgd", clip_norm=2.0, average=0.5).training
    tagger = tiny.tagger()
    compile_tagger(tagger, options, steps=3)
    optimizer = tagger.optimizer
    assert isinstance(optimizer, keras.optimizers.SGD)
    assert (optimizer.global_clipnorm, optimizer.use_ema, optimizer.ema_momentum) == (2.0, True, 0.5)
    assert optimizer.ema_overwrite_frequency is None  # the trained weights go their own way
    kinds = [type(callback).__name__ for callback in watching(options)[1]]
    assert kinds == [*(["ReduceLROnPlateau"] if schedule == "halve" else []), "EarlyStopping", "AveragedWeights"]


def test_each_option_of_an_optimizer_reaches_it() -> None:
    sgd = optimizer_of(TrainingSettings(optimizer="sgd", momentum=0.7, learning_rate=0.3), steps=3)
    assert isinstance(sgd, keras.optimizers.SGD) and sgd.momentum == 0.7
    assert not sgd.use_ema and optimizer_of(TrainingSettings(optimizer="sgd"), steps=3).momentum == 0
    for name, kind in (("adam", keras.optimizers.Adam), ("nadam", keras.optimizers.Nadam)):
        made = optimizer_of(TrainingSettings(optimizer=name, beta_2=0.9), steps=3)
        assert type(made) is kind and (made.beta_1, made.beta_2) == (0.9, 0.9)
        assert optimizer_of(TrainingSettings(optimizer=name), steps=3).beta_2 == 0.999


def test_an_elmo_model_that_learns_follows_the_settings(tmp_path: Path) -> None:
    options = options_of()
    options["char_cnn"]["max_characters_per_token"] = 50
    folder = write(tmp_path, options)
    contextual = {"fine_tune": str(folder), "layer_norm": "token", "dropout": 0.3}
    settings = Settings(**{**tiny.settings(tmp_path).model_dump(), "contextual": contextual})
    tagger = build(settings, tiny.train_part())
    layer = tagger.features[-1]
    assert type(layer).__name__ == "ElmoVectors" and (layer.layer_norm, layer.dropout) == ("token", 0.3)
    assert tagger.contextual is None
    assert {str(folder / name) for name in ("options.json", "lm_weights.hdf5")} <= digest(settings).keys()


def test_label_smoothing_reaches_the_head(tmp_path: Path) -> None:
    values = {**tiny.settings(tmp_path).model_dump(), "head": "softmax", "training": {"label_smoothing": 0.2}}
    assert build(Settings(**values), tiny.train_part()).head.label_smoothing == 0.2


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
    ("kind", "options"),
    [
        ("additive", {"units": 3, "coverage": True}),
        ("multiplicative", {}),
        ("scaled", {}),
        ("self", {"units": 3, "hops": 2, "penalty": 0.1}),
        ("key_value", {"units": 3, "window": 2}),
        ("multi_head", {"heads": 2}),
    ],
)
def test_attention_follows_the_settings(kind: str, options: dict, tmp_path: Path) -> None:
    """Each kind takes the place of the last layer; the layer below, which another task reads, stays."""
    changed = {
        "head": "softmax",
        "words": {"chars": None, "casing": False, "dim": 6},
        "encoder": {"units": 3, "layers": 2, "attention": kind},
        "attention": options,
        "auxiliary": {"task": "pos"},
    }
    tagger = build(Settings(**{**tiny.settings(tmp_path).model_dump(), **changed}), tiny.train_part())
    attention = tagger.encoder.attention
    assert attention is not None and type(attention) is type(attention_of(kind))
    assert attention.get_config().items() >= options.items()
    assert attention.get_config().get("scaled", kind == "scaled") == (kind == "scaled")
    lower, last = tagger.encoder.compute_output_shape((None, None, 6))
    assert lower == (None, None, 6) and last[-1] == 6 + attention.context_width(6)
    assert tagger.auxiliary[0].head.weights[0].shape[0] == 6 and tagger.head.weights[0].shape[0] == last[-1]


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


@pytest.mark.parametrize("attention", [None, "multiplicative"])
def test_the_language_objective_follows_the_settings(attention: str | None, tmp_path: Path) -> None:
    changed = {
        "language": {"weight": 0.2, "words": 12, "units": 4, "tied": True},
        "encoder": {"units": 3, "layers": 2, "attention": attention},
    }
    tagger = build(Settings(**{**tiny.settings(tmp_path).model_dump(), **changed}), tiny.train_part())
    found = tagger.language
    assert (found.weight, len(found.rows), found.units, found.tied) == (0.2, 12, 4, True)
    assert tagger.outputs[-1].shape == (None, None, 6)
    assert build(tiny.settings(tmp_path), tiny.train_part()).language is None


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


@pytest.mark.parametrize(
    ("chars", "options", "found"),
    [
        ("cnn", {"dim": 16, "filters": 128, "initial_range": 0.1}, {"widths": (3,), "width": 128}),
        ("cnn", {"widths": (3, 4), "filters": 5, "highway": 1}, {"widths": (3, 4), "width": 10, "highway": 1}),
        ("lstm", {"units": 7, "dropout": 0.2}, {"units": 7, "width": 14, "dropout": 0.2}),
    ],
)
def test_character_settings_reach_their_layer(chars: str, options: dict, found: dict, tmp_path: Path) -> None:
    values = {**tiny.settings(tmp_path).model_dump(), "words": {"chars": chars, "dim": 4}, "chars": options}
    layer = build(Settings(**values), tiny.train_part()).features[-1]
    assert layer.name == "character_vectors"
    for name, value in {**options, **found}.items():
        assert getattr(layer, name) == value


@pytest.mark.parametrize(
    ("chars", "options", "message"),
    [
        ("lstm", {"widths": (3,)}, r"chars\.widths is for words\.chars cnn, received lstm"),
        ("cnn", {"units": 3}, r"chars\.units is for words\.chars lstm, received cnn"),
        (None, {"dim": 3}, r"chars\.\* is about the character encoder: words\.chars is None"),
        ("cnn", {"widths": (3, 3)}, r"chars\.widths are different numbers above 0"),
        ("gru", {}, "chars: Input should be 'cnn' or 'lstm'"),
    ],
)
def test_bad_character_settings(chars: str | None, options: dict, message: str, tmp_path: Path) -> None:
    values = {**tiny.settings(tmp_path).model_dump(), "words": {"chars": chars}, "chars": options}
    with pytest.raises(SettingsError, match=message):
        Settings(**values)


def test_categories_follow_the_settings(tmp_path: Path) -> None:
    words = {
        "prefixes": (2,),
        "suffixes": (2, 3),
        "shapes": True,
        "columns": ("pos",),
        "chars": None,
        "category_dim": 4,
    }
    tagger = build(Settings(**{**tiny.settings(tmp_path).model_dump(), "words": words}), tiny.train_part())
    names = ["prefix_2", "suffix_2", "suffix_3", "shape", "column_pos"]
    assert [feature.name for feature in tagger.features[2:]] == [f"{name}_vectors" for name in names]
    assert {feature.dim for feature in tagger.features[2:]} == {4}
    assert set(tagger.input) == {"words", "casing", "mask", *names}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"columns": ("po",)}, r"words\.columns are different ones of data\.columns .*received 'po'. Did you mean"),
        ({"columns": ("chunk",)}, r"words\.columns .*received 'chunk'"),
        ({"columns": ("word",)}, r"words\.columns .*received 'word'"),
        ({"columns": ("pos", "pos")}, r"words\.columns .*received 'pos'"),
        ({"suffixes": (0,)}, r"words\.suffixes are different numbers above 0, as 2 3; received \(0,\)"),
        ({"prefixes": (2, 2)}, r"words\.prefixes are different numbers"),
    ],
)
def test_bad_categories(words: dict, message: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=message):
        Settings(**{**tiny.settings(tmp_path).model_dump(), "words": words})
