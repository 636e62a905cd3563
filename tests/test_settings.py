from __future__ import annotations

import json

import pydantic
import pytest

from seqlab.errors import SettingsError
from seqlab.settings import (
    AttentionSettings,
    AuxiliarySettings,
    CharSettings,
    DataSettings,
    EncoderSettings,
    LanguageSettings,
    RuleSettings,
    Settings,
    TrainingSettings,
    WordSettings,
)

PARTS = [
    *(Settings, DataSettings, WordSettings, CharSettings, EncoderSettings, AttentionSettings),
    *(RuleSettings, AuxiliarySettings, LanguageSettings, TrainingSettings),
]
DATA = {"train": "train.conll"}


def options(kind=Settings, prefix=""):
    """Every option with its dotted name."""
    for name, field in kind.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, pydantic.BaseModel):
            yield from options(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


@pytest.mark.parametrize(("name", "field"), list(options()), ids=[name for name, _ in options()])
def test_every_option_is_documented(name, field):
    assert field.description, name
    assert field.description.strip() == field.description
    assert not field.description.endswith(".")


@pytest.mark.parametrize("kind", PARTS)
def test_every_part_is_documented(kind):
    assert kind.__doc__


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"seeds": 3}, r"^Settings: unknown key 'seeds'; known: data, task, .*Did you mean 'seed'\?$"),
        ({"encoder": {"unit": 3}}, r"^Settings: encoder: EncoderSettings: unknown key 'unit'.*Did you mean 'units'\?$"),
        ({"epoch": 3}, r"^Settings: unknown key 'epoch'; known: .*Did you mean 'training\.epochs'\?$"),
        ({"training.epoch": 3}, r"Did you mean 'training\.epochs'\?$"),
        ({"dropout": 0.5}, r"'words\.dropout' or 'chars\.dropout' or 'encoder\.dropout' or 'contextual\.dropout'\?$"),
        (
            {"encoder": {"epochs": 3}},
            r"known: kind, units, layers, dropout, .*heads, attention\. Did you mean 'training\.epochs'\?$",
        ),
        ({"rules": {"at_most": ["X"]}}, r"RuleSettings: unknown key 'at_most'; .*Did you mean 'at_most_one'\?$"),
        ({"rules": {"only_listed": ["X"]}}, r"rules.only_listed holds TYPE=FILE.*received 'X'"),
        ({"rules": {"only_listed": ["X=a", "X=b"]}}, r"each type once, .*received 'X=b'"),
        ({"rules": {"only_listed": ["X=a"], "in_loss": True}}, r"does not see the words.*Decoding keeps all rules"),
        ({"rules": {"leave_out_broken": True}}, r"rules.leave_out_broken concerns rules.in_loss"),
        ({"rules": {"in_loss": True}}, r"rules.in_loss needs rules, or --constrained"),
        ({"rules": {"in_loss": True, "leave_out_broken": True}}, r"rules.in_loss needs rules, or --constrained"),
        ({"rules": {"in_loss": True}, "constrained": True, "head": "softmax"}, r"rules.in_loss is for the head crf"),
        ({"encoder": {"drop": 0.5}}, r"Did you mean 'dropout'\?$"),
        ({"penalty": 0.5}, r"Did you mean 'attention\.penalty'\?$"),
        ({"suffixes": [2]}, r"Did you mean 'words\.suffixes'\?$"),
        ({"highway": 2}, r"Did you mean 'chars\.highway'\?$"),
        ({"dilation": [2]}, r"Did you mean 'encoder\.dilations'\?$"),
        (
            {"zzz": 3},
            r"unknown key 'zzz'; known: data, task, tag_scheme, words, chars, .*auxiliary, language, training, seed\.$",
        ),
        ({"training": {"epochs": "many"}}, r"TrainingSettings: epochs: Input should be a valid integer.*'many'$"),
        ({"training": {"epochs": 2.5}}, r"epochs: Input should be a valid integer.*received 2.5$"),
        ({"training": {"learning_rate": -1}}, r"learning_rate: Input should be greater than 0, received -1$"),
        ({"training": {"optimizer": "adamm"}}, r"optimizer: Input should be 'adam', .*received 'adamm'$"),
        ({"encoder": {"dropout": 1}}, r"dropout: Input should be less than 1, received 1$"),
        ({"words": [1]}, r"^Settings: words: Input should be .*WordSettings, received \[1\]$"),
        ({"data": {}}, r"^Settings: data: DataSettings: key 'train' is missing$"),
        ({"task": "lable"}, r"^Settings: task 'lable' is not among .*\(word, label\)\. Did you mean 'label'\?$"),
        ({"seeds": 3, "head": "crff"}, r"head: Input should be 'crf' or 'softmax'.*; unknown key 'seeds'"),
    ],
)
@pytest.mark.parametrize("read", ["constructor", "json"])
def test_errors_say_what_to_do(read, values, message):
    values = {"data": DATA, **values}
    with pytest.raises(SettingsError, match=message):
        Settings(**values) if read == "constructor" else Settings.model_validate_json(json.dumps(values))


def test_broken_json():
    with pytest.raises(SettingsError, match="Settings: .*Invalid JSON"):
        Settings.model_validate_json("{")


def test_settings_survive_json():
    one = Settings(
        data=DataSettings(train="a", columns={"word": 0, "ner": 3}, held_out=100, folds=5),
        task="ner",
        words=WordSettings(vectors="glove.txt", unseen_vectors=0, chars=None),
        training=TrainingSettings(clip_norm=None, average=0.9),
        seed=7,
    )
    assert Settings.model_validate_json(one.model_dump_json()) == one
    assert Settings(**json.loads(one.model_dump_json())) == one
    assert Settings(data=DATA) == Settings(data=DataSettings(**DATA))


def test_settings_are_frozen_and_share_nothing():
    one, other = Settings(data=DATA), Settings(data=DATA)
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        one.seed = 3
    one.data.columns["pos"] = 1
    assert "pos" not in other.data.columns
    assert "pos" not in Settings(data=DATA).data.columns


def test_task_of_a_conllu_file_is_a_field():
    data = DataSettings(train="a", format="conllu")
    assert Settings(data=data, task="pos").task == "pos"
    with pytest.raises(SettingsError, match=r"'poss' is not among data.fields \(pos\)\. Did you mean 'pos'"):
        Settings(data=data, task="poss")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"folds": 3, "dev": "d"}, "leave dev, test, join_dev out"),
        ({"folds": 3, "join_dev": True}, "leave dev, test, join_dev out"),
        ({"held_out": 1.5}, "a share below 1 or a whole number"),
    ],
)
def test_data_settings_that_contradict(values: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Settings(data=DataSettings(train="t", **values))
