"""Labels that break the rules of a loss: refused, or left out of it, never paid for in silence."""

from __future__ import annotations

import logging

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from seqlab.corpora.records import Corpus, Sentence
from seqlab.errors import DataError
from seqlab.tags.counting import at_most_one
from seqlab.tags.rules import scheme_constraints
from tests.models import toy

BROKEN = toy.corpus(("B-X", "O", "B-X", "I-X", "B-Y"))  # two spans of X
SOUND = Corpus(list(BROKEN)[1:], BROKEN.schemes)
pytestmark = pytest.mark.usefixtures("eagerly")


def once(labels, scheme):
    return at_most_one(labels, scheme, "X") & scheme_constraints(labels, scheme)


def said(caplog):
    """What seqlab has logged, and not a backend."""
    return [record for record in caplog.records if record.name.startswith("seqlab")]


def whole(made, corpus):
    """One batch: a mean over its labels is not one of means."""
    return made.batches(corpus, batch_size=5, padding=0.9)


def tagger():
    return toy.tagger(once, constrained_loss=True)


def test_training_data_that_break_the_rules_are_refused_with_file_and_line():
    made = tagger()
    message = r"(?s)training data breaks, at 1 token\(s\) in 1 sentence\(s\):\ntoy.txt:3: column 'ner': 'B-X' breaks"
    for data in (BROKEN, made.batches(BROKEN), made.vectorizer.encode(BROKEN)):
        with pytest.raises(DataError, match=message):
            made.fit(data, verbose=0)
    assert made.optimizer.iterations == 0


def test_left_out_sentences_change_the_loss_as_if_they_were_not_there(caplog):
    made, other = tagger(), tagger()
    with caplog.at_level(logging.WARNING):
        found = made.fit(whole(made, BROKEN), leave_out_broken=True, verbose=0).history["loss"]
    assert "Left out of the loss of 'ner': what breaks its rules in the training data, 1 token" in caplog.text
    assert "toy.txt:3: " in caplog.text
    assert_allclose(found, other.fit(whole(other, SOUND), verbose=0).history["loss"], rtol=1e-5)
    for one, two in zip(made.get_weights(), other.get_weights(), strict=True):
        assert_allclose(one, two, rtol=1e-4, atol=1e-6)


def test_a_loss_that_keeps_no_rules_minds_nothing(caplog):
    made = toy.tagger(once)
    with caplog.at_level(logging.WARNING):
        loss = made.fit(BROKEN, validation_data=BROKEN, verbose=0).history["loss"][0]
    assert not said(caplog) and loss < 100


def test_validation_loses_them_from_its_loss_and_counts_them_as_errors(caplog):
    made = tagger()
    with caplog.at_level(logging.WARNING):
        history = made.fit(SOUND, validation_data=whole(made, BROKEN), epochs=3, restore_best=None, verbose=0).history
    assert caplog.text.count("what breaks its rules in the validation data") == 1  # and not at every epoch
    assert max(history["val_loss"]) < 100
    logs = made.evaluate(whole(made, BROKEN), return_dict=True, verbose=0)
    assert "in the data to evaluate" in caplog.text
    assert_allclose(logs["loss"], history["val_loss"][-1], rtol=1e-5)
    assert_allclose(logs["loss"], made.evaluate(whole(made, SOUND), return_dict=True, verbose=0)["loss"], rtol=1e-5)
    assert logs["accuracy"] == made.score(BROKEN).accuracy == history["val_accuracy"][-1]


def test_a_label_that_training_has_not_seen_makes_no_neighbours_of_others(caplog):
    made = tagger()
    odd = Corpus([Sentence(("a", "b", "c"), {"ner": ("O", "B-Z", "I-X")})], {"ner": "iob2"})
    with caplog.at_level(logging.WARNING):
        assert made.evaluate(odd, return_dict=True, verbose=0)["loss"] == 0
    assert "'B-Z' is none of the 4 tags" in caplog.text


def test_arrays_are_held_against_the_rules_too(caplog):
    made = tagger()
    inputs, labels = made.batches(BROKEN, batch_size=5, padding=0.9)[0]
    row = int(np.flatnonzero((labels == toy.TAGS.index("B-X")).sum(1) == 2)[0])
    message = rf"row {row}, label 2 of 'ner': 'B-X' breaks this: at most one span of 'X'"
    for use in (
        lambda: made.fit(inputs, labels, verbose=0),
        lambda: made.fit(inputs, {"ner": labels}, verbose=0),
        lambda: made.fit(SOUND, validation_data=(inputs, labels), verbose=0),
        lambda: made.evaluate(inputs, labels, verbose=0),
    ):
        with pytest.raises(DataError, match=message):
            use()
    assert made.optimizer.iterations == 0
    labels[row] = -1
    with caplog.at_level(logging.WARNING):
        assert made.fit(inputs, labels, batch_size=5, verbose=0).history["loss"][0] < 100
    assert not said(caplog)


class Plain(keras.utils.PyDataset):
    """Batches that say nothing of their sentences."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


@pytest.mark.compiled
def test_what_cannot_be_examined_is_said(caplog):
    made = tagger()
    with caplog.at_level(logging.WARNING):
        made.fit(Plain(made.batches(SOUND)), verbose=0)
    assert "cannot be held against the training data" in caplog.text
