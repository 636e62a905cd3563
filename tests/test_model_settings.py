"""Settings of a model: what fits which kind. What all settings have in common is in test_settings.py."""

from __future__ import annotations

import pytest

from seqlab.errors import SettingsError
from seqlab.model_settings import (
    KIND_OF_ENCODER,
    KINDS_OF_ATTENTION,
    AttentionSettings,
    CharSettings,
    EncoderSettings,
    WordSettings,
)
from seqlab.settings import Settings

DATA = {"train": "train.conll"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"words": {"train": "known"}}, r"words.train known is about the vectors of a file: name one"),
        ({"words": {"unseen_vectors": 5}}, "words.unseen_vectors is about the vectors of a file: name one"),
        (
            {"words": {"train": "none", "vectors": "v.txt", "min_count": 3}},
            "words.min_count is for words.train all, received none: leave it out",
        ),
        (
            {"words": {"rules": ["lower"]}},
            "words.rules are different ones of lowercase, .*; received lower. Did you mean 'lowercase'",
        ),
        ({"words": {"rules": ["nfc", "nfc"]}}, "words.rules are different ones .*; received nfc nfc"),
        ({"words": {"encoding": "latin-1"}}, "words.encoding is that of a vector file: name one"),
        ({"words": {"encoding": "latin-99", "vectors": "v"}}, "`words.encoding` must be a text encoding .*'latin-99'"),
        ({"words": {"category_dim": 5}}, "words.category_dim is for words.prefixes, suffixes, shapes and columns"),
        ({"encoder": {"kind": "dilated_cnn", "dilations": [0]}}, "encoder.dilations are numbers above 0, as 1 2 4 1"),
        ({"words": {"suffixes": [2, 2]}}, r"words.suffixes are different numbers above 0, as 2 3; received \(2, 2\)"),
        ({"words": {"prefixes": [0]}}, r"words.prefixes are different numbers above 0, as 2 3; received \(0,\)"),
        ({"words": {"columns": ["poss"]}}, r"words.columns are different ones of data.columns \(word, label\)"),
        ({"words": {"columns": ["label"]}}, r"others than those that are learnt and the words; received 'label'"),
        ({"language": {"weight": 0}}, "weight: Input should be greater than 0"),
        ({"language": {"weight": -0.1}}, "weight: Input should be greater than 0"),
        ({"language": {"tied": True}}, "language.words, language.units and language.tied concern language.weight"),
        (
            {"language": {"weight": 0.1}, "encoder": {"kind": "transformer"}},
            "language.weight needs encoder.kind recurrent, received transformer: its layers see the words",
        ),
        (
            {"language": {"weight": 0.1}, "contextual": {"producer": "p"}},
            "language.weight and contextual vectors: those have read the words that would be named; leave one out",
        ),
        (
            {"language": {"weight": 0.1}, "encoder": {"attention": "self", "layers": 1}},
            "language.weight reads a layer below the attention: take encoder.layers 2 or more, or no attention",
        ),
        (
            {"language": {"weight": 0.1}, "contextual": {"fine_tune": "p"}},
            "language.weight and contextual vectors: those have read the words that would be named; leave one out",
        ),
        (
            {"contextual": {"fine_tune": "p", "file": "v.h5"}},
            "contextual.fine_tune gives what contextual.file .*: name one",
        ),
        ({"contextual": {"dropout": 0.5}}, r"contextual.layer_norm and contextual.dropout .* name their source"),
        ({"contextual": {"layer_norm": "token"}}, r"contextual.layer_norm and contextual.dropout .* name their source"),
        ({"chars": {"units": 3}}, r"chars.units is for words.chars lstm, received cnn: leave it out"),
        ({"chars": {"widths": [2]}, "words": {"chars": "lstm"}}, r"chars.widths is for words.chars cnn, received lstm"),
        ({"chars": {"filters": 2}, "words": {"chars": "lstm"}}, r"chars.filters is for words.chars cnn, received lstm"),
        ({"chars": {"dim": 3}, "words": {"chars": None}}, r"chars.\* is about the character encoder: .* None"),
        ({"chars": {"widths": [3, 3]}}, r"chars.widths are different numbers above 0, as in 3 4 5; received \(3, 3\)"),
        (
            {"encoder": {"layers": 1, "dropout": 0.1, "input_dropout": 0, "output_dropout": 0.2}},
            "encoder.dropout is that between layers where input_dropout and output_dropout are given",
        ),
        (
            {"encoder": {"layer_dropout": 0.1}},
            r"encoder.layer_dropout needs encoder.connection residual, received None",
        ),
        ({"encoder": {"projection": 5, "cell": "gru"}}, r"encoder.projection is for LSTM cells, .*encoder.cell gru"),
        ({"encoder": {"layer_norm": True, "cell": "srn"}}, r"encoder.layer_norm is for LSTM cells, received .* srn"),
        ({"encoder": {"cell_zoneout": 0.1, "cell": "gru"}}, r"encoder.cell_zoneout is for LSTM cells"),
        (
            {"encoder": {"kind": "dilated_cnn", "cell": "gru"}},
            r"encoder.cell is for encoder.kind recurrent, .* dilated",
        ),
        ({"encoder": {"kind": "transformer", "connection": "sum"}}, r"encoder.connection is for .* received transform"),
        ({"encoder": {"kind": "transformer", "dilations": [1]}}, r"encoder.dilations is for encoder.kind dilated_cnn"),
        ({"encoder": {"heads": 2}}, r"encoder.heads is for encoder.kind transformer, received recurrent: leave it out"),
        ({"encoder": {"kind": "transformer", "units": 6}}, r"encoder.units is 6; .* a multiple of encoder.heads, 4"),
        ({"encoder": {"kind": "cnn"}}, r"kind: Input should be 'recurrent', 'dilated_cnn' or 'transformer'"),
        ({"encoder": {"kind": "dilated_cnn", "dilations": []}}, r"dilations: Tuple should have at least 1 item"),
        ({"encoder": {"attention": "aditive"}}, r"attention: Input should be 'additive', .*received 'aditive'$"),
        ({"attention": {"hops": 2}}, r"attention.hops is for encoder.attention self, received encoder.attention None"),
        (
            {"attention": {"units": 3}, "encoder": {"attention": "scaled"}},
            r"attention.units is for encoder.attention additive or self or key_value, received .* scaled: leave it out",
        ),
        ({"attention": {"penalty": float("inf")}}, r"penalty: Input should be a finite number"),
        ({"attention": {"window": 0}}, r"window: Input should be greater than 0"),
        ({"encoder": {"layers": 1, "connection": "dense"}}, r"encoder.connection dense says .* 2 or more, received 1"),
        ({"encoder": {"layers": 1, "stacking": "per_direction"}}, r"encoder.stacking per_direction says .* add layers"),
    ],
)
def test_errors_say_what_to_do(values, message):
    with pytest.raises(SettingsError, match=message):
        Settings(**{"data": DATA, **values})


