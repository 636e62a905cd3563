from __future__ import annotations

import pytest

from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError, SettingsError
from seqlab.models import builders
from seqlab.models.inputs import features_of, words_of
from seqlab.text.categories import Category
from seqlab.text.vocabulary import Labels


def corpus() -> Corpus:
    words = ("The", "the", "cat", "cat", "Oslo", "1984", "2024", "rare", "-LRB-")
    return Corpus([Sentence(words, {"pos": ("A",) * 8 + ("B",)})])


def test_vectorizer_of_names_missing_column_and_suggests() -> None:
    words = words_of(corpus())
    vectorizer = builders.vectorizer_of(corpus(), "pos", words)
    assert vectorizer.labels["pos"].items == ("A", "B")
    assert vectorizer.schemes == {"pos": None}
    assert "O" in vectorizer.characters.items
    with pytest.raises(DataError, match="no column 'pso'; it has: pos. Did you mean 'pos'?"):
        builders.vectorizer_of(corpus(), "pso", words)


def test_unknown_names_are_refused_with_a_suggestion() -> None:
    with pytest.raises(SettingsError, match="Unknown head 'crff'; expected one of softmax, crf. Did you mean 'crf'?"):
        builders.head_of("crff", Labels(["N", "V"]))
    with pytest.raises(SettingsError, match="label_smoothing is for the head 'softmax'"):
        builders.head_of("crf", Labels(["N", "V"]), label_smoothing=0.1)
    assert builders.head_of("softmax", Labels(["N", "V"]), label_smoothing=0.1).label_smoothing == 0.1
    words = words_of(corpus())
    with pytest.raises(SettingsError, match="Unknown character encoder 'cn'"):
        features_of(builders.vectorizer_of(corpus(), "pos", words), words, chars="cn")


def test_values_of_categories_are_those_that_training_holds_twice() -> None:
    data = Corpus([Sentence(("cat", "bat", "Oslo"), {"pos": ("A", "A", "B"), "gaz": ("O", "O", "LOC")})])
    words = words_of(data)
    wanted = [Category("suffix", 2), Category("column", "gaz")]
    made = builders.vectorizer_of(data, "pos", words, categories=wanted)
    assert {category: values.items for category, values in made.categories.items()} == {
        wanted[0]: ("at",),
        wanted[1]: ("O",),
    }
    features = features_of(made, words, chars=None, casing=False, category_dim=7)[1:]
    assert [(one.name, one.fields, one.values, one.dim) for one in features] == [
        ("suffix_2_vectors", ("suffix_2",), 3, 7),
        ("column_gaz_vectors", ("column_gaz",), 3, 7),
    ]


def test_bad_categories_are_refused() -> None:
    words = words_of(corpus())
    with pytest.raises(SettingsError, match="Features must be different ones, and columns"):
        builders.vectorizer_of(corpus(), "pos", words, categories=[Category("shape"), Category("shape")])
    with pytest.raises(SettingsError, match=r"columns \(pos\) others than those learnt \(pos\)"):
        builders.vectorizer_of(corpus(), "pos", words, categories=[Category("column", "pos")])
    with pytest.raises(DataError, match="no column 'gaz'; it has: pos"):
        builders.vectorizer_of(corpus(), "pos", words, categories=[Category("column", "gaz")])
