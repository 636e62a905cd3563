"""Batches hold the whole corpus, in a reproducible order, with little padding, in shapes that Keras can train on."""

from __future__ import annotations

import itertools
from collections import Counter
from unittest import mock

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlab.batches.loader import Batches, scoring_padding
from seqlab.constants import IGNORE
from seqlab.corpora.conll import conll
from seqlab.corpora.conllu import conllu
from seqlab.layers.features.chars import CharCNN
from seqlab.layers.features.words import WordEmbedding
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.models.sequence_model import SequenceModel
from seqlab.text.categories import Category
from seqlab.text.elmo_chars import elmo_characters
from seqlab.text.vectorizer import Vectorizer
from seqlab.text.vocabulary import Vocabulary
from tests.batches.common import VECTORIZER, corpus, encoded
from tests.structure.sources import ROOT

LENGTHS = st.lists(st.integers(0, 40), min_size=1, max_size=40)
OPTIONS = st.fixed_dictionaries(
    {
        "batch_size": st.integers(1, 9),
        "shuffle": st.booleans(),
        "seed": st.integers(0, 3),
        "token_limit": st.sampled_from([1, 60, 20_000]),
    }
)
BACKENDS = pytest.mark.parametrize("backend", ["tensorflow", "jax"])


def as_if_on(backend):
    """Batches are NumPy's, and differ between backends in shapes alone: both kinds are tested on each."""
    return mock.patch.object(keras.backend, "backend", return_value=backend)


def order(batches):
    return [(batch.time, *batch.sentences) for batch in batches.plan]


def spelled(word):
    return [VECTORIZER.characters.index(c) for c in word]


def check_sentence(sentence, inputs, labels, row):
    """Holds one row of a batch against the sentence that should stand in it."""
    real = inputs["mask"][row]
    assert real.tolist() == [step < len(sentence) for step in range(len(real))]
    one = VECTORIZER.encode([sentence])
    for name in ("words", "casing"):
        assert inputs[name][row][real].tolist() == one.tokens[name].tolist()
        assert not inputs[name][row][~real].any()
    assert labels[row][real].tolist() == one.labels["chunk"].tolist()
    assert (labels[row][~real] == IGNORE).all()
    forms = inputs["chars"][inputs["char_rows"][row]]
    assert [form[form != 0].tolist() for form in forms[real]] == [spelled(word) for word in sentence.words]
    assert all((form[: len(word)] != 0).all() for form, word in zip(forms[real], sentence.words, strict=True))
    assert not inputs["char_rows"][row][~real].any()


@BACKENDS
@settings(max_examples=40)
@given(lengths=LENGTHS, options=OPTIONS)
def test_every_sentence_is_in_one_batch_of_every_epoch(backend, lengths, options):
    with as_if_on(backend):
        sentences = corpus(lengths)
        batches = Batches(VECTORIZER.encode(sentences), **options)
        for _ in range(2):
            seen = []
            for index in range(len(batches)):
                inputs, labels = batches[index]
                numbers = batches.plan[index].sentences
                assert inputs["words"].shape == inputs["mask"].shape == labels.shape == batches.shape(index)
                assert len(numbers) <= options["batch_size"]
                assert len(numbers) == 1 or len(numbers) * batches.plan[index].time <= options["token_limit"]
                assert not inputs["chars"][0].any()
                for row, number in enumerate(numbers):
                    check_sentence(sentences[number], inputs, labels, row)
                seen += numbers.tolist()
            assert sorted(seen) == list(range(len(lengths)))
            batches.on_epoch_end()


@settings(max_examples=40)
@given(lengths=LENGTHS, options=OPTIONS, epoch=st.integers(1, 4))
def test_order_depends_on_seed_and_epoch_alone(lengths, options, epoch):
    went = Batches(encoded(lengths), **options)
    shapes = Counter((batch.time, len(batch.sentences)) for batch in went.plan)
    for _ in range(epoch):
        len([went[index] for index in range(len(went))])
        went.on_epoch_end()
    np.random.default_rng()
    np.random.seed(epoch)
    jumped = Batches(encoded(lengths), **options)
    jumped.start_epoch(epoch)
    assert order(went) == order(jumped)
    assert Counter((batch.time, len(batch.sentences)) for batch in went.plan) == shapes


