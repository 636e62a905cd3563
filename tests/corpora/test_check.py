"""The report on a corpus: figures counted by hand, and its text."""

from __future__ import annotations

from collections import Counter

import pytest

from seqlab.corpora.check import Violation, check
from seqlab.corpora.conll import conll
from seqlab.corpora.records import Corpus
from seqlab.errors import DataError

TRAIN = "-DOCSTART- O\n\na B-X\nb I-X\nc O\n\na B-X\nb I-X\nc O\n\nd B-Y\n-DOCSTART- O\n\ne O\nf O\n"
DEV = "a B-X\nb I-X\nc O\n\ng B-Z\ng I-Z\na I-Y\n"


@pytest.fixture
def report(tmp_path):
    paths = [tmp_path / name for name in ("train.txt", "dev.txt")]
    for path, text in zip(paths, (TRAIN, DEV), strict=True):
        path.write_text(text)
    return check(*(conll(path, {"word": 0, "ner": 1}, strict=False) for path in paths))


def test_counts(report):
    train, dev = report.files
    assert (train.sentences, train.tokens, train.documents, train.duplicates) == (4, 9, 2, 1)
    assert (dev.sentences, dev.tokens, dev.documents, dev.duplicates) == (2, 6, 1, 0)
    assert train.schemes == {"ner": "iob2"} and train.lengths == (1, 2, 3, 3)
    assert train.labels["ner"] == Counter({"O": 4, "B-X": 2, "I-X": 2, "B-Y": 1})
    assert train.types["ner"] == Counter({"X": 2, "Y": 1})
    assert dev.types["ner"] == Counter({"X": 1, "Z": 1, "Y": 1})


def test_violations_stand_where_they_are(report):
    train, dev = report.files
    assert train.violations == () and report.bad
    (violation,) = dev.violations
    assert isinstance(violation, Violation) and violation.place.endswith("dev.txt:7")
    assert violation.problem == "'I-Y' (after 'I-Z', last): iob2 writes 'B-Y' there"


def test_overlap(report):
    (overlap,) = report.overlaps
    assert (overlap.seen_sentences, overlap.unseen_tokens, overlap.unseen_words) == (1, 2, 1)
    assert overlap.unseen_labels == {"ner": Counter({"B-Z": 1, "I-Z": 1, "I-Y": 1})}
    assert overlap.foreign_schemes == {}


def test_text_says_it_all(report):
    lines = report.text().splitlines()
    for line in (
        "train.txt",
        "  4 sentences, 9 tokens, 2 document(s)",
        "  sentence length: min 1, median 3, 90 % up to 3, max 3 tokens",
        "  sentences that repeat an earlier one: 1 of 4 (25.0%)",
        "  column ner: scheme iob2, 0 violation(s), 4 labels",
        "      O           4  44.44%",
        "dev.txt compared with train.txt",
        "  sentences that occur there too: 1 of 2 (50.0%)",
        "  tokens whose word does not occur there: 2 of 6 (33.3%), 1 different",
        "  column ner: 3 label(s) that do not occur there, on 3 of 6 (50.0%) tokens",
    ):
        assert line in lines, line
    assert any(line.endswith("dev.txt:7: 'I-Y' (after 'I-Z', last): iob2 writes 'B-Y' there") for line in lines)


def test_other_schemes_and_foreign_tags_are_told(tmp_path):
    for name, text in (("a", "a B-X\nb I-X\nc O\n"), ("b", "a B-X\nb E-X\nc NN\n")):
        (tmp_path / name).write_text(text)
    report = check(*(conll(tmp_path / name, strict=False) for name in "ab"))
    assert report.files[1].schemes == {"chunk": "iobes"}
    assert report.files[1].types == {"chunk": Counter({"X": 1})}
    assert [v.problem[:22] for v in report.files[1].violations] == ["'NN' is no tag of iobe"]
    assert "  column chunk: iobes here, but iob2 there" in report.text()
    assert report.bad and not check(conll(tmp_path / "a"), conll(tmp_path / "a")).bad


def test_long_lists_are_cut_in_the_text_alone(tmp_path):
    path = tmp_path / "f.txt"
    path.write_text("".join(f"w{i} I-T{i}\n\n" for i in range(100)))
    report = check(conll(path, {"word": 0, "ner": 1}, scheme="iob2", strict=False))
    assert len(report.files[0].violations) == 100
    assert "    ... and 80 more" in report.text() and "      ... and 40 more" in report.text()


def test_an_empty_corpus_is_refused():
    with pytest.raises(DataError, match="'dev' has no sentences"):
        check(Corpus([], name="dev"))


@pytest.mark.corpus
def test_a_real_corpus(real_data):
    train, test = (conll(real_data / "conll2000" / f"{part}.txt", strict=False) for part in ("train", "test"))
    report = check(train, test)
    assert not report.bad
    assert report.files[0].types["chunk"].total() == 106978
    assert report.overlaps[0].unseen_labels == {"chunk": Counter({"I-LST": 2})}
    assert 0.06 < report.overlaps[0].unseen_tokens / test.tokens < 0.08
