from __future__ import annotations

import keras
import numpy as np
import pytest

from seqlab.batches.loader import Batches
from seqlab.batches.neighbours import END
from seqlab.corpora.records import Corpus, Sentence
from seqlab.models import language_scoring as scoring
from seqlab.models.language_parts import vectorizer_of_text
from seqlab.models.language_vectors import LanguageVectors
from seqlab.text.contextual import Contextual
from tests import tiny

SENTENCES = [("He", "the", "no"), ("No",), ("He", "the", "it", "again")]


@pytest.fixture(scope="module")
def model():
    return tiny.language_model()


def test_blocks_of_any_size_give_the_same_figures(model, monkeypatch):
    """11 predictions in each direction: blocks that divide them, that do not, and one that is larger."""
    batches = model.batches(SENTENCES)
    whole = scoring.perplexity_of(model, batches)
    assert whole.predictions == 11
    for rows, chunk in ((2, 5), (22, 1000), (3, 10)):
        monkeypatch.setattr(scoring, "ROWS", rows)
        monkeypatch.setattr(scoring, "CHUNK", chunk)
        found = scoring.perplexity_of(model, batches)
        assert (found.predictions, found.unknown) == (whole.predictions, whole.unknown)
        assert (found.forward, found.backward) == pytest.approx((whole.forward, whole.backward), rel=1e-5)


def test_vectors_stand_in_the_order_of_the_sentences(model):
    found = scoring.vectors_of(model, model.batches(SENTENCES, batch_size=2))
    assert [array.shape[1] for array in found] == [3, 1, 4]
    assert abs(found[0][0, 0] - found[2][0, 0]).max() == 0, "the same word has the same token layer"


def test_vectors_are_asked_for_in_few_shapes(model, monkeypatch):
    """A backend that compiles for each shape would else do so for nearly every batch of a corpus."""
    ask, shapes, found = model.predict_on_batch, set(), []

    def recording(inputs):
        shapes.add(tuple(array.shape for array in inputs.values()))
        return ask(inputs)

    monkeypatch.setattr(model, "predict_on_batch", recording)
    for sentences in (SENTENCES[:1], SENTENCES[1:2], SENTENCES):
        found.append(scoring.vectors_of(model, model.batches(sentences)))
    assert len(shapes) == 1
    np.testing.assert_allclose(found[2][0], found[0][0], rtol=1e-5, atol=1e-6)
    (inputs, _), layers = model.batches(SENTENCES[:1])[0], found[0][0]
    np.testing.assert_allclose(np.asarray(ask(inputs))[0][:, 1:4], layers, rtol=1e-5, atol=1e-6)


def test_training_on_vectors_compiles_no_more_often_than_on_words(monkeypatch):
    """Shapes over two epochs: those of the tagger's batches, with and without vectors, and those that vectors take."""
    generator = np.random.default_rng(2)
    lengths = np.clip(generator.gamma(4, 6, 600).astype(int), 1, 70)
    forms = [word for sentence in tiny.part("train", 9) for word in sentence.words]
    corpus = [Sentence(tuple(generator.choice(forms, length).tolist())) for length in lengths]
    model = tiny.language_model()
    asked = set()

    def answer(inputs):
        asked.add(tuple(sorted((name, array.shape) for name, array in inputs.items())))
        rows, time = inputs["mask"].shape
        return np.zeros((rows, model.output_shape[1], time, model.output_shape[3]), "float32")

    monkeypatch.setattr(model, "predict_on_batch", answer)
    shapes = []
    for producer in (None, LanguageVectors(model)):
        vectorizer = vectorizer_of_text(Corpus(corpus))
        vectorizer.contextual = None if producer is None else Contextual(producer=producer)
        batches = Batches(vectorizer.encode(corpus), batch_size=20, shuffle=True)
        shapes.append(set())
        for epoch in (0, 1):
            batches.start_epoch(epoch)
            for number in range(len(batches)):
                (inputs,) = batches[number]
                found = inputs.pop("contextual", None)
                assert found is None or found.shape[:2] == inputs["words"].shape
                shapes[-1].add(tuple(sorted((name, array.shape) for name, array in inputs.items())))
    assert shapes[0] == shapes[1] and len(asked) <= len(shapes[0])
    assert keras.backend.backend() != "jax" or len(asked) <= 10


def test_classes_are_counted_as_next_words(model):
    counts = scoring.class_counts(model.batches(SENTENCES), model.classes)
    assert counts.sum() == 11
    assert counts[model.vectorizer.words.index(END) - 1] == 3
    assert counts[model.vectorizer.words.index("the") - 1] == 2
