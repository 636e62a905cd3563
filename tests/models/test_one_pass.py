"""An evaluation tells labels beside losses: no second pass, the same figures, of the weights as they are."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from seqlab.batches.plan import Batch
from seqlab.corpora.records import Corpus
from seqlab.errors import DataError
from seqlab.models.decoding import Decoder
from seqlab.models.multitask import MultiTaskTagger
from seqlab.models.multitask_asking import batches_of
from seqlab.models.one_pass import LABELS, labels_of
from seqlab.tags.counting import at_least_one
from seqlab.tags.listed import only_listed
from tests.models import tasks, toy

FIGURES = ("precision", "recall", "f1", "accuracy")


@pytest.fixture
def passes(monkeypatch):
    """The numbers of sentences that were tagged in passes of their own."""
    found, tag = [], Decoder.labels

    def counted(self, batches):
        found.append(len(batches.encoded.sentences))
        return tag(self, batches)

    monkeypatch.setattr(Decoder, "labels", counted)
    return found


def figures(logs, task=None):
    return [logs[name if task is None else f"{task}_{name}"] for name in FIGURES]


@pytest.mark.parametrize("head", ["crf", "softmax"])
@pytest.mark.parametrize("constrained", [False, True])
def test_an_evaluation_tags_in_the_same_pass(passes, head, constrained):
    tagger = toy.tagger(constrained, head)
    for seed in (1, 2):  # a graph that holds the weights of its first run as constants gives the same twice
        tagger.set_weights([np.random.default_rng(seed).normal(size=w.shape) for w in tagger.get_weights()])
        logs = tagger.evaluate(toy.corpus(), return_dict=True, verbose=0, batch_size=2)
        assert not passes
        assert figures(logs) == figures(tagger.score(toy.corpus()).logs())
        assert passes.pop() == len(toy.TEXTS)


def test_validation_tags_in_the_same_pass_and_callbacks_see_figures_alone(passes):
    seen = []
    watch = keras.callbacks.LambdaCallback(on_test_batch_end=lambda batch, logs: seen.append(set(logs)))
    tagger = toy.tagger()
    held = {"validation_data": toy.corpus(), "restore_best": None, "callbacks": [watch]}
    history = tagger.fit(toy.corpus(), epochs=2, verbose=0, **held).history
    assert not passes
    assert figures({name.removeprefix("val_"): values[-1] for name, values in history.items()}) == figures(
        tagger.score(toy.corpus()).logs()
    )
    assert seen
    assert all(names == {"loss"} for names in seen)


def test_logs_of_a_batch_hold_no_labels():
    tagger = toy.tagger()
    inputs, labels = tagger.batches(toy.corpus(), batch_size=5)[0]
    tagger.evaluate(toy.corpus(), verbose=0)
    assert LABELS not in tagger.test_on_batch(inputs, labels, return_dict=True)
    assert set(tagger.evaluate(inputs, labels, return_dict=True, verbose=0)) == {"loss"}


def listed(labels, scheme):
    return only_listed(labels, scheme, "X", [["a"], ["b", "a"]])


def test_what_one_pass_does_not_tell_is_tagged_in_a_second(passes):
    words_decide, steps, part = toy.tagger(listed), toy.tagger(), toy.tagger()
    steps.compile("sgd", steps_per_execution=2)
    for tagger, options in ((words_decide, {}), (steps, {}), (part, {"steps": 1})):
        logs = tagger.evaluate(toy.corpus(), return_dict=True, verbose=0, batch_size=2, **options)
        assert passes.pop() == len(toy.TEXTS)
        assert figures(logs) == figures(tagger.score(toy.corpus()).logs())
        passes.clear()


def test_graphs_follow_what_is_asked_of_them(passes):
    tagger = toy.tagger()
    inputs, labels = tagger.batches(toy.corpus(), batch_size=5)[0]
    tagger.evaluate(inputs, labels, verbose=0)
    assert not tagger.tells  # arrays are not decoded for nothing
    tagger.evaluate(toy.corpus(), verbose=0)
    assert tagger.tells and not passes
    tagger.compile("sgd", steps_per_execution=2)
    assert not tagger.tells
    assert figures(tagger.evaluate(toy.corpus(), return_dict=True, verbose=0)) == figures(
        tagger.score(toy.corpus()).logs()
    )


@pytest.mark.parametrize("kind", ["one task", "joint", "several"])
def test_orders_that_change(passes, kind):
    """Each evaluation reads another order; one that is cut off leaves its batches in the middle of an epoch."""
    if kind == "one task":
        tagger = toy.tagger()
        batches = tagger.batches(toy.corpus(), batch_size=2, shuffle=True)
        wanted = tagger.score(toy.corpus()).logs()
    else:
        tagger = tasks.tagger("lstm_s", eager=True)
        wanted = {
            f"{t}_{name}": v for t in tasks.TASKS for name, v in tagger.view(t).score(tasks.corpus(t)).logs().items()
        }
        data = tasks.corpora() if kind == "several" else list(tasks.corpus(*tasks.TASKS))
        batches = batches_of(tagger, data, schedule="exhaustive", batch_size=1, shuffle=True)
    passes.clear()
    cut = keras.callbacks.LambdaCallback(on_test_batch_end=lambda batch, logs: setattr(tagger, "stop_evaluating", True))
    for callbacks in ([], [], [cut], [], [cut], []):
        logs = tagger.evaluate(batches, return_dict=True, verbose=0, callbacks=callbacks)
        assert bool(passes) == bool(callbacks)
        passes.clear()
        assert {name: logs[name] for name in wanted} == wanted


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="Keras on JAX can evaluate nothing within an evaluation")
@pytest.mark.parametrize("several", [False, True])
def test_evaluations_within_an_evaluation(passes, several):
    tagger = tasks.tagger("lstm_s", eager=True) if several else toy.tagger()
    data = tasks.corpora() if several else toy.corpus()
    arrays = tasks.batch(tagger, "pos") if several else tagger.batches(data, batch_size=5)[0]
    inner = []

    def within(batch, logs):
        if len(inner) < 2:
            inner.append(None)
            tagger.test_on_batch(*arrays)
            inner[-1] = tagger.evaluate(data, return_dict=True, verbose=0)

    plain = tagger.evaluate(data, return_dict=True, verbose=0)
    watch = keras.callbacks.LambdaCallback(on_test_batch_begin=within)
    found = tagger.evaluate(data, return_dict=True, verbose=0, callbacks=[watch], batch_size=1)
    names = [name for name in plain if name.endswith(FIGURES)]
    assert names and inner
    assert all([logs[name] for name in names] == [plain[name] for name in names] for logs in [found, *inner])


def test_a_metric_keeps_its_name():
    class Labels(keras.metrics.Mean):
        def update_state(self, y_true, y_pred, sample_weight=None):
            super().update_state(keras.ops.mean(y_pred))

    tagger = toy.tagger()
    tagger.compile("sgd", metrics=[Labels(name="labels")], steps_per_execution=8)
    assert np.isfinite(tagger.evaluate(toy.corpus(), return_dict=True, verbose=0)["labels"])


def test_a_step_that_fails_leaves_nothing_behind(monkeypatch):
    def fails(*arguments):
        raise ArithmeticError

    tagger = toy.tagger()
    tagger.compile("sgd", run_eagerly=True)
    monkeypatch.setattr(type(tagger.head), "loss", fails)
    with pytest.raises(ArithmeticError):
        tagger.evaluate(toy.corpus(), verbose=0)
    assert tagger._told is None and tagger._notes is None


def test_a_sentence_that_nothing_satisfies_is_refused(passes):
    tagger = toy.tagger(lambda labels, scheme: at_least_one(labels, scheme, "X", "Y"))
    with pytest.raises(DataError, match="^toy.txt:41: No tags fit the sentence 'b'"):
        tagger.evaluate(toy.corpus(), verbose=0)
    assert not passes


@pytest.mark.parametrize("kind", ["sc_lstm", "stl"])
def test_several_tasks_are_tagged_in_the_same_pass(passes, kind):
    tagger = tasks.tagger(kind, eager=True)
    by_task = tasks.corpora()
    by_task["chunk"] = Corpus(list(by_task["chunk"])[:2], by_task["chunk"].schemes)
    joint = [*list(tasks.corpus("pos", "chunk", "ner"))[:2], *list(tasks.corpus("pos", "ner"))[2:]]
    for data, own in ((by_task, by_task), (joint, None)):
        logs = tagger.evaluate(data, return_dict=True, verbose=0, batch_size=2)
        assert not passes
        for task in tasks.TASKS:
            part = [one for one in joint if task in one.columns] if own is None else own[task]
            assert figures(logs, task) == figures(tagger.view(task).score(part).logs())
        passes.clear()
        assert np.isclose(logs["f1"], np.mean([logs[f"{task}_f1"] for task in tasks.TASKS]))


@pytest.mark.parametrize("dtype", ["int64", "float32", "int8"])
def test_labels_of_several_tasks_of_any_type(dtype):
    tagger = tasks.tagger("lstm_s")
    tagger.evaluate(tasks.corpora(), verbose=0)
    inputs, labels = tasks.batch(tagger, "chunk")
    assert np.isfinite(tagger.test_on_batch(inputs, labels.astype(dtype), return_dict=True)["loss"])


def test_several_tasks_of_which_one_looks_at_words(passes):
    own = Corpus([replace(one, columns={"own": one.columns["ner"]}) for one in toy.corpus()])
    corpora = {"ner": toy.corpus(), "own": own}
    options = {"units": 2, "layers": 1, "chars": None, "cell": "srn"}
    tagger = MultiTaskTagger.from_corpora({"own": own}, "lstm_s", **options)
    tagger = tagger.with_task("ner", corpora["ner"], constrained=listed)
    for steps in (1, 2):
        tagger.compile("sgd", steps_per_execution=steps, run_eagerly=True)
        logs = tagger.evaluate(corpora, return_dict=True, verbose=0)
        assert passes
        for task, corpus in corpora.items():
            assert figures(logs, task) == figures(tagger.view(task).score(corpus).logs())


def test_several_tasks_compiled(passes):
    tagger = tasks.tagger()
    history = tagger.fit(tasks.corpora(), validation_data=tasks.corpora(), epochs=2, verbose=0, restore_best=None)
    assert not passes
    for task, corpus in tasks.corpora().items():
        logs = {name.removeprefix("val_"): values[-1] for name, values in history.history.items()}
        assert figures(logs, task) == figures(tagger.view(task).score(corpus).logs())


def test_labels_of_sentences():
    plan = [Batch(np.array([2, 0]), 3), Batch(np.array([1]), 2)]
    noted = [np.array([[1, 2, 3], [4, -1, -1], [-1, -1, -1]]), np.array([[5, 6]])]  # the third row holds no sentence
    lengths = np.array([1, 2, 3])
    found = labels_of(noted, plan, lengths)
    for row, wanted in zip(found, ([4], [5, 6], [1, 2, 3]), strict=True):
        assert_array_equal(row, wanted)
    assert labels_of(noted[:1], plan, lengths) is None
    assert labels_of([noted[0], None], plan, lengths) is None
    assert labels_of(noted, plan, np.array([1, 2, 3, 1])) is None  # a sentence that no batch holds
