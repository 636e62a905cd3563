"""IAM-OnDB: which lines stand in which part, what was written, and each fault with its place."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from make_synthetic_iam import write
from numpy.testing import assert_allclose

from seqlab.corpora.iam_ondb import CHARACTERS, STUDY, iam_ondb, read_transcript
from seqlab.corpora.strokes import halved, read_strokes, stroke_features
from seqlab.errors import DataError


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write(tmp_path_factory.mktemp("iam"), forms=3, lines=2)


@pytest.fixture
def copy(written, tmp_path):
    return shutil.copytree(written, tmp_path / "iam")


def test_the_81_characters():
    assert len(CHARACTERS) == len(set(CHARACTERS)) == 81
    assert "".join(CHARACTERS[62:]) == " !\"#&'()*+,-./[]:;?"
    assert STUDY["dev"] == 1438 + 1518


def test_parts(written, caplog):
    parts = iam_ondb(written)
    assert [len(part) for part in (parts.train, parts.dev, parts.test)] == [6, 4, 2]
    assert "the study has {'train': 5355, 'dev': 2956, 'test': 3859}" in caplog.text
    assert (parts.train.labels, parts.train.target, parts.train.width) == (CHARACTERS, "transcript", 4)
    assert [one.name for one in parts.train[:2]] == ["a01-000u-01", "a01-000u-02"]
    first = parts.train[1]
    text = "".join(CHARACTERS[label] for label in first.labels)
    lines = (written / "ascii" / "a01" / "a01-000" / "a01-000u.txt").read_text().split("CSR:")[1].split("\n")
    assert text == [line for line in lines if line][1]
    assert_allclose(first.frames, halved(stroke_features(read_strokes(first.file))).astype(np.float32))
    assert not parts.train.too_short()


def test_the_form_that_is_left_out_needs_no_files(copy):
    assert "a08-551z" in (copy / "trainset.txt").read_text()
    path = copy / "testset_f.txt"
    path.write_text(path.read_text().replace("a01-005w", "a08-551z"))
    with pytest.raises(DataError, match=r"testset_f\.txt name no form"):
        iam_ondb(copy)


def test_lists_may_stand_in_task1(copy):
    (copy / "task1").mkdir()
    for path in copy.glob("*.txt"):
        path.rename(copy / "task1" / path.name)
    assert len(iam_ondb(copy).train) == 6
    (copy / "task1" / "testset_t.txt").unlink()
    with pytest.raises(DataError, match=r"There is no list testset_t\.txt"):
        iam_ondb(copy)


def test_faults_of_a_form(copy):
    transcript = copy / "ascii" / "a01" / "a01-000" / "a01-000u.txt"
    strokes = copy / "lineStrokes" / "a01" / "a01-000"
    (strokes / "a01-000u-02.xml").unlink()
    with pytest.raises(DataError, match=r"a01-000u\.txt: 2 lines stand after 'CSR:', but a01-000u has 1 files"):
        iam_ondb(copy)
    (strokes / "a01-000u-01.xml").unlink()
    with pytest.raises(DataError, match=r"a01-000: There is no file a01-000u-01\.xml"):
        iam_ondb(copy)
    transcript.unlink()
    (strokes / "a01-000u-01.xml").write_text("<a/>")
    with pytest.raises(DataError, match=r"a01-000u\.txt: There is no such file"):
        iam_ondb(copy)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("CSR:\n\nolz\no%l\n", r"form\.txt:4: '%' in 'o%l' is none of the 81 characters"),
        ("OCR:\nolz\n", r"form\.txt: Has no line 'CSR:'"),
        ("OCR:\nolz\n\nCSR:\n\n", r"form\.txt:4: Nothing stands after 'CSR:'"),
    ],
)
def test_faults_of_a_transcript(tmp_path, text, message):
    path = tmp_path / "form.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_transcript(path)


def test_lines_of_a_transcript_keep_their_numbers(tmp_path):
    path = tmp_path / "form.txt"
    path.write_bytes(b'OCR:\r\n\r\nx\r\n\r\nCSR:\r\n\r\nHe is, \r\n\r\nshe "is"\r\n')
    assert read_transcript(path) == [(7, "He is,"), (9, 'she "is"')]


def test_lines_may_be_short(written, tmp_path):
    """Of the made-up corpus; few lengths compile soon."""
    assert max(len(one) for one in iam_ondb(written).train) > 12
    short = iam_ondb(write(tmp_path, forms=1, lines=4, letters=3))
    assert {len(one.labels) for one in (*short.train, *short.dev)} == {3}
