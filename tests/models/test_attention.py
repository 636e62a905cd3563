"""What a tagger's attention looks at."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from seqlab.corpora.records import Sentence
from seqlab.errors import DataError, SettingsError
from seqlab.layers.attention.additive import AdditiveAttention
from seqlab.layers.attention.encoder import AttentionEncoder
from seqlab.layers.attention.hops import SelfAttention
from seqlab.layers.stack import RecurrentStack
from seqlab.models.tagger import Tagger
from tests.models import toy


def made(attention, corpus=None):
    encoder = AttentionEncoder(RecurrentStack(3, name="inner"), attention, name="encoder")
    return Tagger.from_corpus(corpus or toy.corpus(), "ner", chars=None, head="softmax", encoder=encoder)


@pytest.fixture(scope="module")
def tagger():
    return made(AdditiveAttention(3))


def test_weights_of_each_sentence_whatever_its_batch(tagger):
    sentences = [Sentence(words) for words in toy.TEXTS]
    found = tagger.attention(tagger.batches(sentences, batch_size=2, padding=0.9))
    assert [weights.shape for weights in found] == [(len(words),) * 2 for words in toy.TEXTS]
    for weights, alone in zip(found, tagger.attention(sentences), strict=True):
        np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)
        np.testing.assert_allclose(weights, alone, rtol=1e-4, atol=1e-6)
    assert tagger.attention([]) == []


def test_weights_are_those_of_the_layer(tagger):
    sentences = [Sentence(words) for words in toy.TEXTS[:2]]
    inputs, *_ = tagger.batches(sentences)[0]
    lower = keras.Model(tagger.input, tagger.encoder.encoder(tagger.embedded, mask=tagger.input["mask"]))
    _, expected = tagger.encoder.attention(lower.predict_on_batch(inputs), mask=inputs["mask"], return_attention=True)
    expected = keras.ops.convert_to_numpy(expected)[:, :5, :5]
    np.testing.assert_allclose(np.array(tagger.attention(sentences)), expected, rtol=1e-4, atol=1e-6)


def test_hops_are_panels_and_tagging_goes_on(tagger):
    several = made(SelfAttention(2, units=3, penalty=0.1))
    (found,) = several.attention([Sentence(("a", "b", "c"))])
    assert found.shape == (2, 3, 3)
    np.testing.assert_array_equal(found, np.repeat(found[:, :1], 3, axis=1))
    assert [len(tags) for tags in several.tags(toy.corpus())] == [len(words) for words in toy.TEXTS]


def test_a_tagger_without_attention():
    with pytest.raises(SettingsError, match="This tagger has no attention: train one with --encoder.attention"):
        toy.tagger().attention(toy.corpus())


def test_what_is_no_sentences(tagger):
    with pytest.raises(DataError, match="Expected a corpus, a list of sentences or Batches, received ndarray"):
        tagger.attention(np.zeros((2, 3)))
