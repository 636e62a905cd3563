"""The tagger as a plain Keras model: compile, fit, evaluate, predict, callbacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from seqlab.constants import DEFAULT_RULES
from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError, SettingsError
from seqlab.layers.features.words import WordEmbedding
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.layers.stack import RecurrentStack
from seqlab.models.tagger import Tagger
from seqlab.text.vectors import WordVectors
from tests import tiny

pytestmark = pytest.mark.usefixtures("eagerly")

FIGURES = {"val_precision", "val_recall", "val_f1", "val_accuracy"}


class Watch(keras.callbacks.Callback):
    """Notes the logs and the weights that it is given at the end of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.logs: list[dict[str, float]] = []
        self.weights: list[list[np.ndarray]] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.logs.append(dict(logs))
        self.weights.append(self.model.get_weights())


@pytest.mark.compiled
def test_fit_gives_figures_to_every_callback_and_restores_the_best_epoch(tmp_path: Path) -> None:
    tagger, watch = tiny.tagger(), Watch()
    best = tmp_path / "best.keras"
    callbacks = [
        watch,  # stands before all others, as a user's callback may
        keras.callbacks.EarlyStopping("val_f1", mode="max", patience=2),
        keras.callbacks.ModelCheckpoint(best, "val_f1", mode="max", save_best_only=True),
    ]
    dev = tagger.batches(tiny.dev_part(), batch_size=32)  # Batches do as well as a corpus
    history = tagger.fit(
        tiny.train_part(), validation_data=dev, epochs=8, batch_size=8, callbacks=callbacks, verbose=0
    ).history
    assert all(FIGURES < logs.keys() for logs in watch.logs)
    assert history["val_f1"] == [logs["val_f1"] for logs in watch.logs]
    assert history["loss"][-1] < history["loss"][0]
    place = int(np.argmax(history["val_f1"]))
    for found, wanted in zip(tagger.get_weights(), watch.weights[place], strict=True):
        assert_array_equal(found, wanted)
    assert tagger.score(tiny.dev_part()).overall.f1 == history["val_f1"][place]
    assert keras.models.load_model(best).score(tiny.dev_part()).overall.f1 == history["val_f1"][place]
    # Callbacks that choose other weights at the end have the last word.
    last = keras.callbacks.LambdaCallback(on_train_end=lambda logs: tagger.set_weights(watch.weights[0]))
    tagger.fit(tiny.train_part(), validation_data=dev, epochs=1, batch_size=8, callbacks=[last], verbose=0)
    for found, wanted in zip(tagger.get_weights(), watch.weights[0], strict=True):
        assert_array_equal(found, wanted)


def test_evaluate_adds_the_tags_figures_to_the_loss() -> None:
    tagger, dev = tiny.trained(), tiny.dev_part()
    logs = tagger.evaluate(dev, return_dict=True, verbose=0)
    scores = tagger.score(dev)
    assert logs.keys() == {"loss", "precision", "recall", "f1", "accuracy"}
    assert logs["f1"] == scores.overall.f1 and logs["accuracy"] == scores.accuracy
    inputs, labels = tagger.batches(dev)[0]
    assert_allclose(logs["loss"], float(tagger.head.loss(labels, tagger(inputs))), rtol=1e-4)
    assert sorted(tagger.evaluate(dev, verbose=0)) == sorted(logs.values())


def test_predict_gives_scores_of_each_sentence() -> None:
    tagger, dev = tiny.trained(), tiny.dev_part()
    scores = tagger.predict(dev)
    assert [array.shape for array in scores] == [(10, len(tagger.labels))] * len(dev)
    inputs, _ = tagger.batches(dev)[0]
    assert_allclose(np.asarray(tagger.predict_on_batch(inputs))[0], scores[0], rtol=1e-5, atol=1e-5)


def test_plain_labels_are_scored_by_accuracy() -> None:
    tagger = tiny.tagger(task="pos", head="softmax")
    assert tagger.scheme is None and isinstance(tagger.head, SoftmaxHead)
    history = tagger.fit(tiny.train_part(), validation_data=tiny.dev_part(), epochs=2, batch_size=8, verbose=0).history
    assert history["val_f1"] == history["val_accuracy"]
    assert tagger.tag("Snow fell.").spans == ()


def test_same_seed_same_training_and_the_last_epoch_is_kept_when_asked() -> None:
    results = []
    for _ in range(2):
        keras.utils.set_random_seed(7)
        tagger, watch = tiny.tagger(dropout=0.3, head="softmax", chars=None), Watch()
        options = {"epochs": 2, "batch_size": 8, "callbacks": [watch], "restore_best": None, "verbose": 0}
        history = tagger.fit(tiny.train_part(), validation_data=tiny.dev_part(), **options).history
        results.append((history["loss"], tagger.get_weights()))
        for found, wanted in zip(tagger.get_weights(), watch.weights[-1], strict=True):
            assert_array_equal(found, wanted)
    assert_allclose(results[0][0], results[1][0], rtol=1e-6)
    for one, other in zip(results[0][1], results[1][1], strict=True):
        assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def changed_labels(corpus: Corpus, label: str = "B-NEW") -> Corpus:
    first, *rest = corpus
    columns = {**first.columns, "chunk": (label, *first.columns["chunk"][1:])}
    return Corpus([Sentence(first.words, columns, first.file, first.lines), *rest], corpus.schemes)


