"""CoNLL-U: ranges, empty nodes, comments, MISC and faults."""

from __future__ import annotations

import pytest

from seqlab.corpora.conllu import conllu
from seqlab.errors import DataError, SettingsError


def row(node, form, upos="X", feats="_", misc="_"):
    return f"{node}\t{form}\t{form.lower()}\t{upos}\t_\t{feats}\t0\troot\t_\t{misc}\n"


SENTENCE = (
    "# sent_id = s-1\n"
    + row("0.1", "Pst")
    + row("1-2", "Vámonos", "_", misc="SpaceAfter=No")
    + row("1", "Vamos", "VERB", "Mood=Imp|Number=Plur", "SpaceAfter=No|NE=B-X")
    + row("2", "nos", "PRON", "Number=Plur")
    + row("2.1", "ya")
    + row("2.2", "ya")
    + row("3", "!", "PUNCT")
)


@pytest.fixture
def read(tmp_path):
    def reader(text, tasks=None, **options):
        path = tmp_path / "f.conllu"
        path.write_text(text, encoding="utf-8", newline="")
        return conllu(path, **({"tasks": tasks} if tasks else {}), **options)

    return reader


def test_words_without_ranges_and_empty_nodes(read):
    sentence = read(SENTENCE)[0]
    assert sentence.words == ("Vamos", "nos", "!")
    assert sentence.columns == {"pos": ("VERB", "PRON", "PUNCT")}
    assert sentence.lines == (4, 5, 8)
    assert (sentence.id, sentence.text) == ("s-1", "Vámonos!")


def test_text_comment_wins_over_rebuilding(read):
    assert read("# text = Vámonos  !\n" + SENTENCE)[0].text == "Vámonos  !"
    assert read(row(1, "a") + row(2, "#"))[0].text == "a #"


def test_all_columns_and_single_keys(read):
    tasks = {
        "lemma": "lemma",
        "number": "feats:Number",
        "ner": "misc:NE",
        "head": "head",
        "rel": "deprel",
        "x": "xpos",
    }
    sentence = read(SENTENCE, tasks)[0]
    assert sentence.columns["lemma"] == ("vamos", "nos", "!")
    assert sentence.columns["number"] == ("Plur", "Plur", "_")
    assert sentence.columns["ner"] == ("B-X", "_", "_")
    assert set(sentence.columns) == set(tasks)


def test_span_tags_in_misc_get_their_scheme(read):
    text = row(1, "a", misc="NE=B-X") + row(2, "b", misc="NE=I-X") + row(3, "c", misc="NE=O")
    assert read(text, {"ner": "misc:NE", "pos": "upos"}).schemes == {"ner": "iob2", "pos": None}
    with pytest.raises(DataError, match="f.conllu:2: .*iobes writes 'E-X'"):
        read(text, {"ner": "misc:NE"}, scheme={"ner": "iobes"})
    assert read(text, {"ner": "misc:NE"}, scheme="iobes", strict=False).schemes == {"ner": "iobes"}


def test_documents_blanks_and_windows(read):
    text = "# newdoc id = a\n" + row(1, "x") + "\n\n# newdoc\n" + row(1, "New York") + "\n# nothing\n\n" + row(1, "z")
    for content in (text, text.replace("\n", "\r\n"), "\ufeff" + text):
        corpus = read(content)
        assert [(s.words[0], s.document) for s in corpus] == [("x", 0), ("New York", 1), ("z", 1)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (row(1, "a") + row(3, "b"), "f.conllu:2: ID '3'; expected '2' here"),
        (row(2, "a"), "f.conllu:1: ID '2'; expected '1' here"),
        (row("x", "a"), "f.conllu:1: ID 'x'; expected 3, a range 3-4 or an empty node"),
        (row("2-3", "a") + row(1, "a"), "ID '2-3'; expected '1-3' here"),
        (row("1-1", "a") + row(1, "a"), "ID '1-1'; expected '1-2' here"),
        (
            row("1-3", "abc") + row(1, "a") + row(2, "b"),
            "f.conllu:1: The range ends at 3, but the sentence at 2",
        ),
        (
            row("1-2", "ab") + row(1, "a") + row("2-3", "bc") + row(2, "b") + row(3, "c"),
            "f.conllu:3: .*overlaps",
        ),
        (row(1, "a") + row("1.2", "b"), "ID '1.2'; expected '1.1' here"),
        (row("0.1", "a"), "f.conllu:1: A sentence without words"),
        ("# text = a\n1\ta\n", r"f.conllu:2: 2 column\(s\); CoNLL-U has 10"),
        (row(1, "a").replace("\t", " "), "between tabs. Are the tabs blanks here"),
        (row(1, ""), "Column FORM is empty"),
        (row(1, "a") + "# late\n", r"f.conllu:2: 1 column"),
        ("# text = a\n", "No word in the file"),
    ],
)
def test_faults_are_named(read, text, says):
    with pytest.raises(DataError, match=says):
        read(text)


@pytest.mark.parametrize(
    ("tasks", "says"),
    [
        ({"pos": "upso"}, "asks for 'upso'; known: .*Did you mean 'upos'"),
        ({"pos": "upos:Key"}, "asks for 'upos:Key'"),
        ({"pos": "misc:"}, "asks for 'misc:'"),
        ({"word": "upos"}, "cannot be called 'word'"),
    ],
)
def test_unknown_sources(read, tasks, says):
    with pytest.raises(SettingsError, match=says):
        read(SENTENCE, tasks)


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("part", "counts"), [("train", (12543, 204586)), ("dev", (2002, 25148)), ("test", (2077, 25096))]
)
def test_published_counts(real_data, part, counts):
    corpus = conllu(real_data / "ud_en_1.3" / f"en-ud-{part}.conllu")
    assert (len(corpus), corpus.tokens) == counts
    assert len(corpus.labels("pos")) == 17
    assert corpus.schemes == {"pos": None}


@pytest.mark.corpus
def test_real_text_is_rebuilt(real_data):
    corpus = conllu(real_data / "ud_en_1.3" / "en-ud-test.conllu")
    assert corpus[0].text == "What if Google Morphed Into GoogleOS?"
