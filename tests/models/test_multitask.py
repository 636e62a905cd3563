"""The tagger of several tasks as its users meet it: fit, evaluate, tag, save, and what is refused."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import seqlab
from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError, SettingsError
from seqlab.models.multitask import MultiTaskTagger
from tests.models import tasks as toy

pytestmark = pytest.mark.usefixtures("eagerly")

TEXT = ("Ada", "sang", "of", "Oslo")


@pytest.fixture(scope="module")
def trained():
    """An SC-LSTM after three epochs, with what `fit` logged."""
    keras.utils.set_random_seed(2)
    made = toy.compiled(toy.tagger(layers=1), keras.optimizers.Adam(0.05, global_clipnorm=1.0))
    history = made.fit(
        toy.corpora(), batch_size=3, epochs=3, validation_data=toy.corpora(), schedule="alternating", verbose=0
    )
    return made, history.history


def test_fit_logs_losses_and_scores_of_each_task(trained):
    _, logs = trained
    assert all(logs["loss"][0] > value for value in logs["loss"][1:])
    for task in toy.TASKS:
        assert all(value > 0 for value in logs[f"{task}_loss"] + logs[f"val_{task}_loss"])
    means = np.mean([logs[f"val_{task}_f1"] for task in toy.TASKS], axis=0)
    np.testing.assert_allclose(logs["val_f1"], means)


def test_evaluate_gives_the_best_epoch_back(trained):
    made, logs = trained
    found = made.evaluate(toy.corpora(), return_dict=True, verbose=0)
    assert found["f1"] == max(logs["val_f1"])
    assert made.evaluate(toy.corpora(), verbose=0) == pytest.approx(list(found.values()))


def test_tag_gives_all_tasks_or_those_asked_for(trained):
    made, _ = trained
    every = made.tag(TEXT)
    assert set(every) == set(toy.TASKS)
    assert all(found.tags == tuple(made.view(task).tag(TEXT).tags) for task, found in every.items())
    some = made.tag(TEXT, tasks=["ner"], probabilities=True)
    assert list(some) == ["ner"]
    assert some["ner"].tags == every["ner"].tags
    assert len(some["ner"].probabilities) == len(TEXT)
    with pytest.raises(SettingsError, match="Unknown task 'nerr'.*pos, chunk, ner.*Did you mean 'ner'"):
        made.tag(TEXT, tasks=["nerr"])


def test_a_saved_file_tags_and_trains_on_alike(trained, tmp_path):
    made, _ = trained
    file = tmp_path / "tagger.keras"
    made.save(file)
    again = seqlab.load(file)
    assert isinstance(again, MultiTaskTagger)
    assert again.tasks == toy.TASKS
    assert {task: found.tags for task, found in again.tag(TEXT).items()} == {
        task: found.tags for task, found in made.tag(TEXT).items()
    }
    with pytest.raises(SettingsError, match="Unknown task 'srl'; this tagger has pos, chunk, ner"):
        again.tag(TEXT, tasks=["srl"])
    for one, other in zip(made.optimizer.variables, again.optimizer.variables, strict=True):
        assert np.array_equal(*toy.values([one, other]))
    batch = toy.batch(made, "ner")
    kept = made.get_weights()
    losses = [model.train_on_batch(*batch, return_dict=True)["loss"] for model in (made, again)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    for one, other in zip(made.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    made.set_weights(kept)


def test_predict_gives_scores_by_task(trained):
    made, _ = trained
    sentences = list(toy.corpus("pos"))
    found = made.predict(sentences, tasks=["pos", "ner"])
    assert [part.shape for part in found["ner"]] == [(4, len(made.view("ner").labels))] * 3
    arrays, _ = toy.batch(made, "pos")
    whole = made.predict({**arrays, "mask": np.ones((3, 4), bool)}, verbose=0)
    assert [part.shape[-1] for part in whole] == [len(made.view(task).labels) for task in toy.TASKS]
    with pytest.raises(SettingsError, match="chosen for sentences"):
        made.predict(arrays, tasks=["pos"])


def test_sentences_with_the_labels_of_several_tasks():
    made = toy.tagger("lstm_s")
    sentences = [*toy.corpus("pos", "ner", "chunk"), Sentence(toy.WORDS[0], {"pos": toy.TAGS["pos"][0]})]
    logs = made.fit(sentences, validation_data=sentences, batch_size=4, verbose=0).history
    assert {f"val_{task}_f1" for task in toy.TASKS} < set(logs)
    assert made.evaluate(sentences, return_dict=True, verbose=0)["pos_f1"] >= 0


def test_corpora_in_another_scheme_are_converted():
    made = toy.tagger(eager=True)
    other = {"ner": toy.corpus("ner").converted("ner", "iobes")}
    same = {"ner": toy.corpus("ner")}
    logs = [made.evaluate(data, return_dict=True, verbose=0) for data in (other, same)]
    assert logs[0] == pytest.approx(logs[1])


def test_refuses_what_it_cannot_learn():
    made = toy.tagger(eager=True)
    inputs, labels = toy.batch(made, "pos")
    mixed = {**inputs, "task": np.array([0, 1, 2], "int32")}
    with pytest.raises(DataError, match="several tasks"):
        made.fit(mixed, labels)
    with pytest.raises(SettingsError, match="Unknown task 'srl'"):
        made.fit({"srl": toy.corpus("pos")})
    swapped = [Sentence(words, {"pos": tags}) for words, tags in zip(toy.WORDS, toy.TAGS["chunk"], strict=True)]
    for ask in (made.fit, made.evaluate):  # which would else score 0
        with pytest.raises(DataError, match="The labels given for the task 'pos' are those of 'chunk'"):
            ask({"pos": swapped, "ner": toy.corpus("ner")})
    with pytest.raises(DataError, match="no sentences"):
        made.fit({"pos": Corpus([], {"pos": None})})
    with pytest.raises(DataError, match="several texts"):
        made.tag_all("Ada sang")
    with pytest.raises(SettingsError, match="No task is asked for"):
        made.tag(TEXT, tasks=[])


def test_separate_networks_without_validation_data_keep_their_last_weights():
    made = toy.compiled(toy.tagger("stl"), keras.optimizers.Adam(0.05))
    last = {}

    class Last(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            last[epoch] = toy.values(made.weights_of("ner"))

    held = {"pos": toy.corpora()["pos"]}  # else the loss of `ner` is logged as 0, and its first epoch were the best
    made.fit(toy.corpora(), validation_data=held, restore_best="val_loss", epochs=2, callbacks=[Last()], verbose=0)
    found = toy.values(made.weights_of("ner"))
    assert all(np.array_equal(one, other) for one, other in zip(found, last[1], strict=True))
    assert not all(np.array_equal(one, other) for one, other in zip(found, last[0], strict=True))
