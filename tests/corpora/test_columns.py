"""Schemes of columns: detected, asked for, refused."""

from __future__ import annotations

import pytest

from seqlab.corpora.columns import settle_schemes
from seqlab.corpora.records import Sentence
from seqlab.errors import DataError, SettingsError

POS = ("DT", "NN", "VB")


def settle(*tags, choice=None, strict=True):
    columns = {"ner": tags, "pos": POS[: len(tags)]}
    sentence = Sentence(tuple("abc"[: len(tags)]), columns, "f.txt", tuple(range(5, 5 + len(tags))))
    return settle_schemes([sentence], ["ner", "pos"], choice, strict)


def test_detects_column_by_column():
    assert settle("O", "B-X", "E-X") == {"ner": "iobes", "pos": None}


def test_one_name_leaves_plain_labels_plain():
    assert settle("B-X", "I-X", choice="bio") == {"ner": "iob2", "pos": None}


def test_a_name_settles_a_tie():
    assert settle("I-X", "O", choice="ioe1") == {"ner": "ioe1", "pos": None}
    assert settle("O", "O", choice={"ner": "bilou"}) == {"ner": "bilou", "pos": None}


def test_none_by_column_means_plain():
    assert settle("B-X", "I-Y", choice={"ner": None}) == {"ner": None, "pos": None}


def test_labels_without_letters_are_plain():
    assert settle("O", "PER", "PER") == {"ner": None, "pos": None}


def test_ill_formed_tags_are_refused_with_file_and_line():
    with pytest.raises(DataError, match=r"^f.txt:6: Column 'ner': 'I-Y' .*iob2 writes 'B-Y' there. .*strict=False"):
        settle("B-X", "I-Y", "O")
    with pytest.raises(DataError, match=r"^f.txt:7: Column 'ner': '5' is no tag of iob2"):
        settle("B-X", "I-X", "5")
    with pytest.raises(DataError, match="2 tags in the file break the scheme"):
        settle("I-X", "O", "I-X", choice={"ner": "iobes"})


def test_the_wrong_scheme_is_refused_with_the_right_one():
    with pytest.raises(DataError, match="The file is in iob1: pass scheme='iob1'"):
        settle("O", "I-X", choice="iob2")


def test_lenient_keeps_the_nearest():
    assert settle("B-X", "I-Y", "O", strict=False)["ner"] == "iob2"
    assert settle("O", "I-X", choice="iob2", strict=False)["ner"] == "iob2"


def test_unknown_names():
    with pytest.raises(SettingsError, match="unknown column 'nerr'. Did you mean 'ner'"):
        settle("O", choice={"nerr": "bio"})
    with pytest.raises(SettingsError, match="Unknown tag scheme"):
        settle("B-X", choice="bix")
    with pytest.raises(SettingsError, match="Unknown tag scheme"):
        settle("PER", choice="bix")
