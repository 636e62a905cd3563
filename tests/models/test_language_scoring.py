from __future__ import annotations

import pytest

from seqlab.batches.neighbours import END
from seqlab.models import language_scoring as scoring
from tests import tiny

SENTENCES = [("He", "the", "no"), ("No",), ("He", "the", "it", "again")]


@pytest.fixture(scope="module")
def model():
    return tiny.language_model()


def test_blocks_of_any_size_give_the_same_figures(model, monkeypatch):
    """11 predictions in each direction: blocks that divide them, that do not, and one that is larger."""
    batches = model.batches(SENTENCES)
    whole = scoring.perplexity_of(model, batches)
    assert whole.predictions == 11
    for rows, chunk in ((2, 5), (22, 1000), (3, 10)):
        monkeypatch.setattr(scoring, "ROWS", rows)
        monkeypatch.setattr(scoring, "CHUNK", chunk)
        found = scoring.perplexity_of(model, batches)
        assert (found.predictions, found.unknown) == (whole.predictions, whole.unknown)
        assert (found.forward, found.backward) == pytest.approx((whole.forward, whole.backward), rel=1e-5)


def test_vectors_stand_in_the_order_of_the_sentences(model):
    found = scoring.vectors_of(model, model.batches(SENTENCES, batch_size=2))
    assert [array.shape[1] for array in found] == [3, 1, 4]
    assert abs(found[0][0, 0] - found[2][0, 0]).max() == 0, "the same word has the same token layer"


def test_classes_are_counted_as_next_words(model):
    counts = scoring.class_counts(model.batches(SENTENCES), model.classes)
    assert counts.sum() == 11
    assert counts[model.vectorizer.words.index(END) - 1] == 3
    assert counts[model.vectorizer.words.index("the") - 1] == 2
