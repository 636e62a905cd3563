from __future__ import annotations

import math

import keras
import numpy as np
import pytest
from keras import ops

import seqlab
from seqlab.batches.neighbours import edged
from seqlab.constants import IGNORE
from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError, SettingsError
from seqlab.layers.stack import RecurrentStack
from seqlab.models.language_model import LanguageModel
from tests import tiny
from tests.oracles import language_model as oracle

WORDS = [("the", "cat", "sat", "down"), ("the", "dog", "sat", "there"), ("a", "cat", "ran", "here")] * 4
CORPUS = Corpus([Sentence(words) for words in WORDS])


def small(**options) -> LanguageModel:
    return tiny.language_model(CORPUS, **options)


def numpy(tensor) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(tensor))


def weights(model: LanguageModel) -> list[np.ndarray]:
    return [numpy(weight).copy() for weight in model.trainable_variables]


@pytest.fixture(scope="module")
def training() -> tuple[LanguageModel, list[np.ndarray], dict[str, list[float]]]:
    """A model of characters and words after six epochs, the weights that it began with, and the history."""
    keras.utils.set_random_seed(5)
    made = small(reads="both", samples=4, dropout=0.1, dim=3)
    before = weights(made)
    history = made.fit(CORPUS, validation_data=CORPUS, epochs=6, batch_size=6, verbose=0).history
    return made, before, history


@pytest.fixture(scope="module")
def model(training) -> LanguageModel:
    return training[0]


def test_directions_never_see_each_other(model):
    plain, last, first = model.vectors(
        [("the", "cat", "sat", "down"), ("the", "cat", "sat", "here"), ("a", "cat", "sat", "down")]
    )
    for layer in (1, 2):
        np.testing.assert_allclose(last[layer, :3, :4], plain[layer, :3, :4], atol=1e-6)
        np.testing.assert_allclose(first[layer, 1:, 4:], plain[layer, 1:, 4:], atol=1e-6)
        assert np.abs(last[layer, :3, 4:] - plain[layer, :3, 4:]).max() > 1e-4
        assert np.abs(first[layer, 1:, :4] - plain[layer, 1:, :4]).max() > 1e-4


def test_vectors_are_those_of_each_sentence_alone(model):
    """The token layer twice, then the layers; neither order, nor company, nor padding counts."""
    sentences = [["the", "dog"], [], ["a", "wholly", "unseen", "word"]]
    found = model.vectors(sentences)
    assert [array.shape for array in found] == [(3, 2, 8), (3, 0, 8), (3, 4, 8)]
    assert all(array.dtype == np.float32 for array in found)
    for array in found:
        np.testing.assert_array_equal(array[0, :, :4], array[0, :, 4:])
    np.testing.assert_allclose(model.vectors(sentences[:1])[0], found[0], atol=1e-5)
    assert model.vectors([]) == []


def test_characters_tell_unseen_words_apart(model):
    one, other = model.vectors([["unseen", "cat"], ["word", "cat"]])
    assert np.abs(one[0, 0] - other[0, 0]).max() > 1e-4
    np.testing.assert_allclose(one[0, 1], other[0, 1], atol=1e-6)
    assert set(model.input) == {"words", "chars", "char_rows", "mask"}
    assert set(small(reads="words").input) == {"words", "mask"}
    assert set(small(reads="chars").input) == {"chars", "char_rows", "mask"}


def test_perplexity_is_the_oracles():
    model = small()
    table = numpy(model.softmax.kernel)
    bias = np.random.default_rng(2).normal(size=model.classes).astype("float32")
    model.softmax.bias.assign(bias)
    sentences = [("the", "cat", "flew"), ("a", "dog", "sat", "here", "down")]
    sums, count = [0.0, 0.0], 0
    batches = model.batches(sentences)
    rows = [[model.vectorizer.words.index(word) for word in sentence.words] for sentence in edged(sentences)]
    expected = oracle.neighbours(rows)
    for index, batch in enumerate(batches.plan):
        top = numpy(model.predict_on_batch(batches[index][0]))[:, -1]
        for row, number in enumerate(batch.sentences):
            for direction in (0, 1):
                for t, target in enumerate(expected[number][direction]):
                    if target is not None:
                        state = top[row, t, 4 * direction : 4 * direction + 4].astype(float)
                        sums[direction] += oracle.full_loss(state, table, bias, target - 1)
                        count += direction
    found = model.perplexity(sentences)
    assert (found.predictions, found.unknown) == (count, 1) == (10, 1)
    np.testing.assert_allclose([found.forward, found.backward], sums, rtol=1e-5)
    assert model.evaluate(sentences) == pytest.approx([sum(sums) / 20, math.exp(sum(sums) / 20)], rel=1e-5)


