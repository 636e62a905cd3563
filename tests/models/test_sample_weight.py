"""Weights of sentences and tokens, in the heads' losses and through plain Keras `fit`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from numpy.testing import assert_allclose

from seqlab.constants import IGNORE
from seqlab.errors import DataError, SettingsError
from seqlab.layers.heads.base import Head
from seqlab.layers.heads.crf import CRFHead
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.models.sequence_model import SequenceModel
from tests.oracles.crf import enumerate_batch, path

pytestmark = pytest.mark.usefixtures("eagerly")

RNG = np.random.default_rng(11)
LENGTHS = np.array([5, 3, 0, 2])
MASK = np.arange(5) < LENGTHS[:, None]
MASK[0, 2] = False  # a hole
FEATURES = RNG.normal(size=(4, 5, 6)).astype("float32")
LABELS = np.where(MASK, RNG.integers(0, 3, (4, 5)), IGNORE).astype("int32")
SENTENCES = np.array([0.5, 2.0, 7.0, 0.0], "float32")
TOKENS = np.where(RNG.uniform(size=(4, 5)) < 0.3, 0, RNG.uniform(0.1, 3, (4, 5))).astype("float32")
TOKENS[3] = 0
HEADS = [SoftmaxHead, CRFHead]
REDUCTIONS = ["sum", "tokens", "sentences"]


def made(kind: type[Head], reduction: str) -> Head:
    head = kind(3, reduction=reduction)
    head(FEATURES)
    rng = np.random.default_rng(1)
    head.set_weights([rng.normal(size=w.shape).astype("float32") for w in head.weights])
    return head


def token_costs(scores: np.ndarray) -> np.ndarray:
    """The cross-entropy of each labelled token, (batch, time), in NumPy."""
    logs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    return np.where(MASK, -np.take_along_axis(logs, np.maximum(LABELS, 0)[..., None], -1)[..., 0], 0)


def sentence_costs(head: Head, scores: np.ndarray) -> np.ndarray:
    """The loss of each sentence, (batch,), by enumeration of all paths where the head is a CRF."""
    if isinstance(head, SoftmaxHead):
        return token_costs(scores).sum(1)
    weights = [np.asarray(ops.convert_to_numpy(w), "float64") for w in (head.transitions, head.start, head.end)]
    gold = [path(s, y, m, *weights) for s, y, m in zip(scores, LABELS, MASK, strict=True)]
    return np.array([row.log_z for row in enumerate_batch(scores, MASK, *weights)]) - gold


def scores_of(head: Head) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(head(FEATURES)), "float64")


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("kind", HEADS)
def test_weights_of_sentences_equal_the_formula(kind: type[Head], reduction: str) -> None:
    head = made(kind, reduction)
    scores = scores_of(head)
    total = (SENTENCES * sentence_costs(head, scores)).sum()
    counted = MASK & (SENTENCES > 0)[:, None]
    norm = {
        "sum": 1.0,
        "tokens": (SENTENCES[:, None] * counted).sum(),
        "sentences": (SENTENCES * counted.any(1)).sum(),
    }[reduction]
    assert_allclose(float(head.loss(LABELS, scores, SENTENCES)), total / norm, rtol=1e-5)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_weights_of_tokens_equal_the_formula(reduction: str) -> None:
    head = made(SoftmaxHead, reduction)
    scores = scores_of(head)
    kept = TOKENS * MASK
    means = [row[row > 0].mean() if (row > 0).any() else 0.0 for row in kept]
    norm = {"sum": 1.0, "tokens": kept.sum(), "sentences": sum(means)}[reduction]
    assert_allclose(float(head.loss(LABELS, scores, TOKENS)), (kept * token_costs(scores)).sum() / norm, rtol=1e-5)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("kind", HEADS)
def test_equal_weights_change_a_sum_alone(kind: type[Head], reduction: str) -> None:
    head = made(kind, reduction)
    scores = scores_of(head)
    plain = float(head.loss(LABELS, scores))
    assert_allclose(float(head.loss(LABELS, scores, np.ones(4))), plain, rtol=1e-6)
    # 0.25 in all: a mean over weights that sum to less than 1 is still a mean
    factor = 0.0625 if reduction == "sum" else 1
    assert_allclose(float(head.loss(LABELS, scores, np.full(4, 0.0625))), factor * plain, rtol=1e-6)
    if kind is SoftmaxHead:
        spread = np.repeat(SENTENCES[:, None], 5, axis=1)
        assert_allclose(
            float(head.loss(LABELS, scores, spread)), float(head.loss(LABELS, scores, SENTENCES)), rtol=1e-6
        )


def step(head: Head, labels: np.ndarray, features: np.ndarray, weights: np.ndarray | None) -> tuple[Any, list[Any]]:
    """The loss of one batch, and its gradients: the change of each weight by plain SGD with a rate of 1."""
    inputs = keras.Input((None, 6))
    model = SequenceModel(inputs, head(inputs))
    model.compile(keras.optimizers.SGD(1.0))
    before = model.get_weights()
    loss = model.train_on_batch(features, labels, sample_weight=weights)
    return loss, [old - new for old, new in zip(before, model.get_weights(), strict=True)]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("kind", HEADS)
def test_weight_zero_equals_a_batch_without_that_sentence(kind: type[Head], reduction: str) -> None:
    loss, gradients = step(made(kind, reduction), LABELS[1:], FEATURES[1:], None)
    wild = FEATURES.copy()
    wild[0] *= 1e6  # whatever the sentence holds
    zeroed, others = step(made(kind, reduction), LABELS, wild, np.array([0.0, 1.0, 1.0, 1.0], "float32"))
    assert_allclose(zeroed, loss, rtol=1e-6)
    assert any(np.abs(gradient).max() > 0.01 for gradient in gradients)
    for one, other in zip(others, gradients, strict=True):
        assert_allclose(one, other, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_a_token_of_weight_zero_might_as_well_have_no_label(reduction: str) -> None:
    head = made(SoftmaxHead, reduction)
    scores = scores_of(head)
    weights = np.ones((4, 5), "float32")
    weights[0, 1] = weights[1, 0] = 0
    wanted = float(head.loss(np.where(weights > 0, LABELS, IGNORE), scores))
    assert_allclose(float(head.loss(LABELS, scores, weights)), wanted, rtol=1e-6)
    assert wanted != float(head.loss(LABELS, scores))


@pytest.mark.parametrize("kind", HEADS)
def test_no_weight_at_all_is_no_loss(kind: type[Head]) -> None:
    loss, gradients = step(made(kind, "tokens"), LABELS, FEATURES, np.zeros(4, "float32"))
    assert float(loss) == 0
    assert all(not np.any(gradient) for gradient in gradients)


def model(*heads: Head) -> SequenceModel:
    inputs = keras.Input((None, 6))
    made = SequenceModel(inputs, [head(inputs) for head in heads] if len(heads) > 1 else heads[0](inputs))
    made.compile(keras.optimizers.Adam(0.1))
    return made


@pytest.mark.compiled  # of many steps
@pytest.mark.parametrize("kind", HEADS)
def test_fit_and_evaluate_take_weights(kind: type[Head]) -> None:
    labels = np.where(MASK, 0, IGNORE).astype("int32")
    labels[1] = np.where(MASK[1], 1, IGNORE)
    features = np.ones_like(FEATURES)  # the sentences contradict each other, and only weights say which one counts
    head = kind(3)
    trained = model(head)
    for label, weights in enumerate(np.array([[1, 0.01, 1, 0], [0.01, 1, 1, 0]], "float32")):
        trained.fit(features, labels, sample_weight=weights, batch_size=4, epochs=40, verbose=0)
        assert np.asarray(head.decode(head(features)))[0, 0] == label
    wanted = float(head.loss(labels, head(features), weights))
    assert_allclose(trained.evaluate(features, labels, sample_weight=weights, verbose=0), wanted, rtol=1e-4)


def test_weights_of_several_heads() -> None:
    both = model(SoftmaxHead(3), CRFHead(3))
    heads = list(both.heads().values())
    scores = both.predict(FEATURES, verbose=0)
    for given, used in ((SENTENCES, [SENTENCES] * 2), ([TOKENS, SENTENCES], [TOKENS, SENTENCES])):
        wanted = sum(float(h.loss(LABELS, s, w)) for h, s, w in zip(heads, scores, used, strict=True))
        assert_allclose(both.evaluate(FEATURES, [LABELS] * 2, sample_weight=given, verbose=0), wanted, rtol=1e-4)
    bare = float(both.compute_loss(y=[LABELS] * 2, y_pred=scores, sample_weight=SENTENCES))  # as a data set gives it
    assert_allclose(
        bare, sum(float(h.loss(LABELS, s, SENTENCES)) for h, s in zip(heads, scores, strict=True)), rtol=1e-4
    )


@pytest.mark.parametrize("shape", [(), (3,), (4, 1), (4, 4), (4, 5, 1)])
@pytest.mark.parametrize("kind", HEADS)
def test_other_shapes_are_refused(kind: type[Head], shape: tuple[int, ...]) -> None:
    head = made(kind, "tokens")
    with pytest.raises(DataError, match=r"sample weights of shape \(.*\) for labels of shape \(4, 5\); expected"):
        head.loss(LABELS, head(FEATURES), np.ones(shape, "float32"))


def test_a_crf_takes_no_weights_of_tokens() -> None:
    with pytest.raises(DataError, match=r"one for each token, but CRFHead has one loss .* of shape \(batch,\)"):
        model(CRFHead(3)).fit(FEATURES, LABELS, sample_weight=TOKENS, verbose=0)


def test_class_weight_is_refused() -> None:
    weights = {0: 1.0, 1: 2.0, 2: 3.0}
    for call in (model(SoftmaxHead(3)).fit, model(CRFHead(3)).train_on_batch):
        with pytest.raises(SettingsError, match="class_weight is for samples of one class each.*Pass sample_weight"):
            call(FEATURES, LABELS, class_weight=weights)
    inputs = keras.Input((6,))
    plain = SequenceModel(inputs, keras.layers.Dense(3)(inputs))  # without a head, all is as Keras has it
    plain.compile("sgd", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    plain.fit(FEATURES[:, 0], np.array([0, 1, 2, 0]), class_weight=weights, verbose=0)
