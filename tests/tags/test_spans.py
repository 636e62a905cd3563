"""Spans against conlleval's tables and seqeval; conversion without loss for every pair of schemes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities

from seqlab.errors import DataError
from seqlab.tags.schemes import SCHEMES, violations
from seqlab.tags.spans import Span, convert, encode, span_tables, spans
from tests.oracles.spans import all_segmentations, read, write

PAIRS = list(itertools.product(SCHEMES, repeat=2))
KINDS = st.sampled_from(["PER", "LOC", "creative-work", "-x", "O", "é"])


def tag_lists(letters, kinds=("X", "Y")):
    tags = ["O", *(f"{letter}-{kind}" for letter in letters for kind in kinds)]
    return st.lists(st.sampled_from(tags), max_size=12)


@st.composite
def segmentations(draw):
    """Spans over a sentence, many of them touching, and its length."""
    found, place = [], 0
    for kind, gap, size in draw(st.lists(st.tuples(KINDS, st.integers(0, 2), st.integers(1, 4)), max_size=8)):
        found.append(Span(kind, place + gap, place + gap + size))
        place += gap + size
    return found, place + draw(st.integers(0, 2))


@pytest.mark.parametrize("name", SCHEMES)
@given(data=st.data())
def test_any_tags_are_read_as_conlleval_reads_them(name, data):
    tags = data.draw(tag_lists(SCHEMES[name].letters))
    assert spans(tags, name) == read(tags)


@pytest.mark.parametrize("name", SCHEMES)
def test_tables_say_of_pairs_of_tags_how_they_are_read(name):
    tags = ["O", *(f"{letter}-{kind}" for letter in SCHEMES[name].letters for kind in ("X", "Y"))]
    types, kinds, joints = span_tables(tags)
    assert types == ("X", "Y")
    for b, after in enumerate(tags):
        assert [types[k] for k in range(2) if kinds[k, b]] == [kind for kind, *_ in read([after])]
        for a, before in enumerate(tags):
            assert joints[a, b] == any(end - start == 2 for _, start, end in read([before, after]))
    assert span_tables(["O"]).kinds.shape == (0, 1)


@pytest.mark.parametrize("name", ["iob1", "iob2", "ioe1", "ioe2", "iobes"])
@given(data=st.data())
def test_any_tags_are_read_as_seqeval_reads_them(name, data):
    tags = data.draw(tag_lists(SCHEMES[name].letters))
    assert [(kind, start, end - 1) for kind, start, end in spans(tags, name)] == get_entities(tags)


@pytest.mark.parametrize("name", SCHEMES)
def test_writes_every_segmentation_as_the_oracle(name):
    for length in range(6):
        for found in all_segmentations(length, ["X", "Y"]):
            assert encode([Span(*span) for span in found], length, name) == write(found, length, name)


@pytest.mark.parametrize(("source", "target"), PAIRS)
@settings(max_examples=25)
@given(sentence=segmentations())
def test_conversion_loses_nothing(source, target, sentence):
    found, length = sentence
    tags = encode(found, length, source)
    assert violations(tags, source) == []
    there = convert(tags, source, target)
    assert spans(there, target) == found
    assert convert(there, target, source) == tags


@pytest.mark.parametrize(("source", "target"), PAIRS)
@settings(max_examples=25)
@given(data=st.data())
def test_conversion_refuses_what_it_would_have_to_guess(source, target, data):
    tags = data.draw(tag_lists(SCHEMES[source].letters))
    problems = violations(tags, source)
    if problems:
        with pytest.raises(DataError, match=f"^Token {problems[0][0]}: "):
            convert(tags, source, target)
    else:
        assert spans(convert(tags, source, target), target) == spans(tags, source)


def test_bare_letters_keep_an_empty_type():
    assert spans(["B", "E", "S"], "bmes") == [Span("", 0, 2), Span("", 2, 3)]
    assert convert(["B", "E", "S"], "bmes", "iob2") == ["B", "I", "B"]


def test_a_foreign_letter_is_refused():
    with pytest.raises(DataError, match="Token 1: 'S-X' is no tag of iob2"):
        spans(["O", "S-X"], "iob2")


@pytest.mark.parametrize("span", [Span("X", 1, 1), Span("X", 2, 4), Span("X", -1, 2)])
def test_spans_outside_the_sentence_are_refused(span):
    with pytest.raises(DataError, match="empty or leaves a sentence of 3 tokens"):
        encode([span], 3, "iob2")


def test_overlapping_spans_are_refused_and_order_does_not_matter():
    with pytest.raises(DataError, match="overlaps the span before it, which ends at 2"):
        encode([Span("Y", 1, 3), Span("X", 0, 2)], 3, "iob2")
    assert encode([Span("Y", 2, 3), Span("X", 0, 2)], 3, "iob2") == ["B-X", "I-X", "B-Y"]