def test_other_seeds_and_epochs_give_other_orders():
    data = encoded([5] * 40)
    orders = []
    for seed, epoch in itertools.product(range(3), range(3)):
        batches = Batches(data, batch_size=4, shuffle=True, seed=seed)
        batches.start_epoch(epoch)
        orders.append(tuple(order(batches)))
    assert len(set(orders)) == 9


def test_without_shuffle_every_epoch_is_the_same_and_short_sentences_come_first():
    batches = Batches(encoded([9, 2, 2, 30, 9, 2]), batch_size=2)
    first = order(batches)
    batches.on_epoch_end()
    assert order(batches) == first
    times = [time for time, *_ in first]
    assert times == sorted(times)


@settings(max_examples=60)
@given(lengths=LENGTHS, options=OPTIONS)
def test_first_two_batches_differ_in_every_dimension_on_tensorflow(lengths, options):
    with as_if_on("tensorflow"):
        batches = Batches(encoded(lengths), **options)
        if len(batches) < 2:
            return
        (first, labels), (second, other_labels) = batches[0], batches[1]
        for name in ("words", "casing", "mask", "char_rows"):
            assert first[name].shape[1] != second[name].shape[1], name
        assert labels.shape[1] != other_labels.shape[1]
        assert all(a != b for a, b in zip(first["chars"].shape, second["chars"].shape, strict=True))
        if len({len(batch.sentences) for batch in batches.plan}) > 1:
            assert first["words"].shape[0] != second["words"].shape[0]


@settings(max_examples=20)
@given(lengths=LENGTHS, options=OPTIONS)
def test_on_jax_the_shape_of_a_batch_decides_all_shapes(lengths, options):
    with as_if_on("jax"):
        batches = Batches(encoded(lengths), **options)
        shapes = {}
        for index in range(len(batches)):
            inputs, _ = batches[index]
            assert batches.shape(index)[1] in batches.bounds
            chars = inputs["chars"].shape
            assert shapes.setdefault(batches.shape(index), chars) == chars


def tiny_model():
    """Reads every field that batches have."""
    inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in ("words", "chars", "char_rows")}
    words = WordEmbedding(len(VECTORIZER.words), 4)(inputs["words"])
    chars = CharCNN(len(VECTORIZER.characters), 3, 4)(inputs["chars"], inputs["char_rows"])
    mask = keras.Input((None,), dtype="bool", name="mask")
    scores = SoftmaxHead(3)(keras.ops.concatenate([words, chars], -1), mask=mask)
    model = SequenceModel({**inputs, "mask": mask}, scores)
    model.compile(keras.optimizers.Adam(0.01))
    return model


@pytest.mark.parametrize(
    "lengths",
    [[6] * 20, [1], [6, 6], [2, 9], [0, *[3, 9] * 8, 5000]],
    ids=["equal", "one", "two", "two-lengths", "empty-and-5000-tokens"],
)
def test_keras_trains_on_any_corpus(lengths):
    fields = ("words", "chars", "char_rows", "mask")
    batches = Batches(encoded(lengths), batch_size=8, shuffle=True, fields=fields)
    model = tiny_model()
    losses = model.fit(batches, epochs=3, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]


def test_one_long_sentence_costs_no_padding():
    batches = Batches(encoded([*range(1, 60), *range(1, 60), 5000]), batch_size=32)
    assert batches.padding < 0.1
    assert batches.plan[-1].sentences.tolist() == [118]


def padding(batches):
    """The share of padding in the arrays as they are."""
    masks = [batches[index][0]["mask"] for index in range(len(batches))]
    return 1 - sum(int(mask.sum()) for mask in masks) / sum(mask.size for mask in masks)


@BACKENDS
@pytest.mark.parametrize(
    ("name", "batch_size"), [("train", 8), ("train", 16), ("train", 32), ("dev", 32), ("test", 32)]
)
def test_padding_of_the_embedded_corpus(backend, name, batch_size):
    with as_if_on(backend):
        data = VECTORIZER.encode(conll(ROOT / "data" / "sample" / f"{name}.conll", {"word": 0}))
        batches = Batches(data, batch_size=batch_size, shuffle=True)
        assert padding(batches) < 0.1
        assert padding(batches) == pytest.approx(batches.padding)


