"""The decoding graph: alone or in a padded batch, in every order, a sentence gets the same labels and scores."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from seqlab.corpora.records import Corpus
from seqlab.models.decoding import _few_traces_are_meant, _rounded
from tests import tiny


def mixed() -> Corpus:
    return tiny.part("dev", 1, 16) + tiny.part("dev", 2, 7) + tiny.part("dev", 2, 16) + tiny.part("dev", 1, 5)


def test_alone_equals_in_a_padded_batch() -> None:
    tagger, corpus = tiny.trained(), mixed()
    together = tagger.batches(corpus, batch_size=6, padding=0.9)
    assert len(together) == 1 and together.padding > 0.2
    labels, scores = tagger.decoder.labels(together), tagger.decoder.scores(together)
    for number, sentence in enumerate(corpus):
        alone = tagger.batches([sentence])
        assert_array_equal(labels[number], tagger.decoder.labels(alone)[0])
        assert_allclose(scores[number], tagger.decoder.scores(alone)[0], rtol=1e-5, atol=1e-5)


def test_results_stand_in_the_corpus_order_over_many_batches() -> None:
    tagger, corpus = tiny.trained(), mixed()
    many = tagger.batches(corpus, batch_size=2)
    assert len(many) > 1
    one = tagger.batches(corpus, batch_size=6, padding=0.9)
    for first, second in zip(tagger.decoder.labels(many), tagger.decoder.labels(one), strict=True):
        assert_array_equal(first, second)
    for first, second in zip(tagger.decoder.scores(many), tagger.decoder.scores(one), strict=True):
        assert first.shape == (len(second), len(tagger.labels))
        assert_allclose(first, second, rtol=1e-5, atol=1e-5)


def test_labels_are_the_heads_own_decoding() -> None:
    tagger, corpus = tiny.trained(), tiny.dev_part()
    batches = tagger.batches(corpus, batch_size=5)
    inputs, _ = batches[0]
    wanted = np.asarray(tagger.head.decode(tagger(inputs), inputs["mask"]))
    order = batches.plan[0].sentences
    found = tagger.decoder.labels(batches)
    for row, sentence in enumerate(order):
        assert_array_equal(found[sentence], wanted[row, : len(corpus[int(sentence)])])


def test_shares_the_taggers_weights() -> None:
    tagger, corpus = tiny.tagger(), tiny.dev_part()
    before = tagger.predict(corpus)[0]
    tagger.set_weights([2 * weight for weight in tagger.get_weights()])
    assert np.abs(tagger.predict(corpus)[0] - before).max() > 1e-3


@pytest.mark.parametrize("what", ["labels", "scores"])
def test_no_sentences_give_no_results(what: str) -> None:
    tagger = tiny.trained()
    assert getattr(tagger.decoder, what)(tagger.batches([])) == []


def test_spans_and_widths_come_in_few_sizes() -> None:
    assert {_rounded(count) for count in range(1, 1025)} == {4, 16, 64, 256, 1024}


def test_only_the_warning_of_graphs_traced_often_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("tensorflow")
    text = "5 out of the last 5 calls to %s triggered tf.function retracing."
    with _few_traces_are_meant():
        log.warning(text, "f")
        log.warning("something else")
    log.warning(text, "g")
    assert [record.getMessage() for record in caplog.records] == ["something else", text % "g"]


def test_an_answer_holds_what_was_asked_for() -> None:
    tagger, corpus = tiny.trained(), tiny.dev_part()
    batches = tagger.batches(corpus)
    scores = tagger.decoder.scores(batches)
    for answer, labels in zip(tagger.decoder.answers(batches, scores), tagger.decoder.labels(batches), strict=True):
        assert_array_equal(answer.labels, labels)
        assert (answer.probabilities.size, answer.confidences.size, len(answer.paths), len(answer.chances)) == (0,) * 4
    assert tagger.decoder.answers(tagger.batches([]), []) == []
