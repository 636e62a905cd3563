"""A model of sequences of vectors: graph, training, what it says, its file."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops
from numpy.testing import assert_allclose

from seqlab.batches.frames import FrameBatches
from seqlab.corpora.sequences import FrameCorpus, FrameSequence
from seqlab.errors import DataError, SettingsError
from seqlab.evaluation.sequences import frame_error, label_error_rate, next_step_nll
from seqlab.inference.load import load
from seqlab.layers.bidirectional import Bidirectional
from seqlab.layers.cells.gru import SRNCell
from seqlab.layers.heads.crf import CRFHead
from seqlab.layers.recurrent import Recurrent
from seqlab.models.frames import HEADS, MEASURES, FrameModel

NAMES = ("a", "b", "c")
LENGTHS = (6, 4, 6, 6, 4, 6)


def corpus(target="frames", lengths=LENGTHS):
    """Two channels, the first of which says the label."""
    random, rows = np.random.default_rng(1), []
    for time in lengths:
        said = random.integers(0, 3, time)
        frames = np.stack([100 + 10.0 * said, random.normal(size=time)], axis=1).astype("float32")
        labels = {"frames": said, "next": (said[:, None] == np.arange(3)).astype(int), "transcript": said[::3]}[target]
        rows.append(FrameSequence(frames, labels))
    return FrameCorpus(rows, NAMES, target)


def model(target="frames", **options):
    encoder = Bidirectional(Recurrent(SRNCell(5), return_sequences=True))
    return FrameModel(2, NAMES, encoder, HEADS[target](3, reduction="sum"), **options)


def scores_by_hand(made, sequence):
    x = sequence.frames[None]
    mean, scale = (np.array(weight) for weight in made.standardizer.get_weights())
    mask = np.ones(x.shape[:2], bool)
    x = made.encoder(((x - mean) * scale).astype("float32"), mask=ops.convert_to_tensor(mask))
    return np.array(ops.convert_to_numpy(made.head(x)))[0]


@pytest.mark.parametrize("target", HEADS)
def test_scores_and_labels_are_those_of_each_sequence_alone(target):
    data = corpus(target)
    made = model(target)
    assert made.target == target and made.measure == MEASURES[target]
    assert made.adapt(data) == []
    scores = made.scores(data)
    for found, sequence in zip(scores, data, strict=True):
        assert_allclose(found, scores_by_hand(made, sequence), rtol=1e-4, atol=1e-4)
    labels = made.label(data)
    gold = [one.labels for one in data]
    if target == "next":
        assert labels == [[[NAMES[k] for k in range(3) if row[k] >= 0] for row in one] for one in scores]
        assert made.score(data) == pytest.approx(next_step_nll(gold, scores))
    if target == "frames":
        assert labels == [[NAMES[k] for k in one.argmax(-1)] for one in scores]
        assert made.score(data) == frame_error(gold, [one.argmax(-1) for one in scores])
    if target == "transcript":
        paths = [one.argmax(-1) for one in scores]
        kept = [[k for k, old in zip(path, [3, *path], strict=False) if k not in (old, 3)] for path in paths]
        assert labels == [[NAMES[k] for k in one] for one in kept]
        assert made.score(data) == label_error_rate(gold, [np.array(one) for one in kept])


def test_it_learns_and_comes_back_from_its_file(tmp_path):
    data = corpus()
    made = model(noise=0.1)
    made.adapt(data)
    made.compile(keras.optimizers.SGD(0.05, 0.5))
    assert made.score(data) > 0.3
    history = made.fit(data, validation_data=data, epochs=5, verbose=0).history
    assert len(history["val_error"]) == 5 and history["val_error"][-1] == made.score(data) < 0.1
    made.save(tmp_path / "model.keras")
    again = load(tmp_path / "model.keras")
    assert isinstance(again, FrameModel) and again.noise == 0.1 and again.names == NAMES
    arrays = [one.frames for one in data]
    assert again.label(arrays) == made.label(data)
    for found, expected in zip(again.scores(data), made.scores(data), strict=True):
        assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_noise_is_for_training_alone():
    data, plain = corpus(), model()
    plain.adapt(data)
    noisy = FrameModel.from_config({**plain.get_config(), "noise": 1.0})
    noisy.set_weights(plain.get_weights())
    inputs, _ = FrameBatches(data, 2)[0]
    assert_allclose(noisy(inputs), plain(inputs), rtol=1e-5)
    assert not np.allclose(noisy(inputs, training=True), plain(inputs, training=True))


def test_standardisation_is_an_option():
    bare = model(standardize=False)
    assert bare.standardizer is None and bare.adapt(corpus()) == []
    assert len(model().weights) == len(bare.weights) + 2


def test_an_update_follows_the_sum_over_the_steps_of_one_sequence():
    data, made = corpus(lengths=[4]), model()
    made.adapt(data)
    made.compile(keras.optimizers.SGD(0.0))
    loss = made.fit(data, epochs=1, verbose=0).history["loss"][0]
    x = scores_by_hand(made, data[0])
    logs = x - np.log(np.exp(x).sum(-1, keepdims=True))
    assert loss == pytest.approx(-logs[np.arange(4), data[0].labels].sum(), rel=1e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda encoder: FrameModel(2, NAMES, encoder, CRFHead(3)), "received CRFHead with 3 tags"),
        (lambda encoder: FrameModel(2, "ab", encoder, HEADS["next"](3)), "a tag for each of 2 labels"),
        (lambda encoder: FrameModel(2, NAMES, encoder, HEADS["next"](3), noise=2), "from 0 to 1; received 2"),
        (lambda encoder: FrameModel(0, NAMES, encoder, HEADS["next"](3)), "`width` must be a whole number"),
    ],
)
def test_wrong_parts(make, message):
    with pytest.raises(SettingsError, match=message):
        make(Recurrent(SRNCell(2), return_sequences=True))


def test_data_of_another_kind_is_refused():
    made = model()
    made.compile("sgd")
    with pytest.raises(DataError, match="labels of the kind 'next'; the model learns 3 of the kind 'frames'"):
        made.fit(corpus("next"))
    with pytest.raises(DataError, match="labels of the kind 'next'"):
        made.fit(FrameBatches(corpus("next")))
    with pytest.raises(DataError, match="labels of the kind 'transcript'"):
        made.score(corpus("transcript"))
    with pytest.raises(DataError, match="frames of 5 channels; the model reads 2"):
        made.label([np.zeros((3, 5))])
