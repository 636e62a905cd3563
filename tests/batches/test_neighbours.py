from __future__ import annotations

import numpy as np

from seqlab.batches.neighbours import END, START, NeighbourBatches, edged
from seqlab.constants import IGNORE
from seqlab.text.vectorizer import Vectorizer
from seqlab.text.vocabulary import Vocabulary
from tests.oracles import language_model as oracle

SENTENCES = [("snow", "fell", "here"), ("no",), ("snow", "melts")]
VECTORIZER = Vectorizer(
    Vocabulary([START, END, "snow", "fell", "no"]), Vocabulary([START, END, *"snowfelh"]), {}, rules=()
)


def batches(fields=("words", "mask"), **options) -> NeighbourBatches:
    return NeighbourBatches(VECTORIZER.encode(edged(SENTENCES)), fields, batch_size=2, **options)


def test_edges_are_words_of_one_character():
    encoded = VECTORIZER.encode(edged([("no",)]))
    assert [sentence.words for sentence in encoded.sentences] == [(START, "no", END)]
    assert encoded.tokens["words"].tolist() == [2, 6, 3]
    assert np.diff(encoded.form_offsets).tolist() == [1, 2, 1]


def test_labels_are_the_neighbours_classes():
    found = batches()
    rows = [[2, 4, 5, 1, 3], [2, 6, 3], [2, 4, 1, 3]]
    expected = oracle.neighbours(rows)
    seen = []
    for index, batch in enumerate(found.plan):
        inputs, labels = found[index]
        assert labels.shape == (*inputs["mask"].shape, 2) and labels.dtype == np.int32
        for row, sentence in enumerate(batch.sentences):
            seen.append(sentence)
            length = len(rows[sentence])
            for direction in (0, 1):
                wanted = [IGNORE if r is None else r - 1 for r in expected[sentence][direction]]
                assert labels[row, :length, direction].tolist() == wanted
            assert (labels[row, length:] == IGNORE).all()
    assert sorted(seen) == [0, 1, 2]


def test_only_the_arrays_that_are_read_are_given():
    inputs, labels = batches(("chars", "char_rows", "mask"))[0]
    assert set(inputs) == {"chars", "char_rows", "mask"}
    assert (labels == batches()[0][1]).all()
