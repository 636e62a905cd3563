"""A tagger that learns next and previous words besides its labels."""

from __future__ import annotations

import functools
from collections import Counter
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from numpy.testing import assert_allclose, assert_array_equal

from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError, SettingsError
from seqlab.layers import (
    AttentionEncoder,
    CategoryEmbedding,
    DilatedCNN,
    LanguageObjective,
    MultiplicativeAttention,
    RecurrentStack,
    ScalarMix,
    TransformerEncoder,
)
from seqlab.models.ensemble import Ensemble
from seqlab.models.language_objective import (
    directions,
    language_objective,
    states_for,
    vectors_of,
    word_losses,
    word_vectors,
)
from seqlab.models.tagger import Tagger
from tests import tiny
from tests.layers.common import array, slopes

TIME = 5
KINDS: dict[str, dict[str, Any]] = {
    "one layer": {"layers": 1},
    "interleaved": {"layers": 3, "all_layers": True},
    "residual": {"layers": 2, "all_layers": True, "connection": "residual"},
    "dense": {"layers": 3, "all_layers": True, "connection": "dense"},
    "per_direction": {"layers": 3, "stacking": "per_direction", "connection": "highway"},
    "all of both": {"layers": 2, "stacking": "per_direction", "all_layers": True},
}
ATTENDED = ("interleaved", "dense", "all of both")


def stack(kind: str) -> RecurrentStack:
    return RecurrentStack(3, cell="srn", name="encoder", **KINDS[kind])


def made(language: dict[str, Any] | None, layers: int = 2, head: str = "softmax", **options: Any) -> Tagger:
    encoder = RecurrentStack(6, layers, cell="srn", all_layers=language is not None, name="encoder")
    return tiny.tagger(encoder=encoder, head=head, chars=None, language=language, **options)


def eager(tagger: Tagger) -> Tagger:
    """Compiled so that a single step costs no tracing."""
    tagger.compile(keras.optimizers.SGD(1.0), run_eagerly=True)
    return tagger


def batch(tagger: Tagger) -> Any:
    return tagger.batches(tiny.dev_part(), batch_size=5)[0]


@functools.cache
def trained() -> tuple[Tagger, dict[str, list[float]]]:
    """A tagger after two epochs and their history, for tests that only read them."""
    keras.utils.set_random_seed(1)
    tagger = made({"weight": 0.3, "units": 8, "tied": True})
    history = tagger.fit(tiny.train_part(), validation_data=tiny.dev_part(), epochs=2, batch_size=8, verbose=0).history
    return tagger, history


@pytest.mark.parametrize(
    ("kind", "attended"), [*((kind, False) for kind in KINDS), *((kind, True) for kind in ATTENDED)]
)
def test_no_direction_sees_what_it_is_to_name(kind: str, attended: bool) -> None:
    """The loss at t of naming t + 1 depends on all inputs up to t and on none after; and the other way round."""
    encoder = stack(kind)
    if attended:
        encoder = AttentionEncoder(encoder, MultiplicativeAttention())
    keras.utils.set_random_seed(2)
    objective = LanguageObjective([2, 3, 4], units=3)
    asked = np.eye(2 * TIME, dtype="float32").reshape(
        2 * TIME, TIME, 2
    )  # row r asks for one loss: of token r // 2, direction r % 2
    words = np.tile(np.array([[2, 5, 3, 4, 2]], "int32"), (2 * TIME, 1))
    x = np.tile(np.random.default_rng(0).normal(size=(1, TIME, 4)).astype("float32"), (2 * TIME, 1, 1))
    mask = ops.ones((2 * TIME, TIME), "bool")

    def value(x: Any) -> Any:
        found = encoder(x, mask=mask)
        states = directions(encoder, found if isinstance(found, list) else [found])
        return ops.sum(objective(states, words, mask=mask) * asked), ()

    value(ops.convert_to_tensor(x))  # builds
    (slope,), _ = slopes(value)(ops.convert_to_tensor(x))
    reach = np.abs(array(slope)).max(axis=-1)  # (rows, time)
    for row, found in enumerate(reach):
        t, steps = row // 2, np.arange(TIME)
        seen = steps >= t if row % 2 else steps <= t
        assert not found[~seen].any() and found[seen].min() > 0, (t, row % 2)


