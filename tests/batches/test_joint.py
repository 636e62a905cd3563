"""Batches of several encodings: the arrays of each beside each other, in one order."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from seqlab.batches.joint import JointBatches
from seqlab.batches.loader import Batches
from seqlab.text.vectorizer import Vectorizer
from seqlab.text.vocabulary import Vocabulary
from tests.batches.common import VECTORIZER, corpus

FIELDS = ("words", "casing", "mask", "encoding_2_words", "encoding_2_char_rows", "encoding_2_chars")
OTHER = Vectorizer(Vocabulary(["sang", "Oslo"]), Vocabulary(["O", "s"]), {}, char_limit=4)


@pytest.mark.parametrize("shuffle", [False, True])
def test_each_encoding_gives_what_it_gives_alone(shuffle: bool) -> None:
    sentences = corpus([3, 5, 2, 4, 3, 6])
    encodings = [VECTORIZER.encode(sentences), OTHER.encode(sentences)]
    options = {"batch_size": 2, "shuffle": shuffle, "seed": 4}
    joint = JointBatches(encodings, FIELDS, tasks=["chunk"], **options)
    alone = [Batches(encoded, tasks=["chunk"] if k == 0 else [], **options) for k, encoded in enumerate(encodings)]
    for epoch in range(2):
        for index in range(len(joint)):
            inputs, labels = joint[index]
            (first, gold), (second,) = (batches[index] for batches in alone)
            assert set(inputs) == set(FIELDS)
            assert_array_equal(labels, gold)
            for name in FIELDS:
                other = second if name.startswith("encoding_2_") else first
                assert_array_equal(inputs[name], other[name.removeprefix("encoding_2_")])
        for batches in (joint, *alone):
            batches.on_epoch_end()
        assert joint.epoch == epoch + 1
    assert any(
        np.any(inputs["words"] != inputs["encoding_2_words"]) for inputs, _ in map(joint.__getitem__, range(len(joint)))
    )
