from __future__ import annotations

import numpy as np
import pytest

from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError, SettingsError
from seqlab.layers.features.casing import CasingEmbedding
from seqlab.layers.features.chars import CharCNN
from seqlab.layers.features.words import WordEmbedding
from seqlab.models import builders
from seqlab.text.vectors import WordVectors
from seqlab.text.vocabulary import Labels


def corpus() -> Corpus:
    words = ("The", "the", "cat", "cat", "Oslo", "1984", "2024", "rare", "-LRB-")
    return Corpus([Sentence(words, {"pos": ("A",) * 8 + ("B",)})])


def vectors() -> WordVectors:
    words = ["the", "unseen", "Oslo", "rare", "other", "("]
    return WordVectors(words, np.arange(12, dtype="float32").reshape(6, 2))


def test_rare_words_without_a_vector_get_no_row() -> None:
    words = builders.words_of(corpus())
    assert set(words.vocabulary.items) == {"the", "cat", "0000"}  # 1984 and 2024 count together
    assert words.trained == 5 and words.vectors is None
    assert "rare" in builders.words_of(corpus(), min_count=1).vocabulary.items


def test_words_with_a_vector_get_a_row_under_the_first_candidate_that_has_one() -> None:
    words = builders.words_of(corpus(), vectors())
    trained = words.vocabulary.items[: words.trained - 2]
    assert set(trained) == {"the", "cat", "0000", "Oslo", "rare", "("}
    assert words.vocabulary.items[words.trained - 2 :] == ("unseen", "other")


def test_min_count_concerns_words_without_a_vector_alone() -> None:
    words = builders.words_of(corpus(), vectors(), min_count=3)
    assert set(words.vocabulary.items[: words.trained - 2]) == {"the", "Oslo", "rare", "("}  # no "cat", no "0000"


@pytest.mark.parametrize(("limit", "travelling"), [(None, ("unseen", "other")), (1, ("unseen",)), (0, ())])
def test_unseen_vectors_travel_up_to_the_limit(limit: int | None, travelling: tuple[str, ...]) -> None:
    words = builders.words_of(corpus(), vectors(), unseen_vectors=limit)
    assert words.vocabulary.items[words.trained - 2 :] == travelling


def test_keyed_counts() -> None:
    counts = builders.keyed_counts(corpus(), builders.DEFAULT_RULES, {"The"})
    assert counts["The"] == 1 and counts["the"] == 1 and counts["0000"] == 2 and counts["("] == 1


def test_vectorizer_of_names_missing_column_and_suggests() -> None:
    words = builders.words_of(corpus())
    vectorizer = builders.vectorizer_of(corpus(), "pos", words)
    assert vectorizer.labels["pos"].items == ("A", "B")
    assert vectorizer.schemes == {"pos": None}
    assert "O" in vectorizer.characters.items
    with pytest.raises(DataError, match="no column 'pso'; it has: pos. Did you mean 'pos'?"):
        builders.vectorizer_of(corpus(), "pso", words)


def test_features_hold_the_files_vectors_in_trained_and_frozen_rows() -> None:
    words = builders.words_of(corpus(), vectors())
    vectorizer = builders.vectorizer_of(corpus(), "pos", words)
    features = builders.features_of(vectorizer, words)
    assert [type(feature) for feature in features] == [WordEmbedding, CasingEmbedding, CharCNN]
    table = features[0]
    assert table.dim == 2
    for word, vector in zip(vectors().words, vectors().matrix, strict=True):
        row = vectorizer.words.index(word)
        stored = np.asarray(table.trained)[row] if row < table.rows else np.asarray(table.frozen)[row - table.rows]
        np.testing.assert_array_equal(stored, vector)


def test_a_width_other_than_the_files_is_refused() -> None:
    words = builders.words_of(corpus(), vectors())
    vectorizer = builders.vectorizer_of(corpus(), "pos", words)
    assert builders.features_of(vectorizer, words, dim=2)[0].dim == 2
    with pytest.raises(SettingsError, match=r"words\.dim.* is 99, but .* have 2 numbers each: leave dim out"):
        builders.features_of(vectorizer, words, dim=99)
    assert builders.features_of(vectorizer, builders.words_of(corpus()))[0].dim == builders.WIDTH


def test_features_can_be_left_out() -> None:
    words = builders.words_of(corpus())
    vectorizer = builders.vectorizer_of(corpus(), "pos", words)
    (alone,) = builders.features_of(vectorizer, words, dim=3, chars=None, casing=False)
    assert isinstance(alone, WordEmbedding) and alone.dim == 3


def test_unknown_names_are_refused_with_a_suggestion() -> None:
    with pytest.raises(SettingsError, match="Unknown head 'crff'; expected one of softmax, crf. Did you mean 'crf'?"):
        builders.head_of("crff", Labels(["N", "V"]))
    words = builders.words_of(corpus())
    with pytest.raises(SettingsError, match="Unknown character encoder 'cn'"):
        builders.features_of(builders.vectorizer_of(corpus(), "pos", words), words, chars="cn")