def test_a_word_changes_no_state_that_is_to_name_it() -> None:
    """The same from a tagger's inputs on, with all that it knows of a word."""
    tagger = tiny.tagger(encoder=stack("interleaved"), language={"words": 20})
    inputs, _ = batch(tagger)
    states = array(tagger(inputs)[-1])
    place = 4
    other = {**inputs, "words": inputs["words"].copy(), "char_rows": inputs["char_rows"].copy()}
    other["words"][:, place] = inputs["words"][:, place] + 1
    other["char_rows"][:, place] = 1
    changed = np.abs(array(tagger(other)[-1]) - states).max(axis=0)  # (time, 6)
    assert not changed[:place, :3].any() and changed[place:, :3].max(axis=-1).min() > 0
    assert not changed[place + 1 :, 3:].any() and changed[: place + 1, 3:].max(axis=-1).min() > 0


@pytest.mark.parametrize("reduction", ["tokens", "sentences", "sum"])
def test_the_loss_adds_up(reduction: str) -> None:
    config = made({"weight": 0.2, "words": 30, "units": 4}).get_config()
    config["head"]["config"]["reduction"] = reduction
    tagger = Tagger.from_config(config)
    eager(tagger)
    inputs, labels = batch(tagger)
    scores, states = tagger.predict_on_batch(inputs)
    losses = array(tagger.language(states, inputs["words"], mask=inputs["mask"]))
    own = float(tagger.head.loss(labels, scores))
    real = inputs["mask"].sum()
    share = {"tokens": real, "sentences": len(labels), "sum": 1}[reduction]
    found = tagger.test_on_batch(inputs, labels, return_dict=True)
    assert_allclose(float(found["loss"]), own + 0.2 * losses.sum() / share, rtol=1e-4)
    mean = losses.sum() / (2 * real)
    assert_allclose(float(found["language_loss"]), mean, rtol=1e-4)
    assert_allclose(float(found["language_perplexity"]), np.exp(mean), rtol=1e-4)


def test_words_are_learnt_where_no_label_is() -> None:
    tagger = eager(made({"words": 30}))
    inputs, labels = batch(tagger)
    found = tagger.test_on_batch(inputs, np.full_like(labels, -1), return_dict=True)
    assert_allclose(float(found["loss"]), 0.1 * 2 * float(found["language_loss"]), rtol=1e-4)


def test_figures_weigh_batches_by_their_predictions() -> None:
    tagger, _ = trained()
    sentences = [*tiny.part("dev", 2, 16), *tiny.part("dev", 3, 7)]
    one = tagger.evaluate(sentences, batch_size=5, return_dict=True, verbose=0)
    many = tagger.evaluate(sentences, batch_size=2, return_dict=True, verbose=0)
    assert_allclose(many["language_perplexity"], one["language_perplexity"], rtol=1e-4)


def test_words_are_learnt_and_the_logs_tell() -> None:
    tagger, history = trained()
    for name in ("language_loss", "language_perplexity", "val_language_loss", "val_language_perplexity"):
        assert len(history[name]) == 2
        assert history[name][-1] < 0.9 * history[name][0], name
    assert_allclose(history["val_language_perplexity"], np.exp(history["val_language_loss"]), rtol=1e-4)
    assert "val_f1" in history
    plain = made(None)
    assert not any("language" in metric.name for metric in plain.metrics) and len(plain.outputs) == 1


def test_nothing_of_it_is_computed_when_text_is_tagged() -> None:
    tagger, _ = trained()
    graphs = [tagger.decoder._scores, tagger.decoder._labelling(False)]
    owned = {id(weight) for weight in tagger.language.weights}
    for graph in graphs:
        assert len(graph.outputs) == 1 and not owned & {id(weight) for weight in graph.weights}
    assert len(tagger.tag(["He", "reckons"]).tags) == 2
    assert tagger.predict(tiny.dev_part())[0].shape == (tiny.LENGTH, len(tagger.labels))


def test_saved_and_loaded(tmp_path: Path) -> None:
    tagger, _ = trained()
    tagger.save(tmp_path / "tagger.keras")
    again = keras.models.load_model(tmp_path / "tagger.keras")
    assert again.language.get_config() == tagger.language.get_config()
    corpus = tiny.dev_part()
    before, after = (model.evaluate(corpus, return_dict=True, verbose=0) for model in (tagger, again))
    assert after.keys() == before.keys() and {"language_loss", "language_perplexity"} <= before.keys()
    assert_allclose(list(after.values()), list(before.values()), rtol=1e-4)


def test_extended_taggers_keep_their_words() -> None:
    tagger, _ = trained()
    corpus = Corpus([*tiny.dev_part(), *tiny.part("dev", 4, 12)], tiny.dev_part().schemes)
    again = tagger.extended(corpus)
    eager(again)
    assert len(again.vectorizer.words) > len(tagger.vectorizer.words)
    known = [[one.vectorizer.words.items[row - 2] for row in one.language.rows] for one in (tagger, again)]
    assert known[0] == known[1]
    for one, other in zip(tagger.language.weights, again.language.weights, strict=True):
        assert_array_equal(array(one), array(other))
    words = tagger.vectorizer.words.items[: tiny.LENGTH]  # what both know
    given = Corpus([Sentence(words, {"chunk": ("O",) * len(words)})], {"chunk": tagger.scheme})
    found = [one.evaluate(given, return_dict=True, verbose=0)["language_loss"] for one in (tagger, again)]
    assert_allclose(found[1], found[0], rtol=1e-4)


