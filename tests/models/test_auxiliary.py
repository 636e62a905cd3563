"""A tagger that learns another column besides its own."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops
from numpy.testing import assert_allclose

from seqlab.corpora.records import Corpus
from seqlab.errors import DataError, SettingsError
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.layers.stack import RecurrentStack
from seqlab.models import builders
from seqlab.models.auxiliary import Auxiliary
from seqlab.models.tagger import Tagger
from seqlab.tags.rules import scheme_constraints
from tests import tiny

pytestmark = pytest.mark.usefixtures("eagerly")


def without(corpus: Corpus, column: str) -> Corpus:
    """The corpus without one of its columns."""
    rest = [
        dataclasses.replace(one, columns={name: c for name, c in one.columns.items() if name != column})
        for one in corpus
    ]
    return Corpus(rest, {name: row for name, row in corpus.schemes.items() if name != column}, corpus.name)


def made(layer: int = 1, all_layers: bool = True) -> Tagger:
    corpus = tiny.train_part()
    words = builders.words_of(corpus)
    vectorizer = builders.vectorizer_of(corpus, "chunk", words, others=["pos"])
    return Tagger(
        vectorizer,
        "chunk",
        features=builders.features_of(vectorizer, words, dim=8, chars=None),
        encoder=RecurrentStack(8, layers=2, all_layers=all_layers, name="encoder"),
        head=builders.head_of("softmax", vectorizer.labels["chunk"]),
        auxiliary=[Auxiliary("pos", SoftmaxHead(len(vectorizer.labels["pos"]), name="head_pos"), layer)],
    )


@pytest.fixture(scope="module")
def trained() -> Tagger:
    keras.utils.set_random_seed(1)
    tagger = made()
    tagger.compile(keras.optimizers.Adam(0.03), loss_weights={"pos": 0.5})
    tagger.fit(tiny.train_part(), validation_data=tiny.dev_part(), epochs=4, batch_size=8, verbose=0)
    return tagger


def test_losses_add_up_with_their_weight(trained: Tagger) -> None:
    batches = trained.batches(tiny.dev_part())
    inputs, labels = batches[0]
    assert set(labels) == {"chunk", "pos"}
    scores = trained.predict_on_batch(inputs)
    own = float(trained.head.loss(labels["chunk"], scores[0]))
    other = float(trained.auxiliary[0].head.loss(labels["pos"], scores[1]))
    found = float(trained.evaluate(tiny.dev_part(), return_dict=True, verbose=0)["loss"])
    assert_allclose(found, own + 0.5 * other, rtol=1e-4)


def test_the_column_is_learnt_and_changes_nothing_in_tagging(trained: Tagger) -> None:
    inputs, labels = trained.batches(tiny.train_part(), batch_size=24)[0]
    found = np.argmax(trained.predict_on_batch(inputs)[1], axis=-1)
    assert np.mean((found == labels["pos"])[labels["pos"] >= 0]) > 0.2  # one of 17 by chance
    assert len(trained.tag(["He", "reckons"]).tags) == 2
    assert trained.predict(tiny.dev_part())[0].shape == (tiny.LENGTH, len(trained.labels))


def test_figures_need_no_auxiliary_column(trained: Tagger) -> None:
    corpus = tiny.dev_part()
    assert trained.score(without(corpus, "pos")).logs() == trained.score(corpus).logs()
    trained.evaluate(without(corpus, "pos"), verbose=0)


def test_saved_and_loaded(trained: Tagger, tmp_path: Path) -> None:
    trained.save(tmp_path / "tagger.keras")
    again = keras.models.load_model(tmp_path / "tagger.keras")
    assert again.tasks == ("chunk", "pos")
    corpus = tiny.dev_part()
    for one, other in zip(trained.predict(corpus), again.predict(corpus), strict=True):
        assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    loss = [float(model.evaluate(corpus, return_dict=True, verbose=0)["loss"]) for model in (trained, again)]
    assert_allclose(loss[0], loss[1], rtol=1e-5)


def test_extended_taggers_learn_their_own_task_alone(trained: Tagger) -> None:
    again = trained.extended(tiny.train_part())
    assert again.tasks == ("chunk",) and again.auxiliary == ()
    for one, other in zip(trained.predict(tiny.dev_part()), again.predict(tiny.dev_part()), strict=True):
        assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layer", [1, 2])
def test_reads_the_layer_that_it_names(layer: int) -> None:
    tagger = made(layer)
    inputs, _ = tagger.batches(tiny.dev_part())[0]
    inner = keras.Model(tagger.input, [*tagger.encoder.output, tagger.outputs[1]])
    *layers, scores = inner.predict_on_batch(inputs)
    wanted = tagger.auxiliary[0].head(ops.convert_to_tensor(layers[layer - 1]), mask=inputs["mask"])
    assert_allclose(scores, ops.convert_to_numpy(wanted), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("layer", "all_layers", "count"), [(3, True, 2), (2, False, 1)])
def test_a_layer_that_the_encoder_does_not_give(layer: int, all_layers: bool, count: int) -> None:
    with pytest.raises(SettingsError, match=f"'pos' reads layer {layer} of an encoder that gives {count}: Recurrent"):
        made(layer, all_layers)


def test_tasks_are_different_columns() -> None:
    tagger = made()
    parts = tagger.get_config()
    parts["auxiliary"][0]["task"] = "chunk"
    with pytest.raises(ValueError, match=r"Tasks must be different ones of chunk, pos, received \('chunk', 'chunk'\)"):
        Tagger.from_config(parts)


def test_training_data_needs_the_auxiliary_column(trained: Tagger) -> None:
    with pytest.raises(DataError, match="have no column 'pos', which this tagger learns"):
        trained.fit(without(tiny.train_part(), "pos"), verbose=0)


def test_extended_taggers_take_new_auxiliary_labels(trained: Tagger) -> None:
    sentences = [
        dataclasses.replace(one, columns={**one.columns, "pos": ("ZZZ",) * len(one)}) for one in tiny.dev_part()
    ]
    corpus = Corpus(sentences, tiny.dev_part().schemes)
    again = trained.extended(corpus)
    again.compile("adam")
    again.fit(corpus, epochs=1, verbose=0)
    assert set(again.vectorizer.labels) == {"chunk"}


@pytest.mark.parametrize(("count", "message"), [(2, "scores 2 tags, the column has"), (None, "in their order")])
def test_heads_fit_their_labels(count: int | None, message: str) -> None:
    tagger = made()
    labels = list(tagger.labels)
    rules = None if count else scheme_constraints(labels[::-1], "iob2")
    head = SoftmaxHead(count or len(labels), constraints=rules)
    with pytest.raises(SettingsError, match=message):
        Tagger(tagger.vectorizer, "chunk", tagger.features, tagger.encoder, head)
