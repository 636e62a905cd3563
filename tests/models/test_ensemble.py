"""Ensembles against the mean of what their members say, by NumPy."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from seqlab.corpora.records import Corpus
from seqlab.errors import DataError, SettingsError
from seqlab.inference.load import load
from seqlab.layers.heads.multilabel import MultiLabelHead
from seqlab.models.ensemble import Ensemble, log_mean
from seqlab.models.tagger import Tagger
from seqlab.tags.rules import free
from seqlab.text.categories import Category
from tests import tiny
from tests.models.test_auxiliary import made as made_with_auxiliary
from tests.oracles.crf import forward_backward

pytestmark = pytest.mark.usefixtures("eagerly")

DEV = tiny.part("dev", 2)


def mirrored(corpus: Corpus) -> Corpus:
    """The same labels at words that are written backwards: another vocabulary."""
    return Corpus([replace(one, words=tuple(word[::-1] for word in one.words)) for one in corpus], corpus.schemes)


def drawn(seed: int, corpus: Corpus | None = None, chars: str | None = None, **options: Any) -> Tagger:
    """A tagger whose weights are all away from their initial values."""
    tagger = tiny.tagger(corpus, chars=chars, **options)
    rng = np.random.default_rng(seed)
    tagger.set_weights([weight + rng.normal(size=weight.shape) for weight in tagger.get_weights()])
    return tagger


@functools.cache
def members(head: str) -> tuple[Tagger, Tagger]:
    """Softmax: two that read the same integers, the first characters too. CRF: two of different vocabularies."""
    if head == "softmax":
        found = drawn(1, head=head, chars="cnn"), drawn(2, head=head)
    else:
        found = drawn(1), drawn(3, mirrored(tiny.train_part()))
    found[1].head.temperature = 2.0
    return found


@functools.cache
def ensemble(head: str) -> Ensemble:
    return Ensemble(members(head))


def array(tensor: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor), "float64")


def scores(model: Any) -> np.ndarray:
    """The scores of both sentences, (2, 10, labels); without graphs, whose making takes longest."""
    inputs, _ = model.batches(DEV)[0]
    return array(model(inputs))


def softmax(scores: np.ndarray) -> np.ndarray:
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


def test_softmax_is_the_mean_of_probabilities() -> None:
    one, other = members("softmax")
    parts = softmax(scores(one)), softmax(scores(other) / 2)  # the second member's temperature
    found = scores(ensemble("softmax"))
    assert_allclose(np.exp(found), np.mean(parts, axis=0), rtol=1e-4, atol=1e-6)
    mask = np.ones(found.shape[:2], bool)
    shares = ensemble("softmax").head.probabilities(found.astype("float32"), mask)
    assert_allclose(array(shares), np.mean(parts, axis=0), rtol=1e-4, atol=1e-6)
    labels = ensemble("softmax").head.decode(found.astype("float32"), mask)
    assert_array_equal(array(labels), np.mean(parts, axis=0).argmax(-1))
    assert np.abs(parts[0] - parts[1]).max() > 0.1


def test_crf_is_the_mean_of_potentials() -> None:
    one, other = members("crf")
    potentials = (scores(one) + scores(other) / 2) / 2
    pairs = zip(one.head.moves(), other.head.moves(), strict=True)
    moves = [(array(part) + array(second) / 2) / 2 for part, second in pairs]
    assert_allclose(scores(ensemble("crf")), potentials, rtol=1e-4, atol=1e-5)
    for weight, wanted in zip(ensemble("crf").head.moves(), moves, strict=True):
        assert_allclose(array(weight), wanted, rtol=1e-5, atol=1e-6)
    found, tags = ensemble("crf").probabilities(DEV), ensemble("crf").tags(DEV)
    for sentence, rows in enumerate(potentials):
        assert_allclose(found[sentence], forward_backward(rows, *moves)[1], rtol=1e-3, atol=1e-6)
        assert tags[sentence] == [ensemble("crf").labels[label] for label in best_path(rows, *moves)]


def best_path(scores: np.ndarray, transitions: np.ndarray, start: np.ndarray, end: np.ndarray) -> list[int]:
    """Viterbi, one step at a time."""
    best, back = start + scores[0], []
    for row in scores[1:]:
        ways = best[:, None] + transitions
        back.append(ways.argmax(0))
        best = ways.max(0) + row
    path = [int((best + end).argmax())]
    for places in reversed(back):
        path.append(int(places[path[-1]]))
    return path[::-1]


def test_members_may_differ_in_their_features() -> None:
    suffixes, shapes = [Category("suffix", 2), Category("column", "pos")], [Category("shape")]
    found = drawn(1, head="softmax", categories=suffixes), drawn(2, head="softmax", categories=shapes)
    shares = (
        [array(part) for part in found[0].probabilities(DEV)],
        [array(part) for part in found[1].probabilities(DEV)],
    )
    for mean, one, other in zip(Ensemble(found).probabilities(DEV), *shares, strict=True):
        assert_allclose(mean, (one + other) / 2, atol=1e-5)
    bare = Corpus([replace(one, columns={"chunk": one.columns["chunk"]}) for one in DEV], {"chunk": "iob2"})
    with pytest.raises(DataError, match="'pos'"):
        Ensemble(found[::-1]).probabilities(bare)


def test_later_temperatures_of_members_change_nothing() -> None:
    found = Ensemble(members("softmax"))
    found.members[0].head.temperature = 7.0
    kept = [row["head"]["config"]["temperature"] for row in found.get_config()["members"]]
    assert kept == [1.0, 2.0]


def test_means_of_what_underflows() -> None:
    scores = np.array([[[0.0, -200.0, 3.0]], [[0.0, -300.0, 1.0]]], "float32")
    wanted = np.log(np.mean(softmax(scores.astype("float64")), axis=0))
    assert_allclose(array(log_mean(list(scores))), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("head", ["softmax", "crf"])
def test_one_file_holds_everything(head: str, tmp_path: Path) -> None:
    made = ensemble(head)
    made.head.temperature = 1.5
    made.save(tmp_path / "ensemble.keras")
    found = (load if head == "crf" else keras.models.load_model)(tmp_path / "ensemble.keras")
    made.head.temperature = 1.0
    assert isinstance(found, Ensemble) and found.head.temperature == 1.5
    places = [0, 0] if head == "softmax" else [0, 1]
    assert len(found.vectorizers) == max(places) + 1
    assert [row["vectorizer"] for row in found.get_config()["members"]] == places
    assert_allclose(scores(found), scores(made), rtol=1e-5, atol=1e-6)
    for one, other in zip(found.head.moves(), made.head.moves(), strict=True):
        assert_array_equal(array(one), array(other))


def test_members_are_copies_without_auxiliary_tasks() -> None:
    tagger = made_with_auxiliary()
    name, before = tagger.name, tagger.get_weights()
    made = Ensemble([tagger, tagger])
    assert tagger.name == name and [member.name for member in made.members] == ["member_1", "member_2"]
    assert not made.members[0].auxiliary and made.tasks == (tagger.task,) and len(made.vectorizers) == 1
    made.members[0].set_weights([0 * weight for weight in made.members[0].get_weights()])
    for one, other in zip(before, tagger.get_weights(), strict=True):
        assert_array_equal(one, other)


def test_it_scores_and_calibrates() -> None:
    made = Ensemble(members("crf"))
    dev = tiny.dev_part()
    logs = made.evaluate(dev, return_dict=True, verbose=0)
    assert logs["f1"] == made.score(dev).overall.f1 and logs["loss"] > 0
    half = [replace(one, columns={"chunk": tuple(tags)}) for one, tags in zip(dev, made.tags(dev), strict=True)][:2]
    assert made.calibrate([*half, *dev[2:]]).value == made.head.temperature != 1
    assert made.tags(made.vectorizer.encode(dev)) == made.tags(dev)


def test_rules_are_kept() -> None:
    made = Ensemble([drawn(seed, constrained=True) for seed in (1, 2)])
    rules = made.members[0].head.constraints
    assert made.head.constraints == rules
    assert all(not list(rules.violations(tags)) for tags in made.tags(DEV))
    assert any(list(rules.violations(tags)) for member in members("crf") for tags in member.tags(DEV))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow alone writes a SavedModel")
def test_it_exports(tmp_path: Path) -> None:
    import tensorflow as tf

    made = ensemble("crf")
    made.export(tmp_path / "exported")
    inputs, _ = made.batches(DEV)[0]
    signature = tf.saved_model.load(tmp_path / "exported").signatures["serving_default"]
    labels = signature(**{name: tf.constant(value) for name, value in inputs.items()})["labels"].numpy()
    assert [[made.labels[label] for label in row] for row in labels] == made.tags(DEV)
    card = json.loads((tmp_path / "exported" / "seqlab.json").read_text("utf-8"))
    assert card["other_vectorizers"] == [made.vectorizers[1].get_config()] and "encoding_2_words" in card["inputs"]


def other(**changes: Any) -> Tagger:
    """A tagger that does not fit `members("crf")`."""
    return drawn(5, **changes)


def fewer_labels() -> Tagger:
    corpus = tiny.train_part()
    tags = [tuple("O" if "ADVP" in tag else tag for tag in sentence.columns["chunk"]) for sentence in corpus]
    changed = [replace(one, columns={**one.columns, "chunk": row}) for one, row in zip(corpus, tags, strict=True)]
    return other(corpus=Corpus(changed, corpus.schemes))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: [], "at least two members, received 1"),
        (lambda: [keras.Sequential()], "member 2 is a Sequential"),
        (lambda: [other(task="pos")], "agree on task. That of member 1 is 'chunk', that of member 2 is 'pos'"),
        (lambda: [fewer_labels()], r"Label \d+ is 'B-ADVP' in member 1 .* and 'B-\w+' in member 2 .*same labels"),
        (lambda: [other(corpus=tiny.train_part().converted("chunk", "iob1"))], "labels|tag scheme"),
        (lambda: [other(head="softmax")], "kind of head. That of member 1 is 'crf', that of member 2 is 'softmax'"),
        (lambda: [other(constrained=lambda labels, _: free(labels))], "rules. .* train them with the same constraints"),
    ],
)
def test_members_that_do_not_fit_are_refused(make: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Ensemble([members("crf")[0], *make()])


def test_other_heads_and_training_are_refused() -> None:
    tagger = members("crf")[0]
    config = tagger.get_config() | {"head": keras.saving.serialize_keras_object(MultiLabelHead(len(tagger.labels)))}
    with pytest.raises(SettingsError, match="member 1 has a MultiLabelHead"):
        Ensemble([Tagger.from_config(config), tagger])
    with pytest.raises(SettingsError, match="not trained: train the members"):
        ensemble("crf").fit(tiny.dev_part())
