"""Gold paths that break constraints, with file and line."""

from __future__ import annotations

import pytest

from seqlab.corpora.breaches import Breach, breaches, listed
from seqlab.corpora.conll import conll
from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import SettingsError
from seqlab.tags.counting import at_most_one
from seqlab.tags.listed import only_listed
from seqlab.tags.rules import require, scheme_constraints

TAGS = ["O", "B-LOC", "I-LOC"]
TEXT = "in O\nNew B-LOC\nYork I-LOC\n\nin O\nYork I-LOC\nand O\nBonn B-LOC\n"


def test_breaches_name_file_line_and_rule(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text(TEXT, encoding="utf-8")
    corpus = conll(path, {"word": 0, "ner": -1}, strict=False)
    rules = (
        scheme_constraints(TAGS, "iob2"),
        at_most_one(TAGS, "iob2", "LOC"),
        only_listed(TAGS, "iob2", "LOC", [["New", "York"], ["York"]]),
    )
    found = list(breaches(corpus, "ner", *rules))
    assert found == [
        Breach(str(path), 6, "column 'ner': 'I-LOC' may not follow 'O'; expected: 'O', 'B-LOC'", 1),
        Breach(str(path), 8, "column 'ner': 'B-LOC' breaks this: at most one span of 'LOC'", 1),
        Breach(str(path), 8, "column 'ner': 'B-LOC' breaks this: spans of 'LOC' only from a list of 2", 1),
    ]
    assert list(breaches(corpus, "ner")) == []


def test_without_a_file_sentence_and_token_are_named():
    corpus = Corpus([Sentence(("a",), {"pos": ("N",)}), Sentence(("a", "b"), {"pos": ("D", "D")})])
    assert list(breaches(corpus, "pos", require(["D", "N"], [("D", "N")]))) == [
        Breach("", None, "sentence 1, token 1: column 'pos': 'D' may not follow 'D'; expected: 'N'", 1),
        Breach("", None, "sentence 1, token 1: column 'pos': 'D' may not be last; expected: 'N'", 1),
    ]


def test_an_unknown_column_is_refused():
    with pytest.raises(SettingsError, match="Unknown column 'pso'.*Did you mean 'pos'"):
        list(breaches(Corpus([Sentence(("a",), {"pos": ("N",)})]), "pso"))


def test_sentences_of_no_corpus_and_the_first_ten_are_listed():
    odd = Sentence(("a", "b"), {"pos": ("D", "D")}, "a.txt", (4, 5))
    found = list(breaches([odd] * 7, "pos", require(["D", "N"], [("D", "N")])))
    lines = listed(found).split("\n")
    assert lines[0] == "14 token(s) in 7 sentence(s):" and len(lines) == 12
    assert lines[1] == "a.txt:5: column 'pos': 'D' may not follow 'D'; expected: 'N'"
    assert lines[-1] == "... and 4 more"
    assert listed(found[:2]).endswith("'D' may not be last; expected: 'N'")
