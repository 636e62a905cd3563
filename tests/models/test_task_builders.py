"""One vectorizer for several tasks."""

from __future__ import annotations

import pytest

from seqlab.corpora.records import Corpus, Sentence
from seqlab.corpora.tasks import task_corpora
from seqlab.errors import DataError, SettingsError
from seqlab.models.task_builders import vectorizer_of_tasks, words_of_tasks
from seqlab.text.categories import Category


def corpus(task, *texts, scheme=None):
    sentences = []
    for text in texts:
        words, tags = zip(*(pair.split("/") for pair in text.split()), strict=True)
        sentences.append(Sentence(words, {task: tags, "other": words}))
    return Corpus(sentences, {task: scheme, "other": None})


CORPORA = {
    "pos": corpus("pos", "the/D cat/N", "a/D dog/N"),
    "ner": corpus("ner", "the/O cat/O", "dog/O Rex/B-X", scheme="iobes"),
}


def made(**options):
    return vectorizer_of_tasks(CORPORA, words_of_tasks(CORPORA), **options)


def test_vocabularies_are_shared_and_labels_are_not():
    found = made()
    # "the cat" stands in both and counts once; only dog is there twice
    assert found.words.items == ("dog",)
    assert set(found.characters.items) == set("thecatadogRx")
    assert {task: labels.items for task, labels in found.labels.items()} == {"pos": ("D", "N"), "ner": ("B-X", "O")}
    assert list(found.labels) == ["pos", "ner"]
    assert found.schemes == {"pos": None, "ner": "iobes"}


def test_options():
    assert set(words_of_tasks(CORPORA, min_count=1).vocabulary.items) == {"the", "cat", "a", "dog", "rex"}
    words = words_of_tasks(CORPORA, rules=())
    assert set(words_of_tasks(CORPORA, rules=(), min_count=1).vocabulary.items) == {"the", "cat", "a", "dog", "Rex"}
    found = vectorizer_of_tasks(CORPORA, words, categories=[Category("suffix", 1), Category("column", "other")])
    assert found.rules == ()
    assert set(found.categories[Category("suffix", 1)].items) == {"e", "t", "g"}
    assert set(found.categories[Category("column", "other")].items) == {"the", "cat", "dog"}


@pytest.mark.parametrize(
    ("corpora", "categories", "error", "message"),
    [
        ({}, [], SettingsError, "at least one task"),
        ({"pos": CORPORA["pos"][:0]}, [], DataError, "'pos' has no training data"),
        ({"chunk": CORPORA["pos"]}, [], DataError, "no column 'chunk'; it has: pos, other"),
        (CORPORA, [Category("column", "pos")], SettingsError, r"columns \(pos\) others than those learnt \(pos, ner\)"),
        (CORPORA, [Category("shape")] * 2, SettingsError, "must be different"),
        (CORPORA, [Category("column", "upos")], DataError, "task 'pos' has no column 'upos'"),
    ],
)
def test_bad_corpora(corpora, categories, error, message):
    with pytest.raises(error, match=message):
        vectorizer_of_tasks(corpora, words_of_tasks(CORPORA), categories=categories)


def test_from_parts():
    corpora = task_corpora([("tag", CORPORA["pos"], "pos"), ("ner", CORPORA["ner"])])
    assert vectorizer_of_tasks(corpora, words_of_tasks(corpora)).labels["tag"].items == ("D", "N")
