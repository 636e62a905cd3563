from __future__ import annotations

import functools

import numpy as np
import pytest

from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import SettingsError
from seqlab.layers.features.casing import CasingEmbedding
from seqlab.layers.features.chars import CharCNN, CharLSTM
from seqlab.layers.features.words import WordEmbedding
from seqlab.models import inputs
from seqlab.models.builders import vectorizer_of
from seqlab.text.vectorizer import DEFAULT_RULES
from seqlab.text.vectors import WordVectors


def corpus() -> Corpus:
    words = ("The", "the", "cat", "cat", "Oslo", "1984", "2024", "rare", "-LRB-")
    return Corpus([Sentence(words, {"pos": ("A",) * 8 + ("B",)})])


def vectors() -> WordVectors:
    words = ["the", "unseen", "Oslo", "rare", "other", "("]
    return WordVectors(words, np.arange(12, dtype="float32").reshape(6, 2))


def test_rare_words_without_a_vector_get_no_row() -> None:
    words = inputs.words_of(corpus())
    assert set(words.vocabulary.items) == {"the", "cat", "0000"}  # 1984 and 2024 count together
    assert words.trained == 5 and words.vectors is None
    assert "rare" in inputs.words_of(corpus(), min_count=1).vocabulary.items


def test_words_with_a_vector_get_a_row_under_the_first_candidate_that_has_one() -> None:
    words = inputs.words_of(corpus(), vectors())
    trained = words.vocabulary.items[: words.trained - 2]
    assert set(trained) == {"the", "cat", "0000", "Oslo", "rare", "("}
    assert words.vocabulary.items[words.trained - 2 :] == ("unseen", "other")


def test_rules_are_those_of_look_up_and_of_the_vectorizer() -> None:
    words = inputs.words_of(corpus(), vectors(), ("lowercase",))
    assert set(words.vocabulary.items[: words.trained - 2]) == {"the", "cat", "Oslo", "rare"}  # no "(", no "0000"
    assert words.vocabulary.items[words.trained - 2 :] == ("unseen", "other", "(")
    assert vectorizer_of(corpus(), "pos", words).rules == ("lowercase",)
    assert inputs.words_of(corpus(), rules=()).vocabulary.items == ("cat",)
    with pytest.raises(SettingsError, match="Unknown word rule 'lower'; .*Did you mean 'lowercase'"):
        inputs.words_of(corpus(), rules=("lower",))


def test_min_count_concerns_words_without_a_vector_alone() -> None:
    words = inputs.words_of(corpus(), vectors(), min_count=3)
    assert set(words.vocabulary.items[: words.trained - 2]) == {"the", "Oslo", "rare", "("}  # no "cat", no "0000"


@pytest.mark.parametrize(("limit", "travelling"), [(None, ("unseen", "other")), (1, ("unseen",)), (0, ())])
def test_unseen_vectors_travel_up_to_the_limit(limit: int | None, travelling: tuple[str, ...]) -> None:
    words = inputs.words_of(corpus(), vectors(), unseen_vectors=limit)
    assert words.vocabulary.items[words.trained - 2 :] == travelling


def test_keyed_counts() -> None:
    counts = inputs.keyed_counts(corpus(), DEFAULT_RULES, {"The"})
    assert counts["The"] == 1 and counts["the"] == 1 and counts["0000"] == 2 and counts["("] == 1


def test_features_hold_the_files_vectors_in_trained_and_frozen_rows() -> None:
    words = inputs.words_of(corpus(), vectors())
    vectorizer = vectorizer_of(corpus(), "pos", words)
    features = inputs.features_of(vectorizer, words)
    assert [type(feature) for feature in features] == [WordEmbedding, CasingEmbedding, CharCNN]
    table = features[0]
    assert table.dim == 2
    for word, vector in zip(vectors().words, vectors().matrix, strict=True):
        row = vectorizer.words.index(word)
        stored = np.asarray(table.trained)[row] if row < table.rows else np.asarray(table.frozen)[row - table.rows]
        np.testing.assert_array_equal(stored, vector)


