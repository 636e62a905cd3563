"""Sentences and corpora: parts keep order, draws are repeatable, misuse is named."""

from __future__ import annotations

from collections import Counter

import pytest

from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError, SettingsError


def numbered(n, name="numbers"):
    sentences = [Sentence((str(i), "x"), {"ner": ("B-N", "O"), "pos": ("CD", "NN")}) for i in range(n)]
    return Corpus(sentences, {"ner": "bio"}, name)


def order(corpus):
    return [int(sentence.words[0]) for sentence in corpus]


def test_counts_tasks_and_schemes():
    corpus = numbered(3)
    assert (len(corpus), corpus.tokens, corpus.tasks) == (3, 6, ("ner", "pos"))
    assert corpus.schemes == {"ner": "iob2", "pos": None}
    assert corpus.labels("ner") == Counter({"B-N": 3, "O": 3})
    assert corpus.words()["x"] == 3
    assert repr(corpus) == "Corpus('numbers', 3 sentences, 6 tokens, tasks ner, pos)"


def test_place():
    sentence = Sentence(("a", "b"), {}, "f.txt", (3, 4))
    assert sentence.place(1) == "f.txt:4"
    assert Sentence(("a", "b")).place(1) == "token 1"


def test_slices_and_empty_parts_are_corpora_with_the_same_tasks():
    part = numbered(5)[1:3]
    assert isinstance(part, Corpus) and order(part) == [1, 2] and part.schemes["ner"] == "iob2"
    assert numbered(5)[5:].tasks == ("ner", "pos")
    assert numbered(5)[-1].words[0] == "4"


@pytest.mark.parametrize("n", [0, 1, 7, 20])
def test_sample_parts_the_corpus_in_order(n):
    drawn, rest = numbered(20).sample(n, seed=3)
    assert len(drawn) == n
    assert order(drawn) == sorted(order(drawn)) and order(rest) == sorted(order(rest))
    assert sorted(order(drawn) + order(rest)) == list(range(20))


def test_seeds_decide():
    draws = [order(numbered(50).sample(10, seed)[0]) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_split_and_folds_cover_everything_once():
    rest, held_out = numbered(10).split(0.2, seed=0)
    assert len(held_out) == 2 and sorted(order(rest) + order(held_out)) == list(range(10))
    pairs = list(numbered(10).folds(3, seed=0))
    assert sorted(i for _, held in pairs for i in order(held)) == list(range(10))
    assert sorted(len(held) for _, held in pairs) == [3, 3, 4]
    assert all(not set(order(train)) & set(order(held)) and len(train) + len(held) == 10 for train, held in pairs)


@pytest.mark.parametrize(
    "ask",
    [
        lambda c: c.sample(4, 0),
        lambda c: c.split(0.0, 0),
        lambda c: c.split(1.0, 0),
        lambda c: c[:1].split(0.5, 0),
        lambda c: c.folds(1, 0),
        lambda c: c.folds(4, 0),
    ],
)
def test_impossible_parts_are_refused(ask):
    with pytest.raises(SettingsError, match="Cannot (draw|hold out|deal)"):
        ask(numbered(3))


def test_converted_keeps_the_rest():
    corpus = numbered(2).converted("ner", "bioes")
    assert corpus.schemes == {"ner": "iobes", "pos": None}
    assert corpus[0].columns == {"ner": ("S-N", "O"), "pos": ("CD", "NN")}


def test_converted_names_file_and_line():
    corpus = Corpus([Sentence(("a",), {"ner": ("I-X",)}, "f.txt", (7,))], {"ner": "iob2"})
    with pytest.raises(DataError, match="^f.txt:7: .*Token 0: 'I-X' .*iob2 writes 'B-X'"):
        corpus.converted("ner", "iobes")
    with pytest.raises(DataError, match="plain labels"):
        numbered(1).converted("pos", "iobes")
    with pytest.raises(SettingsError, match="Unknown column 'nr'; .*Did you mean 'ner'"):
        numbered(1).converted("nr", "iobes")


def test_joined():
    both = numbered(2, "a") + numbered(1, "b")
    assert (order(both), both.name, both.schemes["ner"]) == ([0, 1, 0], "a+b", "iob2")
    assert order(numbered(2) + Corpus([])) == [0, 1]
    with pytest.raises(DataError, match="different columns or schemes"):
        numbered(2) + numbered(2).converted("ner", "iob1")


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: Sentence(("a",), {"pos": ("X", "Y")}, "f", (9,)),
            "^f:9: Column 'pos' has 2 values for 1 words",
        ),
        (lambda: Sentence(("a",), {}, "f", (9, 10)), "2 line numbers for 1 words"),
        (lambda: Corpus([Sentence(("a",), {"x": ("y",)}), Sentence(("b",))]), "the first sentence has .'x'."),
        (lambda: Corpus([Sentence(("a",), {"pos": ("y",)})], {"ner": "bio"}), "Unknown column 'ner'"),
        (lambda: Corpus([], {"ner": "boi"}), "Unknown tag scheme 'boi'"),
    ],
)
def test_contradictions_are_refused(make, says):
    with pytest.raises(ValueError, match=says):
        make()
