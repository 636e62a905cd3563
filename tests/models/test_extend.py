"""Going on with what a tagger has learnt, on data with new labels, words and characters."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import SettingsError
from seqlab.layers.features.words import WordEmbedding
from seqlab.layers.stack import RecurrentStack
from seqlab.models.tagger import Tagger
from seqlab.tags.counting import at_most_one
from seqlab.tags.listed import only_listed
from seqlab.text.vectors import WordVectors
from tests import tiny
from tests.models import toy

pytestmark = pytest.mark.usefixtures("eagerly")

NEW = ("ЖЩ", "ЖЩ", "ЯΩ", "met", "the", "council", "in", "Oslo", "again", ".")


def new_corpus() -> Corpus:
    tags = ("B-XX", "I-XX", "B-XX", "B-VP", "B-NP", "I-NP", "B-PP", "B-NP", "B-ADVP", "O")
    return Corpus([Sentence(NEW, {"chunk": tags})] * 8, {"chunk": "iob2"})


@pytest.mark.parametrize("head", ["crf", "softmax"])
def test_old_scores_are_kept_for_known_words_and_characters(head: str) -> None:
    old = tiny.tagger(head=head)
    old.set_weights([weight + 0.1 for weight in old.get_weights()])  # no table at its initial zeros
    new = old.extended(new_corpus())
    assert new.labels == (*old.labels, "B-XX", "I-XX")
    known = set(old.vectorizer.words.items)
    assert "ЖЩ".lower() in new.vectorizer.words.items and set(new.vectorizer.words.items) > known
    assert new.vectorizer.characters.items[: len(old.vectorizer.characters.items)] == old.vectorizer.characters.items
    corpus = tiny.train_part()
    for before, after in zip(old.predict(corpus), new.predict(corpus), strict=True):
        assert_allclose(after[:, : len(old.labels)], before, rtol=1e-6, atol=1e-6)
    if head == "crf":
        count = len(old.labels)
        assert_array_equal(
            keras.ops.convert_to_numpy(new.head.transitions)[:count, :count],
            keras.ops.convert_to_numpy(old.head.transitions),
        )


def test_the_extended_tagger_learns_the_new_labels_and_the_old_one_stays_as_it_was() -> None:
    old = tiny.trained()
    before = old.get_weights()
    new = old.extended(new_corpus())
    new.compile(keras.optimizers.Adam(0.05))
    history = new.fit(new_corpus(), epochs=12, batch_size=8, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert new.tag(NEW).tags[:3] == ("B-XX", "I-XX", "B-XX")
    for one, other in zip(before, old.get_weights(), strict=True):
        assert_array_equal(one, other)


def test_words_move_from_the_frozen_rows_with_their_vectors() -> None:
    names = [*sorted(tiny.train_part().words()), "Oslo", "zyx"]
    matrix = np.random.default_rng(1).normal(size=(len(names), 4)).astype("float32")
    old = tiny.tagger(word_vectors=WordVectors(names, matrix), chars=None)
    assert _row(old, "zyx") >= _table(old).rows
    corpus = Corpus([Sentence(("zyx", "qqq", "qqq"), {"chunk": ("O", "O", "B-XX")})], {"chunk": "iob2"})
    new = old.extended(corpus)
    assert _row(new, "zyx") < _table(new).rows and _table(new).frozen_rows == _table(old).frozen_rows - 1
    assert _row(new, "qqq") < _table(new).rows
    for word in names:
        rows = np.asarray([[_row(new, word)]])
        assert_array_equal(np.asarray(_table(new)(rows))[0, 0], matrix[names.index(word)])


def _table(tagger: Tagger) -> WordEmbedding:
    return next(feature for feature in tagger.features if isinstance(feature, WordEmbedding))


def _row(tagger: Tagger, word: str) -> int:
    return tagger.vectorizer.words.index(word)


def test_nothing_new_keeps_everything() -> None:
    old = tiny.trained()
    new = old.extended(tiny.train_part())
    assert new.labels == old.labels
    for one, other in zip(old.predict(tiny.dev_part()), new.predict(tiny.dev_part()), strict=True):
        assert_allclose(one, other, rtol=1e-6, atol=1e-6)


def test_rules_that_are_taken_away_leave_the_loss_too() -> None:
    tagger = toy.tagger(True, constrained_loss=True)
    free = tagger.extended(toy.corpus(), constrained=False)
    assert free.head.constraints is None and not free.head.constrained_loss
    kept = tagger.extended(toy.corpus())
    assert kept.head.constraints == tagger.head.constraints and kept.head.constrained_loss


def test_a_tagger_without_words_cannot_be_extended() -> None:
    old = tiny.trained()
    casing = next(feature for feature in old.features if feature.name == "casing_vectors")
    alone = Tagger(old.vectorizer, "chunk", [type(casing).from_config(casing.get_config())], *_fresh(old))
    with pytest.raises(ValueError, match="reads no words"):
        alone.extended(new_corpus())


def _fresh(tagger: Tagger) -> tuple[keras.layers.Layer, keras.layers.Layer]:
    encoder, head = tagger.encoder, tagger.head
    return type(encoder).from_config(encoder.get_config()), type(head).from_config(head.get_config())


def test_new_labels_come_in_the_scheme_of_the_tagger() -> None:
    corpus = tiny.train_part().converted("chunk", "iobes")
    tagger = Tagger.from_corpus(corpus, "chunk", encoder=RecurrentStack(4), chars=None, constrained=True)
    grown = tagger.extended(new_corpus())
    assert {label for label in grown.labels if label.endswith("XX")} <= {"S-XX", "B-XX", "I-XX", "E-XX"}
    assert {"S-XX", "E-XX"} & set(grown.labels)
    assert grown.head.constraints.tags == grown.labels
    grown.compile("adam")
    grown.fit(new_corpus(), epochs=1, verbose=0)


def test_rules_of_ones_own_stay_without_new_labels_and_are_asked_for_with_them() -> None:
    def once(labels, scheme):
        return at_most_one(labels, scheme, "NP") & only_listed(labels, scheme, "VP", [["fell"]])

    options = {"encoder": RecurrentStack(4), "chars": None}
    tagger = Tagger.from_corpus(tiny.train_part(), "chunk", constrained=once, **options)
    kept = tagger.extended(tiny.part("train", 3)).head.constraints
    assert kept.get_config() == tagger.head.constraints.get_config()
    with pytest.raises(
        SettingsError, match=r"know nothing of the new labels B-XX, I-XX, .*extended\(corpus, constrained"
    ):
        tagger.extended(new_corpus())
    grown = tagger.extended(new_corpus(), constrained=once)
    assert grown.head.constraints.tags == grown.labels and len(grown.head.constraints.gates) == 1
    tags = grown.tags(new_corpus())
    assert all(path.count("B-NP") <= 1 and not {"B-VP", "I-VP"} & set(path) for path in tags)  # nothing fell
    assert tagger.extended(new_corpus(), constrained=False).head.constraints is None
    assert tagger.extended(new_corpus(), constrained=True).head.constraints.tags == grown.labels
