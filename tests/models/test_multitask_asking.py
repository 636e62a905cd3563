"""From sentences to scores and answers, once for all tasks."""

from __future__ import annotations

import numpy as np
import pytest

from seqlab.batches.multitask import JointTaskBatches, MultiTaskBatches, encode_tasks
from seqlab.errors import DataError, SettingsError
from seqlab.models.multitask_asking import batches_of, scored
from tests.models import tasks as toy

pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture(scope="module")
def tagger():
    return toy.tagger(eager=True)


def test_scores_of_all_tasks_are_those_of_each(tagger):
    batches = tagger.asking.batches(list(toy.corpus("pos")))
    every = tagger.asking.scores(batches, toy.TASKS)
    for task in toy.TASKS:
        for one, other in zip(every[task], tagger.view(task).decoder.scores(batches), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_answers_are_those_of_the_task_alone(tagger):
    texts = list(toy.WORDS)
    found = tagger.tag_all(texts, probabilities=True, n_best=2)
    for task in ("chunk", "ner"):
        for one, other in zip(found[task], tagger.view(task).tag_all(texts, probabilities=True, n_best=2), strict=True):
            assert one.tags == other.tags
            assert one.probabilities == pytest.approx(other.probabilities, rel=1e-3)
            assert [way.tags for way in one.n_best[0]] == [way.tags for way in other.n_best[0]]
    assert tagger.tag_all([], tasks="ner") == {"ner": []}


def test_data_becomes_batches(tagger):
    assert isinstance(batches_of(tagger, toy.corpora()), MultiTaskBatches)
    assert isinstance(batches_of(tagger, toy.corpus(*toy.TASKS)), JointTaskBatches)
    assert batches_of(tagger, None) is None
    arrays = toy.batch(tagger, "pos")[0]
    assert batches_of(tagger, arrays) is arrays


def test_scores_of_joint_batches_and_of_single_ones_agree(tagger):
    single = scored(tagger, batches_of(tagger, toy.corpora()))
    joint = scored(tagger, batches_of(tagger, toy.corpus(*toy.TASKS)))
    assert single == pytest.approx(joint)
    assert single["f1"] == pytest.approx(np.mean([single[f"{task}_f1"] for task in toy.TASKS]))


@pytest.mark.parametrize("order", [("ner", "pos", "chunk"), ("ner",)])
def test_batches_that_count_tasks_otherwise_are_refused(tagger, order):
    data = encode_tasks(tagger.vectorizer, {task: toy.corpus(task) for task in order})
    for ask in (tagger.fit, tagger.evaluate):
        with pytest.raises(SettingsError, match="tasks=tagger.tasks"):
            ask(MultiTaskBatches(data))
    right = MultiTaskBatches(data, tasks=tagger.tasks)
    assert batches_of(tagger, right) is right


def test_validation_goes_without_a_task_that_its_sentences_lack(tagger):
    sentences = list(toy.corpus("pos", "chunk"))
    logs = tagger.evaluate(sentences, return_dict=True, verbose=0)
    assert "ner_f1" not in logs
    assert logs["f1"] == pytest.approx((logs["pos_f1"] + logs["chunk_f1"]) / 2)
    alone = batches_of(tagger, list(toy.corpus("ner")))
    assert alone[0][0]["task"].tolist() == [2] * 3
    assert set(scored(tagger, alone)) >= {"ner_f1", "f1"}
    with pytest.raises(DataError, match="'ner' has no training data"):
        batches_of(tagger, sentences, strict=True)
