from __future__ import annotations

import pytest

from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError, SettingsError
from seqlab.models import builders
from seqlab.text.vocabulary import Labels


def corpus() -> Corpus:
    words = ("The", "the", "cat", "cat", "Oslo", "1984", "2024", "rare", "-LRB-")
    return Corpus([Sentence(words, {"pos": ("A",) * 8 + ("B",)})])


def test_vectorizer_of_names_missing_column_and_suggests() -> None:
    words = builders.words_of(corpus())
    vectorizer = builders.vectorizer_of(corpus(), "pos", words)
    assert vectorizer.labels["pos"].items == ("A", "B")
    assert vectorizer.schemes == {"pos": None}
    assert "O" in vectorizer.characters.items
    with pytest.raises(DataError, match="no column 'pso'; it has: pos. Did you mean 'pos'?"):
        builders.vectorizer_of(corpus(), "pso", words)


def test_unknown_names_are_refused_with_a_suggestion() -> None:
    with pytest.raises(SettingsError, match="Unknown head 'crff'; expected one of softmax, crf. Did you mean 'crf'?"):
        builders.head_of("crff", Labels(["N", "V"]))
    words = builders.words_of(corpus())
    with pytest.raises(SettingsError, match="Unknown character encoder 'cn'"):
        builders.features_of(builders.vectorizer_of(corpus(), "pos", words), words, chars="cn")