def test_unseen_development_labels_are_errors_and_strict_refuses_them() -> None:
    tagger, odd = tiny.trained(), changed_labels(tiny.dev_part())
    scores = tagger.score(odd)
    assert scores.types["NEW"].support == 1 and scores.types["NEW"].recall == 0
    assert scores.accuracy < 1
    assert np.isfinite(tagger.evaluate(odd, return_dict=True, verbose=0)["loss"])
    with pytest.raises(DataError, match=r"chunk label 'B-NEW' was not seen in training.*tagger\.extended"):
        tagger.batches(odd, strict=True)
    with pytest.raises(DataError, match="was not seen in training"):
        tagger.fit(odd, verbose=0)


def test_unseen_words_keep_their_vectors_while_plain_arrays_train_as_everywhere_in_keras() -> None:
    # A table of characters has as many rows as there are words, so arrays that Keras is to cut hold none.
    train, names = tiny.train_part(), [*sorted(tiny.train_part().words()), "zyx", "zzz", "yyy"]
    matrix = np.random.default_rng(1).normal(size=(len(names), 4)).astype("float32")
    tagger = tiny.tagger(word_vectors=WordVectors(names, matrix), head="softmax", chars=None)
    inputs, labels = tagger.batches(train, batch_size=24)[0]
    history = tagger.fit(inputs, labels, epochs=3, batch_size=8, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert tagger.evaluate(inputs, labels, batch_size=8, verbose=0, return_dict=True).keys() == {"loss"}
    assert_allclose(tagger.predict(inputs, batch_size=8, verbose=0)[3], tagger.predict(train)[3], rtol=1e-5, atol=1e-5)

    table = next(feature for feature in tagger.features if isinstance(feature, WordEmbedding))
    assert table.frozen_rows == 3
    rows = np.asarray([[tagger.vectorizer.words.index(word) for word in names]])
    vectors = np.asarray(table(rows))[0]
    assert_array_equal(vectors[-3:], matrix[-3:])
    assert np.abs(vectors - matrix)[:-3].max() > 1e-3  # those of training have learnt
    one, other, unknown = tagger.predict([Sentence(("the", word)) for word in ("zyx", "zzz", "qqq")])
    assert np.abs(one - other).max() > 1e-4 and np.abs(one - unknown).max() > 1e-4


@pytest.mark.compiled
def test_a_sentence_of_5000_tokens_trains_and_tags() -> None:
    parts = list(tiny.sample("train"))
    words = [word for sentence in parts for word in sentence.words]
    chunks = [tag for sentence in parts for tag in sentence.columns["chunk"]]
    long = Corpus([Sentence(tuple(words[:5000]), {"chunk": tuple(chunks[:5000])})], {"chunk": "iob2"})
    tagger = tiny.tagger(long, encoder=RecurrentStack(4, name="encoder"), chars=None)
    history = tagger.fit(long, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert len(tagger.tag(words[:5000]).tags) == 5000


def test_rules_of_look_up_are_chosen_and_saved() -> None:
    tagger = tiny.tagger(chars=None, rules=("digits",))
    assert Tagger.from_config(tagger.get_config()).vectorizer.rules == ("digits",) != DEFAULT_RULES
    words = set(tagger.vectorizer.words.items)
    assert any(word != word.lower() for word in words) and not any(word.isdigit() and int(word) for word in words)
    with pytest.raises(SettingsError, match="Unknown word rule 'digit'; .*Did you mean 'digits'"):
        Tagger.from_corpus(tiny.train_part(), "chunk", rules=("digit",))


def test_wrong_task_names_those_there_are() -> None:
    with pytest.raises(DataError, match="no column 'chunks'; it has: pos, chunk, ner. Did you mean 'chunk'?"):
        Tagger.from_corpus(tiny.train_part(), "chunks")
    tagger = tiny.trained()
    with pytest.raises(ValueError, match=r"Tasks must be different ones of chunk, received \('pos',\)"):
        Tagger(tagger.vectorizer, "pos", tagger.features, tagger.encoder, tagger.head)


def test_data_without_labels_is_refused() -> None:
    bare = [Sentence(sentence.words) for sentence in tiny.dev_part()]
    for use in (tiny.trained().fit, tiny.trained().evaluate, tiny.trained().score):
        with pytest.raises(DataError, match="no column 'chunk'"):
            use(bare)
    with pytest.raises(DataError, match="received none"):
        tiny.trained().evaluate([])
    with pytest.raises(DataError, match="tag_all takes several texts"):
        tiny.trained().tag_all("ab")


def test_epochs_without_validation_are_passed_over() -> None:
    history = tiny.tagger().fit(
        tiny.train_part(), validation_data=tiny.dev_part(), validation_freq=2, epochs=2, batch_size=8, verbose=0
    )
    assert len(history.history["val_f1"]) == 1