def test_one_layer_has_connections_that_add():
    for stacking in ("interleaved", "per_direction"):
        for connection in ("residual", "highway", "sum"):
            EncoderSettings(layers=1, connection=connection, stacking=stacking)


def test_options_of_the_characters_are_what_is_given():
    assert CharSettings().options(None)["dim"] == 25
    assert CharSettings(widths=(3, 4)).options("cnn").items() >= {"widths": (3, 4), "highway": 0}.items()
    assert "filters" not in CharSettings(units=7).options("lstm")


def test_lists_from_json_are_tuples():
    assert WordSettings(suffixes=[2, 3]) == WordSettings(suffixes=(2, 3))


def test_every_option_of_one_kind_is_refused_elsewhere():
    """What a kind does not read differs from its default in no settings of that kind."""
    values = {
        "cell": "gru", "recurrent_dropout": 0.1, "connection": "sum", "stacking": "per_direction",
        "zoneout": 0.1, "cell_zoneout": 0.1, "initial_state": "learned", "projection": 2, "layer_norm": True,
        "layer_dropout": 0.1, "input_dropout": 0.1, "output_dropout": 0.0, "dilations": (1,), "heads": 2,
    }  # fmt: skip
    shared = {"kind", "units", "layers", "dropout", "attention"}
    assert values.keys() == KIND_OF_ENCODER.keys() == set(EncoderSettings.model_fields) - shared
    for name, value in values.items():
        for kind in {"recurrent", "dilated_cnn", "transformer"} - {KIND_OF_ENCODER[name]}:
            with pytest.raises(SettingsError, match=f"encoder.{name} is for encoder.kind {KIND_OF_ENCODER[name]}"):
                EncoderSettings(kind=kind, **{name: value})


GIVEN = {"units": 3, "coverage": True, "hops": 2, "penalty": 0.1, "window": 5, "heads": 2}
FITTING = {
    "additive": {"units", "coverage"},
    "multiplicative": set(),
    "scaled": set(),
    "self": {"units", "hops", "penalty"},
    "key_value": {"units", "window"},
    "multi_head": {"heads"},
}


@pytest.mark.parametrize("kind", FITTING)
def test_attention_settings_fit_their_kind(kind):
    assert AttentionSettings().options(kind) == AttentionSettings().options(None) == {}
    assert GIVEN.keys() == KINDS_OF_ATTENTION.keys() == AttentionSettings.model_fields.keys()
    for name, value in GIVEN.items():
        settings = AttentionSettings(**{name: value})
        if name in FITTING[kind]:
            assert settings.options(kind) == {name: value}
        else:
            with pytest.raises(SettingsError, match=f"attention.{name} is for encoder.attention .*received .* {kind}"):
                Settings(data=DATA, encoder={"attention": kind}, attention=settings)
