from __future__ import annotations

from typing import Any

import pytest

from seqlab.errors import SettingsError
from seqlab.studies import Condition, Parameter
from seqlab.tuning.space import SearchSpace
from tests.tuning.common import SETTINGS


def declared(hp: Any) -> dict[str, Any]:
    chars = hp.Choice("words.chars", ["cnn", "lstm"])
    with hp.conditional_scope("words.chars", ["lstm"]):
        units = hp.Int("chars.units", 5, 50, step=5)
    found = {
        "words.chars": chars,
        "chars.units": units,
        "training.learning_rate": hp.Float("rate", 1e-4, 1e-1, sampling="log"),
        "words.casing": hp.Boolean("casing"),
    }
    if chars == "cnn":
        with hp.conditional_scope("words.chars", ["cnn"]):
            found["chars.filters"] = hp.Int("filters", 10, 90, sampling="log")
    hp.Fixed("note", "first")
    return found


def test_all_parameters_are_found_whatever_the_conditions() -> None:
    space = SearchSpace(SETTINGS, declared)
    found = {item.name: item for item in space.parameters}
    assert found == {
        "words.chars": Parameter("words.chars", "choice", values=("cnn", "lstm")),
        "chars.units": Parameter(
            "chars.units", "int", 5, 50, "linear", 5, conditions=(Condition("words.chars", ("lstm",)),)
        ),
        "rate": Parameter("rate", "float", 1e-4, 1e-1, "log"),
        "casing": Parameter("casing", "boolean"),
        "note": Parameter("note", "fixed", values=("first",)),
        "filters": Parameter("filters", "int", 10, 90, "log", conditions=(Condition("words.chars", ("cnn",)),)),
    }
    assert space.changed == {
        "words.chars",
        "chars.units",
        "training.learning_rate",
        "words.casing",
        "chars.filters",
    }


def test_values_become_settings() -> None:
    space = SearchSpace(SETTINGS, declared)
    settings = space.settings({"words.chars": "lstm", "chars.units": 20, "rate": 0.05, "casing": False})
    assert (settings.words.chars, settings.chars.units, settings.chars.filters) == ("lstm", 20, None)
    assert (settings.training.learning_rate, settings.words.casing) == (0.05, False)
    assert settings.data == SETTINGS.data and settings.encoder == SETTINGS.encoder


def deep(hp: Any) -> dict[str, Any]:
    kind = hp.Choice("encoder.kind", ["recurrent", "transformer"])
    with hp.conditional_scope("encoder.kind", ["transformer"]):
        heads = hp.Choice("encoder.heads", [2, 3])
    return {"encoder.kind": kind, "encoder.heads": heads}


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (lambda hp: {"encoder.unit": hp.Int("units", 1, 5)}, "no setting 'encoder.unit'. Did you mean 'encoder.units'"),
        (lambda hp: {"units": hp.Int("units", 1, 5)}, "no setting 'units'"),
        (lambda hp: {"encoder": hp.Int("units", 1, 5)}, "no setting 'encoder'"),
        (lambda hp: {"encoder.units": hp.Int("units", 0, 5)}, r"with \{'units': 0\}: .*greater than 0"),
        (lambda hp: {"encoder.dropout": hp.Float("drop", 0, 1.5)}, r"with \{'drop': 1.49.*less than 1"),
        (lambda hp: {"head": hp.Choice("head", ["crf", "crff"])}, r"with \{'head': 'crff'\}"),
        (deep, r"'encoder.heads': 3\}: .*units is 100; a transformer needs a multiple of encoder.heads, 3"),
        (lambda hp: {"seed": hp.Int("seed", 1, 5)}, "'seed' is the study's own"),
        (lambda hp: {"training.monitor": hp.Choice("m", ["val_f1"])}, "'training.monitor' is the study's objective"),
        (lambda hp: {"data.folds": hp.Int("f", 2, 5)}, "'data.folds' is for seqlab train"),
        (lambda hp: {"data.join_dev": hp.Boolean("j")}, "'data.join_dev' would have trials learn what"),
        (lambda hp: {}, "declares nothing"),
        (lambda hp: [hp.Int("units", 1, 5)], "must return a dictionary .*, returned list"),
        (lambda hp: {"encoder.units": hp.Int("units", 5, 1)}, "search_space: ValueError: .*min_value 5 is greater"),
        (lambda hp: {"encoder.units": hp.int("units", 5, 9)}, "search_space: AttributeError"),
    ],
)
def test_errors(declare: Any, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        SearchSpace(SETTINGS, declare)


def test_a_name_has_one_condition() -> None:
    def twice(hp: Any) -> dict[str, Any]:
        hp.Choice("words.chars", ["cnn", "lstm"])
        for name in ("cnn", "lstm"):
            with hp.conditional_scope("words.chars", [name]):
                hp.Int("width", 1, 9)
        return {}

    with pytest.raises(SettingsError, match="'width' is declared twice, with other conditions"):
        SearchSpace(SETTINGS, twice)


def test_settings_that_cannot_be_searched_are_told_with_their_values() -> None:
    def check(settings: Any) -> None:
        if settings.encoder.units > 50:
            raise SettingsError(f"too many, {settings.encoder.units}")

    with pytest.raises(SettingsError, match=r"with \{'units': 60\}: too many, 60"):
        SearchSpace(SETTINGS, lambda hp: {"encoder.units": hp.Int("units", 40, 60)}, check)