def test_training_brings_the_perplexity_down_and_tells_it(training):
    model, _, history = training
    best = int(np.argmin(history["val_loss"]))
    found = model.perplexity(CORPUS)
    assert found.perplexity == pytest.approx(history["val_perplexity"][best], rel=1e-5)
    assert found.loss == pytest.approx(history["val_loss"][best], rel=1e-5)
    assert found.perplexity < 0.97 * max(history["val_perplexity"])
    assert "perplexity" not in history, "the loss over a sample says nothing of perplexity"


def loss_of(model, training: bool) -> float:
    inputs, labels = model.batches(CORPUS)[0]
    return float(numpy(model.compute_loss(inputs, labels, model(inputs), training=training)))


def test_a_sample_is_for_training_alone():
    model = small(samples=4)
    full = loss_of(model, training=False)
    sampled = [loss_of(model, training=True) for _ in range(2)]
    assert sampled[0] != sampled[1] and all(loss < full for loss in sampled)
    model.samples = 1000
    assert loss_of(model, training=True) == pytest.approx(full, rel=1e-5)
    model.samples = None
    assert loss_of(model, training=True) == pytest.approx(full, rel=1e-5)


def test_every_weight_learns(training):
    model, before, _ = training
    for weight, old, new in zip(model.trainable_variables, before, weights(model), strict=True):
        assert (old != new).any(), weight.path
    assert numpy(model.candidate_seeds.state)[1] >= 12, "each of the twelve steps draws a sample of its own"


def test_a_saved_model_says_the_same(model, tmp_path):
    model.save(tmp_path / "lm.keras")
    again = seqlab.load(tmp_path / "lm.keras")
    assert isinstance(again, LanguageModel) and (again.samples, again.tied) == (4, False)
    assert again.vectorizer.get_config() == model.vectorizer.get_config()
    assert again.perplexity(CORPUS).loss == pytest.approx(model.perplexity(CORPUS).loss, rel=1e-6)


def test_tied_weights_are_those_of_the_words():
    tied, free = small(tied=True), small()
    rows = len(tied.vectorizer.words)
    assert free.count_params() - tied.count_params() == (rows - 1) * 4
    np.testing.assert_array_equal(numpy(tied.class_table()[0]), numpy(tied.features[0].trained)[1:])
    with pytest.raises(SettingsError, match="as wide as one direction's output, 4; received 3"):
        small(tied=True, dim=3)
    with pytest.raises(SettingsError, match="read words and nothing else"):
        small(tied=True, reads="both")


@pytest.mark.parametrize(
    "encoder",
    [
        RecurrentStack(4, stacking="per_direction"),
        RecurrentStack(4, all_layers=True),
        keras.layers.Dense(4),
    ],
)
def test_directions_that_meet_are_refused(encoder):
    with pytest.raises(SettingsError, match="must not see each other"):
        LanguageModel.from_corpus(CORPUS, encoder=encoder)


def test_bad_arguments_are_named():
    with pytest.raises(SettingsError, match="samples=0"):
        small(samples=0)
    with pytest.raises(SettingsError, match="reads is one of .*'word'.*Did you mean 'words'"):
        small(reads="word")
    model = small()
    with pytest.raises(DataError, match="received none"):
        model.perplexity([])
    inputs, labels = model.batches(CORPUS)[0]
    outputs = model(inputs)
    with pytest.raises(DataError, match="labels from NeighbourBatches"):
        model.compute_loss(inputs, None, outputs)
    with pytest.raises(DataError, match="no sample_weight"):
        model.compute_loss(inputs, labels, outputs, np.ones(len(labels)))


def test_padding_and_absent_labels_count_nowhere():
    model = small()
    inputs, labels = model.batches(CORPUS)[0]
    wide = {name: np.pad(array, ((0, 0), (0, 3))) for name, array in inputs.items()}
    more = np.pad(labels, ((0, 0), (0, 3), (0, 0)), constant_values=IGNORE)
    alone, padded = model(inputs), model(wide)
    assert not numpy(padded)[:, :, labels.shape[1] :].any()
    found = [
        numpy(model.compute_loss(x, y, out, training=False))
        for x, y, out in ((inputs, labels, alone), (wide, more, padded))
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-5)
