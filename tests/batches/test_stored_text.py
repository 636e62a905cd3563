"""Text as integers on disk: the same batches as from memory, and memory that does not grow with the text."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from seqlab.batches import stored_text
from seqlab.batches.neighbours import NeighbourBatches, edged
from seqlab.batches.stored_text import spread, store_text
from seqlab.models.language_parts import vectorizer_of_text
from tests import tiny

TEXT = [list(sentence.words) for sentence in tiny.part("train", 30)]
VECTORIZER = vectorizer_of_text(tiny.part("train", 30), min_count=2)
FIELDS = ("words", "mask", "char_rows", "chars")


@pytest.mark.parametrize("block", [1, 40, 1 << 16])
def test_batches_are_those_of_the_text_in_memory(block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_text, "BLOCK", block)
    store_text(tmp_path / "text", iter([["another", "text"]] * 99))
    text = store_text(tmp_path / "text", iter(TEXT))
    assert len(text) == len(TEXT) and text.words() == tiny.part("train", 30).words()
    options = {"batch_size": 7, "shuffle": True, "seed": 3}
    ours = NeighbourBatches(text.encode(VECTORIZER), FIELDS, **options)
    theirs = NeighbourBatches(VECTORIZER.encode(edged(TEXT)), FIELDS, **options)
    assert isinstance(ours.encoded.tokens["words"], np.memmap) and len(ours) == len(theirs) > 2
    for epoch in (0, 4):
        ours.start_epoch(epoch)
        theirs.start_epoch(epoch)
        for number in range(len(ours)):
            (found, labels), (expected, wanted) = ours[number], theirs[number]
            np.testing.assert_array_equal(labels, wanted)
            for name in FIELDS:
                np.testing.assert_array_equal(found[name], expected[name])


def sentences(count: int) -> Iterator[list[str]]:
    generator = np.random.default_rng(1)
    for _ in range(count):
        yield [f"w{number}" for number in generator.integers(300, size=40)]


def test_memory_does_not_grow_with_the_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_text, "BLOCK", 2000)

    def peak(count: int) -> int:
        tracemalloc.start()
        text = store_text(tmp_path / str(count), sentences(count))
        batches = NeighbourBatches(text.encode(VECTORIZER), FIELDS, batch_size=8, shuffle=True)
        for number in range(10):
            batches[number]
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    small, large = peak(300), peak(3000)
    tokens = 2700 * 42
    # 4 bytes a token on disk alone, and about 60 in memory as a list of shared strings. Some bytes a sentence are left.
    assert large - small < 2 * tokens
    assert (tmp_path / "3000" / "forms").stat().st_size == 3000 * 42 * 4


def test_a_sample_is_spread_over_the_text(tmp_path: Path) -> None:
    encoded = store_text(tmp_path, ([f"w{number}", "x"] for number in range(10))).encode(VECTORIZER)
    found = spread(encoded, 4)
    rows = [encoded.tokens["forms"][encoded.offsets[number] + 1] for number in (0, 2, 5, 7)]
    assert found.tokens["forms"][found.offsets[:-1] + 1].tolist() == rows
    assert found.lengths.tolist() == [4] * 4 and not isinstance(found.tokens["forms"], np.memmap)
    assert spread(encoded, 99).offsets.tolist() == encoded.offsets.tolist()


def test_a_sample_keeps_labels_and_sentences() -> None:
    corpus = tiny.part("train", 6)
    encoded = vectorizer_of_text(corpus).encode(corpus)
    encoded.labels["task"] = np.arange(encoded.offsets[-1])
    found = spread(encoded, 3)
    assert list(found.sentences) == [corpus[0], corpus[2], corpus[4]]
    places = [range(encoded.offsets[n], encoded.offsets[n + 1]) for n in (0, 2, 4)]
    assert found.labels["task"].tolist() == [place for part in places for place in part]
