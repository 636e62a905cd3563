"""Batches of sequences of vectors."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from seqlab.batches.frames import FrameBatches
from seqlab.corpora.sequences import FrameCorpus, FrameSequence
from seqlab.errors import SettingsError

LENGTHS = [3, 9, 4, 9, 1, 5, 8, 3, 9, 10]


def corpus(target="frames", lengths=LENGTHS):
    random = np.random.default_rng(0)
    rows = []
    for number, time in enumerate(lengths, 1):
        labels = {
            "frames": random.integers(-1, 3, time),
            "next": random.integers(0, 2, (time, 3)),
            "transcript": random.integers(0, 3, 1 + time // 3),
        }[target]
        rows.append(FrameSequence(np.full((time, 2), number, np.float32), labels))
    return FrameCorpus(rows, ["a", "b", "c"], target)


def order(batches):
    """Numbers of the sequences, batch by batch, as the frames tell them."""
    return [[int(row[0, 0]) for row in batches[k][0]["frames"]] for k in range(len(batches))]


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("target", ["frames", "next", "transcript"])
def test_every_sequence_comes_once_and_whole(size, target):
    data = corpus(target)
    batches = FrameBatches(data, size, shuffle=True, seed=3)
    assert sorted(sum(order(batches), [])) == list(range(1, 11))
    for k in range(len(batches)):
        inputs, labels = batches[k]
        assert inputs["frames"].dtype == np.float32 and inputs["mask"].dtype == bool and labels.dtype == np.int32
        assert len(labels) <= size
        for row, (frames, mask) in enumerate(zip(inputs["frames"], inputs["mask"], strict=True)):
            one = data[int(frames[0, 0]) - 1]
            assert_array_equal(mask, np.arange(len(mask)) < len(one))
            assert_array_equal(frames[mask], one.frames)
            assert not frames[~mask].any()
            assert_array_equal(labels[row, : len(one.labels)], one.labels)
            assert (labels[row, len(one.labels) :] == -1).all()


def test_the_order_depends_on_seed_and_epoch_alone():
    def orders(seed, start=0, shuffle=True):
        batches = FrameBatches(corpus(), 2, shuffle=shuffle, seed=seed)
        batches.start_epoch(start)
        found = [order(batches)]
        batches.on_epoch_end()
        return [*found, order(batches)]

    first = orders(1)
    assert first == orders(1) and first[0] != first[1]
    assert orders(1, start=1)[0] == first[1]
    assert orders(2) != first
    assert orders(1, shuffle=False) == [orders(2, shuffle=False)[0]] * 2


def test_few_shapes_and_little_padding():
    lengths = np.random.default_rng(1).integers(20, 200, 150).tolist()
    batches = FrameBatches(corpus("transcript", lengths), 1, shuffle=True, padding=0.08)
    inputs, labels = zip(*(batches[k] for k in range(2, len(batches))), strict=True)
    assert len({(one["mask"].shape, some.shape) for one, some in zip(inputs, labels, strict=True)}) < 15
    masks = np.concatenate([one["mask"].ravel() for one in inputs])
    assert 0.9 <= masks.mean() < 1


def test_dimensions_that_vary_do_so_in_the_first_two_batches():
    """Keras on TensorFlow fixes what the first two batches have in common."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("TensorFlow alone fixes shapes")
    batches = FrameBatches(corpus("transcript", [9] * 5 + [3]), 2)
    (one, first), (other, second) = batches[0], batches[1]
    assert one["frames"].shape[:2] != other["frames"].shape[:2] and first.shape[1] != second.shape[1]
    assert len({len(batches[k][1]) for k in (0, 1)}) == 2


def test_bad_size():
    with pytest.raises(SettingsError, match="`batch_size` must be a whole number of at least 1"):
        FrameBatches(corpus(), 0)
