"""What a student learns of a teacher, against NumPy and a list of all taggings."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from numpy.testing import assert_allclose

from seqlab.errors import DataError, SettingsError
from seqlab.layers.attention import AttentionEncoder, SelfAttention
from seqlab.layers.heads.crf import CRFHead
from seqlab.layers.heads.softmax import SoftmaxHead
from seqlab.layers.stack import RecurrentStack
from seqlab.models.distillation import Distillation, first_difference, taught_loss
from seqlab.models.tagger import Tagger
from tests import tiny
from tests.oracles.crf import all_paths

pytestmark = pytest.mark.usefixtures("eagerly")

RNG = np.random.default_rng(5)
SCORES = RNG.normal(size=(3, 4, 3)).astype("float32")
MASK = np.array([[True] * 4, [True, True, False, False], [True, False, True, False]])
TAUGHT = np.where(MASK[..., None], RNG.dirichlet(np.ones(3), size=(3, 4)), 0).astype("float32")
MOVES = [RNG.normal(size=size).astype("float32") for size in ((3, 3), (3,), (3,))]
COUNTS = {"tokens": 8, "sentences": 3, "sum": 1}


def made(kind: type, **options: Any) -> Any:
    head = kind(3, **options)
    head(np.zeros((1, 2, 3), "float32"))
    if kind is CRFHead:
        for weight, value in zip(head.moves(), MOVES, strict=True):
            weight.assign(value)
    return head


def of_all_paths(temperature: float) -> float:
    """The cross-entropy of marginals that are sums over all paths."""
    total = 0.0
    for scores, mask, taught in zip(SCORES, MASK, TAUGHT, strict=True):
        rows = np.float64(scores[mask]) / temperature
        found = all_paths(rows, np.ones(len(rows), bool), *(np.float64(part) / temperature for part in MOVES))
        shares = np.exp(found.scores - found.scores.max())
        shares /= shares.sum()
        for t, row in enumerate(taught[mask]):
            marginal = [shares[found.labels[:, t] == label].sum() for label in range(3)]
            total -= float(row @ np.log(marginal))
    return total


@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("reduction", COUNTS)
def test_softmax_by_numpy(reduction: str, temperature: float) -> None:
    tempered = np.float64(SCORES) / temperature
    logs = tempered - np.log(np.exp(tempered).sum(-1, keepdims=True))
    found = taught_loss(made(SoftmaxHead, reduction=reduction), TAUGHT, SCORES, temperature)
    assert_allclose(float(found), -(TAUGHT * logs).sum() / COUNTS[reduction], rtol=1e-5)


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_crf_by_all_paths(temperature: float) -> None:
    found = taught_loss(made(CRFHead), TAUGHT, SCORES, temperature)
    assert_allclose(float(found), of_all_paths(temperature) / 8, rtol=1e-5)


def test_padding_changes_nothing() -> None:
    wide = [np.pad(part, [(0, 0), (0, 3), (0, 0)], constant_values=fill) for part, fill in ((TAUGHT, 0), (SCORES, 7))]
    for kind in (SoftmaxHead, CRFHead):
        head = made(kind)
        assert_allclose(float(taught_loss(head, *wide)), float(taught_loss(head, TAUGHT, SCORES)), rtol=1e-5)
    assert float(taught_loss(made(CRFHead), 0 * TAUGHT, SCORES)) == 0


def test_taught_and_gold_are_mixed() -> None:
    distillation = Distillation(tiny.trained(), weight=0.3, temperature=2.0)
    head = made(SoftmaxHead)
    wanted = 0.7 * 5 + 0.3 * 4 * float(taught_loss(head, TAUGHT, SCORES, 2.0))
    assert_allclose(float(distillation.mixed(ops.convert_to_tensor(5.0), head, TAUGHT, SCORES)), wanted, rtol=1e-5)


@pytest.fixture(scope="module")
def students() -> dict[str, Tagger]:
    """Smaller than the teacher, one of each head."""
    keras.utils.set_random_seed(2)
    return {head: tiny.tagger(head=head, chars=None, dropout=0.0) for head in ("softmax", "crf")}


def test_the_teacher_is_asked_at_the_temperature(students: dict[str, Tagger]) -> None:
    teacher, corpus = tiny.trained(), tiny.train_part()[:3]
    student = students["crf"]
    batches = student.batches(corpus, batch_size=2, shuffle=True)
    plain = Distillation(teacher).probabilities(student, batches)
    assert_allclose(plain, np.concatenate(teacher.probabilities(corpus)), rtol=1e-5, atol=1e-7)
    flat = Distillation(teacher, temperature=5.0).probabilities(student, batches)
    assert flat.max(-1).mean() < plain.max(-1).mean() and teacher.head.temperature == 1
    assert_allclose(flat.sum(-1), 1, rtol=1e-4)


@pytest.mark.parametrize("head", ["softmax", "crf"])
def test_a_student_comes_to_think_as_its_teacher(head: str, students: dict[str, Tagger]) -> None:
    teacher, student, corpus = tiny.trained(), students[head], tiny.train_part()
    assert student.count_params() < teacher.count_params()

    def distance() -> float:
        pairs = zip(teacher.probabilities(corpus), student.probabilities(corpus), strict=True)
        return float(np.mean([np.abs(one - other).sum(-1).mean() for one, other in pairs]))

    before = distance()
    student.compile(keras.optimizers.Adam(0.03), distillation=Distillation(teacher, weight=1.0))
    history = student.fit(corpus, epochs=6, batch_size=8, verbose=0).history
    assert distance() < 0.5 * before and history["loss"][-1] < history["loss"][0]
    student.compile("adam")
    assert student.distillation is None  # what is compiled anew forgets the teacher


def test_other_losses_stay_as_they_are() -> None:
    encoder = AttentionEncoder(RecurrentStack(4), SelfAttention(hops=2, units=3, penalty=10.0))
    student = tiny.tagger(head="softmax", chars=None, encoder=encoder)
    inputs, labels = student.batches(tiny.train_part()[:2], batch_size=2)[0]
    scores = student(inputs)
    plain, gold = (
        float(loss) for loss in (student.compute_loss(inputs, labels, scores), student.head.loss(labels, scores))
    )
    assert plain > 1.5 * gold
    taught = np.full(scores.shape, 1 / scores.shape[-1], "float32")
    student.compile("adam", distillation=Distillation(tiny.trained(), weight=1.0))
    found = student.compute_loss(inputs, {student.task: labels, "taught": taught}, scores)
    assert_allclose(float(found), plain - gold + float(taught_loss(student.head, taught, scores)), rtol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight": 0}, "`weight` must be a number above 0 and at most 1. Received: weight=0"),
        ({"weight": 1.1}, "`weight` must be a number above 0 and at most 1"),
        ({"temperature": -1}, "`temperature` must be a number above 0. Received: temperature=-1"),
        ({"teacher": keras.Sequential()}, "A teacher is a tagger or an ensemble .* received Sequential"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Distillation(**{"teacher": tiny.trained(), **options})


def test_teachers_that_do_not_fit(students: dict[str, Tagger]) -> None:
    distillation, student = Distillation(tiny.trained()), students["crf"]
    other = tiny.tagger(task="pos", chars=None)
    with pytest.raises(SettingsError, match="same labels. Label 0 is 'B-ADJP' in the teacher .* 'ADJ' in the student"):
        distillation.probabilities(other, other.batches(tiny.train_part()))
    with pytest.raises(DataError, match="asked about sentences, received dict"):
        distillation.probabilities(student, {})
    assert first_difference(["O"], ["O", "X"], "a", "b") == "Label 1 is absent in a (1 labels) and 'X' in b (2)"
