"""Column files: every layout, no token lost, every fault named with its line."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.corpora.conll import conll, write_conll
from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError, SettingsError
from seqlab.tags.spans import spans

TEXT = "He PRP B-NP\nran VBD B-VP\n\n. . O\n"


@pytest.fixture
def read(tmp_path):
    def reader(text, columns=None, *, name="f.txt", **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return conll(path, **({"columns": columns} if columns else {}), **options)

    return reader


def test_the_default_columns(read):
    corpus = read(TEXT)
    assert [s.words for s in corpus] == [("He", "ran"), (".",)]
    assert corpus[0].columns == {"chunk": ("B-NP", "B-VP")}
    assert corpus.schemes == {"chunk": "iob2"} and corpus.name == "f.txt"
    assert [s.lines for s in corpus] == [(1, 2), (4,)]
    assert corpus[1].place(0).endswith("f.txt:4")


@pytest.mark.parametrize("columns", [{"pos": 1, "word": 0}, {"word": -3, "pos": -2}, {"pos": -2, "word": 0, "c": 2}])
def test_any_column_map(read, columns):
    corpus = read(TEXT, columns)
    assert corpus[0].words == ("He", "ran") and corpus[0].columns["pos"] == ("PRP", "VBD")
    assert corpus.schemes["pos"] is None


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("\n", "\r\n"),
        "\ufeff" + TEXT,
        TEXT.replace(" ", "\t"),
        TEXT.replace(" ", " \t ").replace("\n", " \n"),
        TEXT.replace("\n\n", "\n\t \n\n\n"),
        "\n\n" + TEXT.removesuffix("\n"),
    ],
)
def test_layouts_read_alike(read, text):
    assert [(s.words, s.columns) for s in read(text)] == [(s.words, s.columns) for s in read(TEXT)]


def test_gzip_and_latin_1(read):
    corpus = read(gzip.compress("café B-X\n".encode("latin-1")), name="f.gz", encoding="latin-1")
    assert corpus[0].words == ("café",)


def test_explicit_separators_keep_blanks_in_values(read):
    corpus = read("New York\tB-LOC\nx\tO\n", {"word": 0, "ner": 1}, separator="\t")
    assert corpus[0].words == ("New York", "x")
    assert read("a,b\n", {"word": 0, "tag": 1}, separator=",")[0].columns == {"tag": ("b",)}


def test_unicode_blanks_belong_to_tokens(read):
    assert read("10\xa0000 B-X\n\u3000 O\n")[0].words == ("10\xa0000", "\u3000")


def test_documents(read):
    corpus = read("-DOCSTART- -X- O\n\na X O\n\nb X O\n-DOCSTART- -X- O\n-DOCSTART-\nc X O\nd X O\n\ne X O\n")
    assert [(s.words, s.document) for s in corpus] == [(("a",), 0), (("b",), 0), (("c", "d"), 1), (("e",), 1)]


@pytest.mark.parametrize(
    "comment", ["# a whole sentence of words", "#", "# id = x", "# sent_id =  y z", "# newdoc id = 4", "#\tx"]
)
def test_comments(read, comment):
    text = f"{comment}\n# a second comment, longer\na A B O\nb A B O\n\n{comment}\n\n{comment}\nc A B O\n"
    assert [s.words for s in read(text)] == [("a", "b"), ("c",)]


@pytest.mark.parametrize("text", ["# # O\n1 CD O\n", "a X O\n\n# # O\nb X O\n", "a X O\n# # O\n", "# X O\n"])
def test_a_number_sign_is_never_lost(read, text):
    assert "#" in read(text).words()


def test_hashtags_are_no_comments(read):
    assert read("#\tO\n#tag\tO\n##\tO\n\n#a\tO\n").words().total() == 4
    assert read("# x\n", {"word": 0, "t": 1}, comments=False)[0].words == ("#",)


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("a X O\nb O\n", {}, r"f.txt:2: 2 column\(s\) in 'b O', but 3 in the file's first token"),
        ("a\tO\nb c\tO\n", {}, r"f.txt:2: 3 column\(s\).*separator='\\t'"),
        ("a X O\n# x\nb X O\n", {}, r"f.txt:2: 2 column\(s\) in '# x'"),
        (
            "a X O\n",
            {"columns": {"word": 0, "ner": 3}},
            r"'ner' is asked for at 3, .* 3 column.*expected -3 to 2",
        ),
        ("a X O\n", {"columns": {"word": 0, "ner": -4}}, "'ner' is asked for at -4"),
        ("a\t\n", {"separator": "\t"}, "f.txt:1: Column 'chunk' is empty"),
        ("", {}, "f.txt: The file is empty"),
        ("-DOCSTART- O\n", {}, "f.txt: No token in the file"),
        ("a B-X\nb I-Y\n", {}, "f.txt:2: Column 'chunk': 'I-Y' .after 'B-X', last.: iob2 writes 'B-Y' there"),
    ],
)
def test_faults_are_named(read, text, options, says):
    with pytest.raises(DataError, match=says):
        read(text, **options)


def test_contradictory_arguments(read):
    with pytest.raises(SettingsError, match="place of 'word'"):
        read(TEXT, {"pos": 1})
    with pytest.raises(SettingsError, match="separator is empty"):
        read(TEXT, separator="")


def test_lenient_reading_keeps_the_tags(read):
    corpus = read("a B-X\nb I-Y\n", strict=False)
    assert corpus[0].columns["chunk"] == ("B-X", "I-Y") and corpus.schemes["chunk"] == "iob2"


def test_a_long_token_and_odd_characters(read):
    words = ("x" * 10_000, "👩‍👩‍👧", "e\u0301", "\u200b", '"')
    assert read("".join(f"{word} O\n" for word in words))[0].words == words


VALUE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=" \t\r\n"), min_size=1, max_size=4)
ROWS = st.lists(st.tuples(st.sampled_from(["#", "##", "a", "-"]) | VALUE, VALUE, VALUE), min_size=1, max_size=4)


@given(sentences=st.lists(st.tuples(ROWS, st.integers(0, 2)), min_size=1, max_size=4), tab=st.booleans())
def test_what_is_written_is_read(tmp_path_factory, sentences, tab):
    sentences = sorted(sentences, key=lambda pair: pair[1])
    corpus = []
    for rows, document in sentences:
        words, a, b = zip(*rows, strict=True)
        corpus.append(Sentence(words, {"a": a, "b": b}, document=document))
    path = tmp_path_factory.mktemp("round") / "f.txt"
    write_conll(corpus, path, separator="\t" if tab else " ")
    if corpus[0].words[0].startswith("\ufeff"):
        return  # a mark at the very start of a file belongs to the encoding
    back = conll(path, {"word": 0, "a": 1, "b": 2}, scheme={"a": None, "b": None})
    assert [(s.words, s.columns) for s in back] == [(s.words, s.columns) for s in corpus]
    assert len({s.document for s in back}) == len({s.document for s in corpus})


def test_written_columns_in_order_and_compressed(read, tmp_path):
    corpus = read(TEXT, {"word": 0, "pos": 1, "chunk": 2})
    write_conll(corpus, tmp_path / "g.gz", columns=["chunk", "word"])
    assert gzip.decompress((tmp_path / "g.gz").read_bytes()) == b"B-NP He\nB-VP ran\n\nO .\n\n"


@pytest.mark.parametrize(
    ("sentence", "columns", "says"),
    [
        (Sentence(("New York",), {"a": ("X",)}), None, "holds a separator"),
        (Sentence(("a\nb",), {"a": ("X",)}), None, "holds a separator"),
        (Sentence(("",), {"a": ("X",)}), None, "is empty"),
        (Sentence(("-DOCSTART-",), {"a": ("X",)}), None, "not be read as a token"),
        (Sentence(("#",), {"a": ("x",), "b": ("=",), "c": ("O",)}), None, "not be read as a token"),
        (Sentence((), {"a": ()}), None, "empty sentence"),
        (Sentence(("b",), {"pos": ("X",)}), ["word", "poss"], "Unknown column 'poss'.*Did you mean 'pos'"),
    ],
)
def test_what_could_not_be_read_back_is_not_written(tmp_path, sentence, columns, says):
    path = tmp_path / "f.txt"
    path.write_text("old")
    with pytest.raises(DataError, match=says):
        write_conll(Corpus([sentence]), path, columns)
    assert path.read_text() == "old"


@pytest.mark.corpus
@pytest.mark.parametrize(
    ("file", "separator", "counts", "types"),
    [
        ("conll2000/train.txt", None, (8936, 211727, 106978), 11),
        ("conll2000/test.txt", None, (2012, 47377, 23852), 10),
        ("wnut17/wnut17train.conll", "\t", (3394, 62730, 1975), 6),
        ("wnut17/emerging.dev.conll", "\t", (1009, 15733, 836), 6),
        ("wnut17/emerging.test.annotated", "\t", (1287, 23394, 1079), 6),
    ],
)
def test_published_counts(real_data, file, separator, counts, types):
    corpus = conll(real_data / file, separator=separator)
    found = [span for tags in corpus.column("chunk") for span in spans(tags, "iob2")]
    assert (len(corpus), corpus.tokens, len(found)) == counts
    assert len({span.type for span in found}) == types
    assert corpus.schemes == {"chunk": "iob2"}


@pytest.mark.corpus
@pytest.mark.parametrize("name", ["iob1", "ioe1", "ioe2", "iobes", "bilou", "bmes"])
def test_a_whole_corpus_there_and_back(real_data, name):
    corpus = conll(real_data / "conll2000" / "test.txt")
    there = corpus.converted("chunk", name)
    assert there.column("chunk") != corpus.column("chunk")
    assert there.converted("chunk", "iob2").column("chunk") == corpus.column("chunk")
