"""Weights of labels: what they are, and what they do to the loss."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from seqlab.batches.loader import Batches
from seqlab.batches.supplied import SuppliedBatches
from seqlab.errors import DataError, SettingsError
from seqlab.models.weighing import class_weights
from tests import tiny


@pytest.fixture(scope="module")
def tagger() -> Any:
    return tiny.tagger(head="softmax", chars=None, dropout=0.0)


def test_balanced_labels_count_alike(tagger: Any) -> None:
    corpus = tiny.train_part()
    counts = Counter(label for sentence in corpus for label in sentence.columns["chunk"])
    wanted = [sum(counts.values()) / (len(counts) * counts[label]) for label in tagger.labels]
    assert_allclose(class_weights(tagger, tagger.batches(corpus), "balanced"), wanted)
    few = class_weights(tagger, tagger.batches(corpus[:1]), "balanced")
    absent = [label not in corpus[0].columns["chunk"] for label in tagger.labels]
    assert any(absent) and (few[absent] == 1).all()


def test_weights_by_label_and_the_loss(tagger: Any) -> None:
    batches = tagger.batches(tiny.dev_part(), batch_size=5)
    found = class_weights(tagger, batches, {"B-NP": 3, "O": 0})
    assert {label: w for label, w in zip(tagger.labels, found, strict=True) if w != 1} == {"B-NP": 3.0, "O": 0.0}
    inputs, labels, weights = SuppliedBatches(batches, "chunk", weights=found)[0]
    scores = np.asarray(tagger(inputs), "float64")
    logs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    gold = labels["chunk"]
    shares = np.where(gold < 0, 0, found[gold])
    losses = -np.take_along_axis(logs, np.maximum(gold, 0)[..., None], axis=-1)[..., 0]
    wanted = (losses * shares).sum() / shares.sum()
    assert_allclose(float(tagger.compute_loss(inputs, labels, tagger(inputs), weights)), wanted, rtol=1e-5)


def test_training_is_another(tagger: Any) -> None:
    before, found = tagger.get_weights(), []
    for weight in (None, "balanced", {"O": 5.0}):
        tagger.set_weights(before)
        found.append(tagger.fit(tiny.train_part(), epochs=1, verbose=0, class_weight=weight).history["loss"][0])
    assert len(set(found)) == 3


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("even", "'balanced' or a dict from labels to weights; received 'even'"),
        ({"B-N": 1}, "class_weight names 'B-N'; the labels are .* Did you mean 'B-NP'"),
        ({"O": -1}, "numbers of at least 0, received -1 for 'O'"),
    ],
)
def test_bad_weights(choice: Any, message: str, tagger: Any) -> None:
    with pytest.raises(SettingsError, match=message):
        class_weights(tagger, tagger.batches(tiny.dev_part()), choice)


def test_what_has_no_token_weights(tagger: Any) -> None:
    crf = tiny.tagger(chars=None)
    with pytest.raises(SettingsError, match="a CRFHead has one loss for each whole sentence"):
        crf.fit(tiny.train_part(), class_weight="balanced")
    with pytest.raises(DataError, match="for a corpus, sentences or Batches; received dict"):
        class_weights(tagger, {}, "balanced")
    assert isinstance(crf.batches(tiny.dev_part()), Batches)
