"""A task more or less: what was learnt stays, what is new learns."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import seqlab
from seqlab.corpora.tasks import task_corpora
from seqlab.errors import DataError, SettingsError
from tests.models import tasks as toy

pytestmark = pytest.mark.usefixtures("eagerly")

TEXT = ("Ada", "sang", "of", "Oslo")


def scores(made, task):
    return made.predict(list(toy.corpus("pos")), tasks=[task])[task]


def same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", toy.KINDS)
def test_dropping_and_adding_a_task_keeps_the_others(kind):
    made = toy.tagger(kind, eager=True)
    left = made.without_task("pos")
    assert left.tasks == ("chunk", "ner")
    assert set(left.vectorizer.labels) == {"chunk", "ner"}
    more = left.with_task("pos", toy.corpus("pos"), head="softmax")
    assert more.tasks == ("chunk", "ner", "pos")
    for task in ("chunk", "ner"):
        same(scores(left, task), scores(made, task))
        same(scores(more, task), scores(made, task))


def test_a_saved_tagger_learns_a_task_more(tmp_path):
    keras.utils.set_random_seed(3)
    toy.tagger(eager=True).without_task("pos").save(tmp_path / "two.keras")
    made = seqlab.load(tmp_path / "two.keras").with_task("pos", toy.corpus("pos"))
    made.compile(keras.optimizers.Adam(0.1))
    before = toy.values(made.weights_of("ner"))
    own = {id(weight) for weight in made.weights_of("pos")}
    logs = made.fit({"pos": toy.corpus("pos")}, epochs=4, batch_size=3, verbose=0).history["pos_loss"]
    assert logs[-1] < logs[0]
    for weight, old in zip(made.weights_of("ner"), before, strict=True):
        assert np.array_equal(toy.values([weight])[0], old) == (id(weight) not in own)
    assert len(made.tag(TEXT)["pos"].tags) == len(TEXT)


def test_a_new_task_reads_the_layer_that_it_is_given():
    made = toy.tagger("lstm_d", eager=True)
    assert made.with_task("pos_2", renamed(), depth=1).encoder.depths == (1, 2, 2, 1)
    assert made.without_task("chunk").without_task("ner").encoder.encoder.layers == 1
    with pytest.raises(SettingsError, match="leave it out"):
        toy.tagger("lstm_s", eager=True).with_task("pos_2", renamed(), depth=1)


def renamed(task="pos"):
    """The corpus of a task under another name."""
    return task_corpora([(f"{task}_2", toy.corpus(task), task)])[f"{task}_2"]


def test_the_new_head_has_the_others_reduction_and_rules_if_wanted():
    made = toy.tagger("lstm_s", eager=True)
    for head in made.heads_by_task:
        head.reduction = "sum"
    new = made.with_task("chunk_2", renamed("chunk"), constrained=True).heads_by_task[-1]
    assert (new.reduction, new.constraints is None) == ("sum", False)
    made.heads_by_task[0].reduction = "tokens"
    with pytest.raises(SettingsError, match=r"differ in their reduction \(pos: tokens, chunk: sum"):
        made.with_task("chunk_2", renamed("chunk"))
    new = made.with_task("chunk_2", renamed("chunk"), reduction="sentences").heads_by_task[-1]
    assert (new.reduction, new.constraints is None) == ("sentences", True)


def test_refuses():
    made = toy.tagger(eager=True)
    with pytest.raises(SettingsError, match="a task 'ner' already"):
        made.with_task("ner", toy.corpus("ner"))
    with pytest.raises(DataError, match="no column 'srl'"):
        made.with_task("srl", toy.corpus("ner"))
    with pytest.raises(SettingsError, match="Unknown task 'srl'"):
        made.without_task("srl")
    with pytest.raises(SettingsError, match="the only task"):
        made.without_task("pos").without_task("ner").without_task("chunk")
