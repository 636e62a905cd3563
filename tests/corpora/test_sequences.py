"""Sequences of vectors: what a corpus is asked, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from seqlab.corpora.sequences import FrameCorpus, FrameSequence
from seqlab.errors import DataError, SettingsError

RANDOM = np.random.default_rng(0)


def sequence(time=4, labels=None, width=3, name="one"):
    frames = RANDOM.normal(5, 2, (time, width)).astype(np.float32)
    return FrameSequence(frames, np.zeros(time, int) if labels is None else np.array(labels), name, "file.x")


def test_what_it_tells():
    corpus = FrameCorpus([sequence(4), sequence(2)], ["a", "b"], "frames")
    assert (len(corpus), corpus.frames, corpus.width, corpus.lengths.tolist()) == (2, 6, 3, [4, 2])
    assert [len(one) for one in corpus] == [4, 2] and corpus[-1] is corpus.sequences[1]
    part = corpus[1:]
    assert isinstance(part, FrameCorpus) and len(part) == 1 and part.labels == ("a", "b")


def test_moments_are_those_of_all_frames():
    corpus = FrameCorpus([sequence(4), sequence(7), sequence(1)], ["a"], "frames")
    joined = np.concatenate([one.frames for one in corpus]).astype(np.float64)
    mean, variance = corpus.moments()
    assert_allclose(mean, joined.mean(axis=0))
    assert_allclose(variance, joined.var(axis=0))


def test_transcripts_that_do_not_fit():
    rows = [sequence(3, [0, 1, 0]), sequence(3, [0, 0, 1], name="two"), sequence(2, [0, 1, 0], name="three")]
    assert [one.name for one in FrameCorpus(rows, ["a", "b"], "transcript").too_short()] == ["two", "three"]
    assert FrameCorpus(rows[:2], ["a", "b"], "frames").too_short() == []


@pytest.mark.parametrize(
    ("row", "target", "message"),
    [
        (sequence(4, width=2), "frames", "2 channels, the first sequence has 3"),
        (FrameSequence(np.zeros((0, 3)), np.zeros(0, int)), "frames", "expected frames .time, width., at least one"),
        (FrameSequence(np.zeros(3), np.zeros(3, int)), "frames", r"the shape \(3,\)"),
        (FrameSequence(np.array([[1, 2, np.nan]]), np.zeros(1, int)), "frames", "frame 0 holds nan in channel 2"),
        (sequence(4, [0, 0, 1]), "frames", r"labels of shape \(3,\) for 4 frames; expected a label for each frame"),
        (sequence(4, [0, 0, 1, 2]), "frames", "whole numbers from -1 to 1; received 0 to 2"),
        (sequence(4, [0.0, 0, 1, 1]), "frames", "whole numbers"),
        (sequence(4, [[0, 1]] * 3), "next", r"labels of shape \(3, 2\) for 4 frames; expected yes or no"),
        (sequence(4, [[0, 2]] * 4), "next", "from -1 to 1; received 0 to 2"),
        (sequence(4, [0, -1]), "transcript", "from 0 to 1; received -1 to 0"),
        (sequence(4, []), "transcript", "expected a sequence of labels"),
    ],
)
def test_what_is_refused(row, target, message):
    first = {"frames": sequence(2), "next": sequence(2, [[0, 1]] * 2), "transcript": sequence(2, [1])}[target]
    with pytest.raises(DataError, match=message):
        FrameCorpus([first, row], ["a", "b"], target)


def test_errors_name_the_sequence_and_its_file():
    with pytest.raises(DataError, match=r"^file\.x: Sequence one: labels of shape"):
        FrameCorpus([sequence(4, [1])], ["a"], "frames")
    with pytest.raises(DataError, match="Expected at least one sequence"):
        FrameCorpus([], ["a"], "frames")
    with pytest.raises(SettingsError, match="received 'frame'. Did you mean 'frames'"):
        FrameCorpus([sequence()], ["a"], "frame")