def test_members_of_an_ensemble_leave_it_out() -> None:
    tagger, _ = trained()
    found = Ensemble([tagger, tagger])
    assert all(member.language is None for member in found.members)
    one, other = (model.probabilities(tiny.dev_part())[0] for model in (found, tagger))
    assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_names_the_most_frequent_words() -> None:
    corpus = tiny.train_part()
    tagger = made({"words": 10})
    encoded = tagger.vectorizer.encode(corpus).tokens["words"]
    counts = Counter(int(row) for row in encoded if row > 1)
    rows = tagger.language.rows
    assert len(rows) == 10
    assert [counts[row] for row in rows] == sorted(counts.values(), reverse=True)[:10]
    every = language_objective(tagger.vectorizer, corpus)
    assert set(every.rows) == set(counts)


@pytest.mark.parametrize("learn", [True, False])
def test_tied_words_share_the_input_vectors(learn: bool) -> None:
    """Vectors of words that no sentence of a batch holds move by their use as outputs; frozen ones never."""
    tagger = made({"tied": True})
    table = word_vectors(tagger.features)
    if not learn:
        config = tagger.get_config()
        config["features"][0]["config"].update(rows=2, frozen_rows=table.rows - 2, trainable_vectors=False)
        config["features"][0].pop("build_config")
        tagger = Tagger.from_config(config)
        table = word_vectors(tagger.features)
        random = np.random.default_rng(0).normal(size=table.frozen.shape)
        table.frozen.assign(random)
        assert_allclose(array(vectors_of(table, [2, 4])), random[[0, 2]], rtol=1e-5)
    eager(tagger)
    inputs, labels = tagger.batches(tiny.part("train", 2), batch_size=2)[0]
    absent = sorted(set(tagger.language.rows) - set(inputs["words"].ravel().tolist()))
    before, weights = array(vectors_of(table, absent)), [array(weight) for weight in tagger.language.weights]
    tagger.train_on_batch(inputs, labels)
    moved = np.abs(array(vectors_of(table, absent)) - before).max(axis=-1)
    assert moved.min() > 0 if learn else not moved.any()
    for old, new in zip(weights, tagger.language.weights, strict=True):
        assert np.abs(array(new) - old).max() > 0, new.path


def test_the_weight_is_above_zero() -> None:
    for weight in (0, -1.0):
        with pytest.raises(SettingsError, match=f"is a number above 0, received {weight}: leave the objective out"):
            made({"weight": weight})


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (RecurrentStack(3, layers=2, cell="srn"), "gives 1 of its 2, .* take RecurrentStack"),
        (DilatedCNN(4), "RecurrentStack; received DilatedCNN, whose outputs see words on both sides"),
        (TransformerEncoder(4, heads=1), "received TransformerEncoder"),
        (AttentionEncoder(RecurrentStack(3, cell="srn"), MultiplicativeAttention()), "gives 0 of its 1, without atten"),
    ],
)
def test_encoders_that_keep_no_direction_apart(encoder: keras.layers.Layer, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        tiny.tagger(encoder=encoder, chars=None, language={})


def test_what_it_refuses_of_features_and_inputs() -> None:
    tagger = made({"words": 5})
    parts = (tagger.vectorizer, tagger.encoder, [])
    with pytest.raises(SettingsError, match="Contextual vectors may have read the whole sentence, the next word too"):
        states_for(tagger.language, [*tagger.features, ScalarMix(1, 4)], *parts)
    with pytest.raises(SettingsError, match="names words, and this tagger reads none: add a WordEmbedding"):
        states_for(tagger.language, [CategoryEmbedding(3, 2, field="pos")], *parts)
    with pytest.raises(SettingsError, match="names word 999, the vectorizer has"):
        states_for(LanguageObjective([999]), tagger.features, *parts)
    with pytest.raises(DataError, match="finds words by name: give inputs in a dict, not in a list"):
        word_losses(tagger.language, tagger.features, [], None, "float32")
    with pytest.raises(DataError, match="the vectorizer knows none of this corpus"):
        language_objective(tagger.vectorizer, Corpus([Sentence(("qqq",))]))
    with pytest.raises(SettingsError, match="words"):
        language_objective(tagger.vectorizer, tiny.train_part(), words=0)
