"""From corpora to the parts of a tagger of several tasks."""

from __future__ import annotations

import pytest

from seqlab.errors import DataError, SettingsError
from seqlab.layers.heads.crf import CRFHead
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.layers.stack import RecurrentStack
from seqlab.layers.tasks.sc_stack import SCLSTMStack
from seqlab.layers.tasks.shared import SharedEncoder
from seqlab.models.multitask import MultiTaskTagger
from seqlab.models.multitask_builders import ENCODERS, check_parts, parts_of_config, parts_of_tasks, task_encoder
from tests.models import tasks as toy


def parts(**options):
    return parts_of_tasks(toy.corpora(), **{"chars": None, "units": 2, "layers": 1, **options})


@pytest.mark.parametrize("kind", ENCODERS)
def test_an_encoder_by_name(kind):
    options = {"depths": (1, 2)} if kind == "lstm_d" else {}
    encoder = task_encoder(kind, 2, 3, 2, 0.25, **options)
    stacks = [encoder] if kind == "sc_lstm" else getattr(encoder, "private", None) or [encoder.encoder]
    assert encoder.tasks == 2
    assert {(stack.units, stack.layers, stack.dropout) for stack in stacks} == {(3, 2, 0.25)}
    assert (getattr(encoder, "shared", None) is not None) == (kind == "private_shared")


def test_rules_reach_the_vectorizer():
    assert parts(rules=["lowercase"])["vectorizer"].rules == ("lowercase",) != parts()["vectorizer"].rules


def test_options_reach_the_encoder():
    assert task_encoder("sc_lstm", 2, gates="all", merge="sum", variant="CIFG").gates == "all"
    assert task_encoder("lstm_s", 2, connection="residual").encoder.connection == "residual"


def test_separate_networks_have_features_of_their_own():
    separate, shared = parts(encoder="stl")["features"], parts()["features"]
    assert list(separate) == list(toy.TASKS)
    assert isinstance(shared, list)
    assert len({id(layer) for own in separate.values() for layer in own}) == 3 * len(shared)


def test_heads_by_task():
    heads = parts(head={"pos": "softmax", "chunk": "crf", "ner": "crf"}, constrained=True)["heads"]
    assert [type(head) for head in heads] == [SoftmaxHead, CRFHead, CRFHead]
    assert [head.constraints is not None for head in heads] == [False, True, True]  # parts of speech have no scheme
    with pytest.raises(SettingsError, match="a head for each of pos, chunk, ner"):
        parts(head={"pos": "crf"})


def test_a_config_gives_the_parts_back():
    made = toy.tagger("stl", eager=True)
    again = parts_of_config(made.get_config())
    assert again["tasks"] == list(toy.TASKS)
    assert MultiTaskTagger(**again).get_config() == made.get_config()


def test_refuses_corpora_and_encoders():
    corpora = list(toy.corpora().items())
    with pytest.raises(SettingsError, match="Two tasks have the name 'ner'"):
        parts_of_tasks([*corpora, ("ner", toy.corpus("ner"))])
    with pytest.raises(DataError, match="no column 'srl'"):
        parts_of_tasks([("srl", toy.corpus("ner"))])
    with pytest.raises(SettingsError, match="Unknown encoder of several tasks 'sc_lst'.*Did you mean 'sc_lstm'"):
        parts(encoder="sc_lst")
    with pytest.raises(SettingsError, match="depths=\\(1, 2"):
        parts(encoder="lstm_d")
    with pytest.raises(SettingsError, match="from 1 to 1 for each of the 3 tasks"):
        parts(encoder="lstm_d", depths=(1, 1, 4))
    with pytest.raises(SettingsError, match="'lstm_s' does not take these options.*gates"):
        parts(encoder="lstm_s", gates="all")
    with pytest.raises(SettingsError, match="leave out units, layers"):
        parts(encoder=SCLSTMStack(2, 3))


def test_refuses_parts_that_do_not_go_together():
    found = parts()
    vectorizer, features, heads = found["vectorizer"], found["features"], found["heads"]
    encoder = SharedEncoder(RecurrentStack(2), 3)
    for tasks, given, own, part, message in (
        (["pos", "pos", "ner"], features, heads, encoder, "different names"),
        (["pos", "chunk", "srl"], features, heads, encoder, "none of srl"),
        (toy.TASKS, features, heads[:2], encoder, "received 2 heads"),
        (toy.TASKS, features, heads, SharedEncoder(RecurrentStack(2), 2), "an encoder of 2 tasks"),
        (toy.TASKS, {"pos": features}, heads, encoder, "features of each of"),
    ):
        with pytest.raises(SettingsError, match=message):
            check_parts(vectorizer, tasks, given, part, own)
