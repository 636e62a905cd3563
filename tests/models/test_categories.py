"""A tagger that reads more than the words: affixes, and a column of the corpus that must be given at inference too."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest

from seqlab.cli.main import main
from seqlab.corpora.conll import write_conll
from seqlab.corpora.records import Sentence
from seqlab.errors import DataError
from seqlab.inference.load import load
from seqlab.models.tagger import Tagger
from seqlab.text.categories import Category
from tests import tiny

CATEGORIES = (Category("suffix", 2), Category("column", "pos"))


@functools.cache
def reader() -> Tagger:
    """An untrained tagger that reads parts of speech."""
    return tiny.tagger(chars=None, head="softmax", categories=CATEGORIES)


def scores(tagger: Tagger, sentence: Sentence) -> np.ndarray:
    return tagger.predict([sentence])[0]


def test_each_feature_changes_the_scores() -> None:
    sentence = tiny.dev_part()[0]
    words, pos = sentence.words, sentence.columns["pos"]
    before = scores(reader(), sentence)
    other = Sentence(words, {"pos": (*pos[:-1], next(tag for tag in pos if tag != pos[-1]))})
    assert np.abs(scores(reader(), other) - before).max() > 1e-6
    known = reader().vectorizer.categories[CATEGORIES[0]].items
    pair = [Sentence(("qqqq" + ending,), {"pos": ("NOUN",)}) for ending in known[:2]]  # the same for words and casing
    assert np.abs(scores(reader(), pair[0]) - scores(reader(), pair[1])).max() > 1e-6


def test_sentences_that_carry_the_column_are_tagged() -> None:
    sentences = list(tiny.dev_part())
    taggings = reader().tag_all(sentences)
    assert [list(tagging.tags) for tagging in taggings] == reader().tags(tiny.dev_part())
    assert taggings[0].text == " ".join(sentences[0].words)
    assert reader().tag(sentences[0]).tags == taggings[0].tags
    assert reader().tag(Sentence(())).tags == ()


@pytest.mark.parametrize("text", ["Snow fell.", ["Snow", "fell"], Sentence(("Snow", "fell"), {"ner": ("O", "O")})])
def test_without_the_column_it_says_what_to_do(text: str) -> None:
    with pytest.raises(DataError, match=r"the column 'pos'.*tagger\.tag\(Sentence\(words.*--columns word=0 pos=1"):
        reader().tag(text)


def test_it_comes_back_from_its_file_and_tags_column_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reader().save(tmp_path / "model.keras")
    again = load(tmp_path / "model.keras")
    assert again.vectorizer.get_config() == reader().vectorizer.get_config()
    np.testing.assert_allclose(
        scores(again, tiny.dev_part()[0]), scores(reader(), tiny.dev_part()[0]), rtol=1e-4, atol=1e-5
    )
    write_conll(tiny.dev_part(), tmp_path / "dev.conll", ["pos", "word"], separator="\t")
    command = ["tag", str(tmp_path / "model.keras")]
    files = ["--files", str(tmp_path / "dev.conll"), "--separator", "\\t"]
    assert main([*command, *files, "--columns", "word=1", "pos=0"]) == 0
    blocks = capsys.readouterr().out.strip().split("\n\n")
    found = [[line.split("\t")[1] for line in block.splitlines()] for block in blocks]
    assert found == reader().tags(tiny.dev_part())
    for arguments, words in (
        ([*files, "--columns", "word=1"], "reads the column 'pos'"),
        (["Snow fell."], "reads the column 'pos'"),
        (["Snow fell.", "--columns", "word=0"], "--columns is for column files"),
        (files, "--separator is for column files"),
    ):
        assert main([*command, *arguments]) == 1
        assert words in capsys.readouterr().err


def test_an_extended_tagger_reads_the_same() -> None:
    wider = reader().extended(tiny.part("test", 5))
    assert wider.vectorizer.categories == reader().vectorizer.categories
    sentence = tiny.dev_part()[0]
    known = len(reader().labels)
    np.testing.assert_allclose(scores(wider, sentence)[:, :known], scores(reader(), sentence), rtol=1e-4, atol=1e-5)