@pytest.mark.parametrize(
    "name",
    [
        "conll2000/train.txt",
        "conll2000/test.txt",
        "ud_en_1.3/en-ud-train.conllu",
        "ud_en_1.3/en-ud-dev.conllu",
        "ud_en_1.3/en-ud-test.conllu",
    ],
)
def test_padding_of_real_corpora(real_data, name):
    file = real_data / name
    data = VECTORIZER.encode(conllu(file, {}) if file.suffix == ".conllu" else conll(file, {"word": 0}))
    for batch_size in (10, 16, 32):
        batches = Batches(data, batch_size=batch_size, shuffle=True)
        assert batches.padding < 0.1
        numbers = np.concatenate([batch.sentences for batch in batches.plan])
        assert np.array_equal(np.sort(numbers), np.arange(len(data.sentences)))


def test_padding_budget_takes_part():
    data = encoded([*range(1, 41)] * 10)
    wide, narrow = Batches(data, padding=0.3), Batches(data, padding=0.03)
    assert len(wide.bounds) < len(narrow.bounds)
    assert wide.padding > 0.15
    assert narrow.padding < 0.05


def test_tasks():
    both = encoded([3, 3], tasks=("chunk", "pos"))
    inputs, labels = Batches(both)[0]
    assert set(labels) == {"chunk", "pos"}
    assert set(inputs) == {"words", "casing", "mask", "chars", "char_rows"}
    _, only = Batches(both, tasks=["pos"])[0]
    assert np.array_equal(only, labels["pos"])
    assert len(Batches(encoded([3, 3], tasks=()))[0]) == 1


def test_fields():
    inputs, _ = Batches(encoded([3, 3]), fields=["mask", "casing"])[0]
    assert list(inputs) == ["mask", "casing"]


def test_no_sentence():
    assert len(Batches(encoded([]))) == 0


def test_bad_batch_size():
    with pytest.raises(ValueError, match="at least 1, received 0"):
        Batches(encoded([3]), batch_size=0)


def test_categorical_features_are_batched_as_casing_is():
    data = corpus([3, 5, 2])
    made = {Category("suffix", 1): Vocabulary(["o", "e"]), Category("column", "chunk"): Vocabulary(["B", "I"])}
    vectorizer = Vectorizer(VECTORIZER.words, VECTORIZER.characters, {}, categories=made)
    batches = Batches(vectorizer.encode(data), batch_size=3)
    (inputs,) = batches[0]
    assert set(inputs) == {"words", "casing", "mask", "chars", "char_rows", "suffix_1", "column_chunk"}
    for row, number in enumerate(batches.plan[0].sentences):
        real = inputs["mask"][row]
        one = vectorizer.encode([data[number]])
        for name in ("suffix_1", "column_chunk"):
            assert inputs[name][row][real].tolist() == one.tokens[name].tolist()
            assert not inputs[name][row][~real].any()
    assert list(Batches(vectorizer.encode(data), fields=["mask", "suffix_1"])[0][0]) == ["mask", "suffix_1"]


@BACKENDS
def test_words_as_elmo_reads_them_are_there_where_asked_for(backend):
    with as_if_on(backend):
        made = Batches(encoded([3, 1, 0, 5]), batch_size=3, fields=("char_rows", "elmo_chars", "mask"))
    assert "elmo_chars" not in Batches(made.encoded).fields
    for index in range(len(made)):
        inputs, _ = made[index]
        assert not inputs["elmo_chars"][0].any()
        for row, number in enumerate(made.plan[index].sentences):
            words = made.encoded.sentences[number].words
            rows = inputs["char_rows"][row][inputs["mask"][row]]
            np.testing.assert_array_equal(inputs["elmo_chars"][rows], elmo_characters(words))


def test_what_is_scored_has_fewer_shapes_where_each_is_compiled():
    found = encoded([length for length in range(1, 60) for _ in range(3)])

    def shapes(**options):
        batches = Batches(found, **options)
        return len({batches.shape(index) for index in range(len(batches))})

    with as_if_on("jax"):
        assert shapes(padding=scoring_padding()) < 0.7 * shapes()
    with as_if_on("tensorflow"):
        assert shapes(padding=scoring_padding()) == shapes()
