"""What batches carry besides, against the corpus."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from seqlab.batches.loader import Batches
from seqlab.batches.supplied import TAUGHT, SuppliedBatches
from tests.batches.common import encoded

LENGTHS = (3, 5, 2, 4)


def test_weights_follow_the_labels() -> None:
    batches = Batches(encoded(LENGTHS), batch_size=2)
    table = np.array([0.5, 2.0, 3.0])
    supplied = SuppliedBatches(batches, "chunk", weights=table)
    assert len(supplied) == len(batches)
    for index in range(len(batches)):
        inputs, labels, weights = supplied[index]
        assert_array_equal(labels["chunk"], batches[index][1])
        assert_array_equal(inputs["words"], batches[index][0]["words"])
        for label, weight in zip(labels["chunk"].ravel(), weights["chunk"].ravel(), strict=True):
            assert weight == (0 if label < 0 else table[label])


def test_probabilities_follow_the_tokens_in_every_order() -> None:
    corpus = encoded(LENGTHS, ("chunk", "pos"))
    taught = np.random.default_rng(1).random((sum(LENGTHS), 3)).astype("float32")
    supplied = SuppliedBatches(Batches(corpus, batch_size=2, shuffle=True), "chunk", taught=taught)
    for epoch in range(2):
        assert supplied.batches.epoch == epoch
        for index, batch in enumerate(supplied.batches.plan):
            inputs, labels = supplied[index]
            assert set(labels) == {"chunk", "pos", TAUGHT}
            for row, sentence in enumerate(batch.sentences):
                start, end = corpus.offsets[sentence : sentence + 2]
                assert_allclose(labels[TAUGHT][row, : end - start], taught[start:end])
                assert not labels[TAUGHT][row, end - start :].any()
        supplied.on_epoch_end()
