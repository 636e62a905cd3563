from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path

import pytest

from seqlab.corpora.files import BLOCK
from seqlab.corpora.raw import columns_of, format_of, listed_words, raw, words_only
from seqlab.errors import DataError, SettingsError

TEXT = "Snow fell in Troms\u00f8 .\n\n  No \t comment\n"


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_sentence_a_line(tmp_path):
    corpus = raw(write(tmp_path / "a.txt", TEXT))
    assert [sentence.words for sentence in corpus] == [("Snow", "fell", "in", "Troms\u00f8", "."), ("No", "comment")]
    assert [sentence.place(0) for sentence in corpus] == [f"{tmp_path / 'a.txt'}:1", f"{tmp_path / 'a.txt'}:3"]
    assert (corpus.name, corpus.tasks) == ("a.txt", ())
    assert raw(write(tmp_path / "a.gz", gzip.compress(TEXT.encode()))).tokens == 7


def test_blanks_are_spaces_and_tabs_alone(tmp_path):
    """Other characters that Unicode counts as blanks may stand inside a token, as they may in column files."""
    corpus = raw(write(tmp_path / "a.txt", "12\u00a0000 crowns\n"))
    assert corpus[0].words == ("12\u00a0000", "crowns")


def test_a_splitter_gives_sentences_of_its_own(tmp_path):
    corpus = raw(
        write(tmp_path / "a.txt", "one two|three\n|four\n"), split=lambda line: [p.split() for p in line.split("|")]
    )
    assert [sentence.words for sentence in corpus] == [("one", "two"), ("three",), ("four",)]
    assert [sentence.lines[0] for sentence in corpus] == [1, 1, 2]


def test_bytes_of_another_encoding_are_named_with_file_and_line(tmp_path):
    file = write(tmp_path / "latin.txt", "good\nbl\u00e5b\u00e6r\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"latin\.txt:2: Byte 0xe5"):
        raw(file)
    assert raw(file, encoding="latin-1")[1].words == ("bl\u00e5b\u00e6r",)


@pytest.mark.parametrize("text", ["", " \n\t\n"])
def test_an_empty_file_is_named(tmp_path, text):
    with pytest.raises(DataError, match=r"a\.txt: The file is empty"):
        raw(write(tmp_path / "a.txt", text))


def test_text_without_a_word_is_named(tmp_path):
    with pytest.raises(DataError, match=r"a\.txt: No word in the file"):
        raw(write(tmp_path / "a.txt", "- -\n"), split=lambda line: [[]])


def test_words_of_any_format(tmp_path):
    columns = write(tmp_path / "a.conll", "NN Snow B-NP\nVB fell B-VP\n\nUH No O\n")
    assert [s.words for s in words_only(columns, column=1)] == [("Snow", "fell"), ("No",)]
    assert words_only(columns).tasks == ()
    row = "\t".join(["{}", "{}", *["_"] * 8])
    tree = write(tmp_path / "a.conllu", "\n".join([row.format(1, "Snow"), row.format(2, "fell"), "", ""]))
    assert [s.words for s in words_only(tree)] == [("Snow", "fell")]
    assert words_only(tree, "text")[0].words[:2] == ("1", "Snow")
    with pytest.raises(SettingsError, match="Unknown format 'conl'.*Did you mean 'conll'"):
        words_only(tree, "conl")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.conll", "conll"), ("a.conllu.gz", "conllu"), ("a.txt.gz", "text"), ("a", "text"), ("conll.txt", "text")],
)
def test_formats_by_name(name, expected):
    assert format_of(name) == expected


def test_a_list_of_words(tmp_path):
    file = write(tmp_path / "words.txt", "<S>\n</S>\n<UNK>\nthe\n\nTroms\u00f8\n")
    assert listed_words(file) == ["the", "Troms\u00f8"]
    with pytest.raises(DataError, match=r"words\.txt:3: The word 'the' stands in line 1 already"):
        listed_words(write(file, "the\na\nthe\n"))
    with pytest.raises(DataError, match=r"words\.txt:2: Expected one word a line, received 'a 12'"):
        listed_words(write(file, "the\na 12\n"))


def test_columns_that_the_name_makes_a_text_are_refused(tmp_path):
    """The files of CoNLL-2000 are called train.txt: as text, each token would be a sentence."""
    columns = write(tmp_path / "train.txt", "He PRP B-NP\nfell VBD B-VP\n\nNo UH O\n")
    with pytest.raises(
        DataError, match=r"train\.txt: It looks like columns \(3 fields .*--format conll .*--format text"
    ):
        words_only(columns)
    assert [s.words for s in words_only(columns, "text")][0] == ("He", "PRP", "B-NP")
    assert [s.words for s in words_only(columns, "conll")] == [("He", "fell"), ("No",)]
    assert len(words_only(write(tmp_path / "a.txt", TEXT))) == 2


@pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="pipes that have a name")
def test_a_pipe_loses_no_line():
    """Looking for columns takes nothing away from what can be read once; it is more than is read at a time."""
    count = 2 * BLOCK // len(TEXT)
    source, sink = os.pipe()

    def fill():
        with os.fdopen(sink, "wb") as stream:
            stream.write(TEXT.encode() * count)

    threading.Thread(target=fill, daemon=True).start()
    assert len(words_only(f"/dev/fd/{source}")) == 2 * count
    os.close(source)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["a b c"] * 19 + ["", "a b"], 3),  # 95 in 100
        (["a b c"] * 18 + ["", "a b"], None),
        (["a b c"] * 30, None),  # no blocks
        (["a b", "", "c d", "", "e f"], None),  # each line a paragraph
        (["a", "b", "", "c"], None),  # one word a line
        (["1\ta b\tX", "2\tc\tY", "", "# text = a b c", "1\td\tX"], 3),
        (["a b"] * 600 + [""] + ["a b"] * 400 + ["a b c"] * 900, 2),  # the first 1,000 count
    ],
)
def test_what_looks_like_columns(lines, expected):
    assert columns_of(lines) == expected
