"""From the settings of a run on frames to its data."""

from __future__ import annotations

import json

import numpy as np
from make_synthetic_iam import write as write_iam
from make_synthetic_timit import write as write_timit
from numpy.testing import assert_array_equal

from seqlab.corpora.sequences import FrameCorpus, FrameParts, FrameSequence
from seqlab.frame_settings import FrameDataSettings
from seqlab.training import frame_data
from seqlab.training.frame_data import digest, next_step_corpus, read


def test_piano_rolls_predict_the_next_step(tmp_path):
    pieces = [[[60, 64], [62], []], [[60], [62]]]
    (tmp_path / "rolls.json").write_text(json.dumps({"train": pieces, "valid": pieces[:1], "test": pieces[1:]}))
    parts = read(FrameDataSettings(path=str(tmp_path / "rolls.json"), format="piano_roll"))
    assert [len(part) for part in (parts.train, parts.dev, parts.test)] == [2, 1, 1]
    first = parts.train[0]
    assert parts.train.target == "next" and parts.train.labels[0] == "21" and parts.train.labels[-1] == "108"
    assert [np.flatnonzero(row).tolist() for row in first.frames] == [[39, 43], [41]]
    assert [np.flatnonzero(row).tolist() for row in first.labels] == [[41], []]


def test_each_format_is_read_by_its_reader(tmp_path):
    timit = read(FrameDataSettings(path=str(write_timit(tmp_path / "timit", 1, 1)), format="timit"))
    iam = read(FrameDataSettings(path=str(write_iam(tmp_path / "iam", 1, 1)), format="iam_ondb"))
    assert (timit.train.target, timit.train.width) == ("frames", 39)
    assert (iam.train.target, iam.train.width) == ("transcript", 4)


def test_lenient_reads_phones_beyond_the_audio(tmp_path, caplog):
    folder = write_timit(tmp_path, 1, 1)
    next((folder / "TRAIN").rglob("SI*.PHN")).write_text("0 9999999 aa\n")
    read(FrameDataSettings(path=str(folder), format="timit", lenient=True))
    assert "ends at sample 9999999" in caplog.text


def test_transcripts_that_do_not_fit_are_reported(monkeypatch, caplog):
    rows = [
        FrameSequence(np.zeros((2, 1)), np.array([0, 0]), "short"),
        FrameSequence(np.zeros((3, 1)), np.array([0, 0])),
    ]
    part = FrameCorpus(rows, ["a"], "transcript")
    monkeypatch.setitem(frame_data.READERS, "iam_ondb", lambda _: FrameParts(part, part, part))
    read(FrameDataSettings(path="x", format="iam_ondb"))
    assert caplog.messages == ["short: 2 labels do not fit into 2 frames: it is left out of the loss."]


def test_the_digest_tells_frames_and_labels_apart():
    piece = np.eye(88)[[3, 5, 5, 9]]
    one = next_step_corpus([piece])
    other = next_step_corpus([piece[[0, 1, 2, 1]]])
    same = digest("x", FrameParts(one, one, one))
    assert digest("x", FrameParts(one, one, next_step_corpus([piece.copy()]))) == same
    changed = digest("x", FrameParts(one, other, one))
    assert [key for key in same if same[key] != changed[key]] == ["x (dev)"]
    assert_array_equal(one[0].frames, other[0].frames)
