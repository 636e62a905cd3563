"""Corpora of several tasks: names, columns, what they share, and whose labels they hold."""

from __future__ import annotations

import pytest

from seqlab.corpora.records import Corpus, Sentence
from seqlab.corpora.tasks import all_sentences, check_labels_of, joined_sentences, task_corpora
from seqlab.errors import DataError, SettingsError

BOB = Sentence(("Bob", "sang"), {"upos": ("N", "V"), "ner": ("B-PER", "O")}, "a.conll", (1, 2))
YES = Sentence(("Yes",), {"upos": ("I",), "ner": ("O",)}, "a.conll", (4,))
CORPUS = Corpus([BOB, YES], {"upos": None, "ner": "iob2"}, "a")


def test_columns_get_the_names_of_tasks_and_others_stay():
    corpora = task_corpora([("pos", CORPUS, "upos"), ("ner", CORPUS)])
    assert list(corpora) == ["pos", "ner"]
    assert corpora["ner"] is CORPUS
    assert corpora["pos"].schemes == {"ner": "iob2", "pos": None}
    assert corpora["pos"].column("pos") == [("N", "V"), ("I",)]
    assert corpora["pos"][0].place(1) == "a.conll:2"


def test_a_column_may_take_the_name_of_another():
    (corpus,) = task_corpora([("ner", CORPUS, "upos")]).values()
    assert corpus.schemes == {"ner": None}
    assert corpus.column("ner") == [("N", "V"), ("I",)]


@pytest.mark.parametrize(
    ("parts", "error", "message"),
    [
        ([("ner", CORPUS), ("ner", CORPUS, "upos")], SettingsError, "Two tasks have the name 'ner'"),
        ([("ner", CORPUS[:0])], DataError, "task 'ner' has no sentences"),
        ([("pos", CORPUS, "xpos")], DataError, "no column 'xpos'; it has: upos, ner. Did you mean 'upos'"),
        ([], SettingsError, "at least one task"),
    ],
)
def test_bad_parts(parts, error, message):
    with pytest.raises(error, match=message):
        task_corpora(parts)


def plain(*texts, task):
    return Corpus(
        Sentence(tuple(text.split()), {task: tuple(f"{task}{n}" for _ in text.split())}) for n, text in enumerate(texts)
    )


def test_shared_sentences_count_once():
    corpora = {"a": plain("x y", "x y", "z", task="a"), "b": plain("x y", "z", "z", "w", task="b")}
    found = sorted(" ".join(sentence.words) for sentence in all_sentences(corpora))
    assert found == ["w", "x y", "x y", "z", "z"]
    assert all_sentences(corpora).tasks == ()


def test_joined_sentences_carry_all_labels_that_there_are():
    corpora = {"a": plain("x y", "x y", "z", task="a"), "b": plain("w", "x y", task="b")}
    found = [(" ".join(s.words), dict(s.columns)) for s in joined_sentences(corpora)]
    assert found == [
        ("x y", {"a": ("a0", "a0"), "b": ("b1", "b1")}),
        ("x y", {"a": ("a1", "a1")}),
        ("z", {"a": ("a2",)}),
        ("w", {"b": ("b0",)}),
    ]


KNOWN = {"pos": ("N", "V", "I"), "ner": ("B-PER", "O")}


def test_own_and_new_labels_pass():
    for tags in (("B-PER", "O"), ("B-LOC", "I-LOC"), ("B-LOC", "O")):
        check_labels_of("ner", [Sentence(("a", "b"), {"ner": tags})], KNOWN)
    check_labels_of("ner", [], KNOWN)


def test_labels_of_another_task_are_refused():
    with pytest.raises(DataError, match=r"^a.conll: .*task 'ner' are those of 'pos' \(N, V\).*B-PER, O") as caught:
        check_labels_of("ner", [Sentence(("a", "b"), {"ner": ("N", "V")}, "a.conll", (1, 2))], KNOWN)
    assert caught.value.file == "a.conll"