def test_a_width_other_than_the_files_is_refused() -> None:
    words = inputs.words_of(corpus(), vectors())
    vectorizer = vectorizer_of(corpus(), "pos", words)
    assert inputs.features_of(vectorizer, words, dim=2)[0].dim == 2
    with pytest.raises(SettingsError, match=r"words\.dim.* is 99, but .* have 2 numbers each: leave dim out"):
        inputs.features_of(vectorizer, words, dim=99)
    assert inputs.features_of(vectorizer, inputs.words_of(corpus()))[0].dim == inputs.WIDTH


def test_features_can_be_left_out() -> None:
    words = inputs.words_of(corpus())
    vectorizer = vectorizer_of(corpus(), "pos", words)
    (alone,) = inputs.features_of(vectorizer, words, dim=3, chars=None, casing=False)
    assert isinstance(alone, WordEmbedding) and alone.dim == 3


@pytest.mark.parametrize(
    ("train", "learning", "frozen"),
    [
        ("all", {"the", "cat", "0000", "Oslo", "rare", "("}, ["unseen", "other"]),
        ("known", {"the", "Oslo", "rare", "("}, ["unseen", "other"]),
        ("none", set(), ["the", "(", "Oslo", "rare", "unseen", "other"]),
    ],
)
def test_which_vectors_learn(train: str, learning: set[str], frozen: list[str]) -> None:
    words = inputs.words_of(corpus(), vectors(), train=train)
    assert set(words.vocabulary.items[: words.trained - 2]) == learning
    assert list(words.vocabulary.items[words.trained - 2 :]) == frozen
    assert words.unseen == 2 and words.megabytes == pytest.approx(2 * 2 * 4 / 1e6)
    table = inputs.features_of(vectorizer_of(corpus(), "pos", words), words)[0]
    weights = np.concatenate([np.asarray(table.trained), np.asarray(table.frozen)])
    for word, vector in zip(vectors().words, vectors().matrix, strict=True):
        np.testing.assert_array_equal(weights[words.vocabulary.index(word)], vector)
    assert len(table.trainable_weights) == 1 and table.trained.shape == (len(learning) + 2, 2)


def test_nothing_learns_where_known_vectors_stay_and_unknown_ones_are_zero() -> None:
    words = inputs.words_of(corpus(), vectors(), train="none")
    table = inputs.word_embedding(vectorizer_of(corpus(), "pos", words), words, unknown="zero")
    assert table.unknown == "zero" and table.trainable_weights == []
    words = inputs.words_of(corpus(), vectors(), train="known")
    assert inputs.word_embedding(vectorizer_of(corpus(), "pos", words), words, unknown="zero").trainable_weights


def test_bad_choices_of_what_learns() -> None:
    with pytest.raises(SettingsError, match="Unknown choice 'know'.*expected one of all, known, none. Did you mean"):
        inputs.words_of(corpus(), vectors(), train="know")
    with pytest.raises(SettingsError, match="train='none' .* is about the vectors of a file: name one"):
        inputs.words_of(corpus(), train="none")
    assert inputs.words_of(corpus()).megabytes == 0


def test_characters_by_name_with_options_or_by_a_function() -> None:
    words = inputs.words_of(corpus())
    vectorizer = vectorizer_of(corpus(), "pos", words)
    rows = len(vectorizer.characters)
    by_name = inputs.features_of(vectorizer, words, chars="lstm", char_options={"units": 3})[-1]
    assert isinstance(by_name, CharLSTM) and (by_name.characters, by_name.units) == (rows, 3)
    made = inputs.features_of(vectorizer, words, chars=functools.partial(CharCNN, widths=(3, 4)))[-1]
    assert isinstance(made, CharCNN) and (made.characters, made.widths) == (rows, (3, 4))
