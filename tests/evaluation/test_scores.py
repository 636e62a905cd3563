"""Scores against conlleval's own counts, and the strict ones against seqeval where seqeval is right."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval import scheme as seqeval_schemes

from seqlab.errors import DataError
from seqlab.evaluation.scores import Score, score
from seqlab.tags.schemes import SCHEMES
from tests.oracles import conlleval
from tests.oracles.spans import all_segmentations, write

KINDS = ("PER", "creative-work", "-x", "x-", "moving avg", "O")
NOTHING = Score(0.0, 0.0, 0.0, 0)


@st.composite
def pairs(draw, letters, kinds=KINDS):
    """Gold and predicted tags of some sentences, well-formed or not; the predictions often agree."""
    tag = st.sampled_from(["O", *(f"{letter}-{kind}" for letter in letters for kind in kinds)])
    gold = draw(st.lists(st.lists(tag, max_size=8), max_size=5))
    return gold, [[draw(st.one_of(st.just(t), tag)) for t in sentence] for sentence in gold]


def same(received: Score, expected: tuple) -> None:
    assert (received.precision, received.recall, received.f1) == pytest.approx(expected[:3])
    assert received.support == expected[3]


@pytest.mark.parametrize("name", SCHEMES)
@settings(max_examples=40)
@given(data=st.data())
def test_scores_are_those_of_conlleval(name, data):
    gold, predicted = data.draw(pairs(SCHEMES[name].letters))
    counts = conlleval.evaluate(gold, predicted)
    scores = score(gold, predicted, name)
    same(scores.overall, counts.figures())
    assert scores.accuracy == pytest.approx(counts.accuracy)
    assert scores.tokens == counts.tokens
    assert scores.types.keys() == counts.gold.keys() | counts.guessed.keys()
    for kind, row in scores.types.items():
        same(row, counts.figures(kind))


@pytest.mark.parametrize("name", ["iob2", "ioe2", "iobes", "bilou"])
@settings(max_examples=40)
@given(data=st.data())
def test_strict_is_seqevals_where_seqeval_knows_the_scheme(name, data):
    gold, predicted = data.draw(pairs(SCHEMES[name].letters, kinds=("X", "creative-work")))
    kind = getattr(seqeval_schemes, name.upper())
    wanted, found = ({e for s in seqeval_schemes.Entities(t, kind).entities for e in s} for t in (gold, predicted))
    right = len({e.to_tuple() for e in wanted} & {e.to_tuple() for e in found})
    strict = score(gold, predicted, name).strict
    assert strict.support == len(wanted)
    assert strict.precision == pytest.approx(right / max(len(found), 1))
    assert strict.recall == pytest.approx(right / max(len(wanted), 1))


@pytest.mark.parametrize("name", SCHEMES)
def test_strict_finds_every_span_of_well_formed_tags(name):
    for spans in all_segmentations(4, ["X", "-y-"]):
        tags = write(spans, 4, name)
        strict = score([tags], [tags], name).strict
        assert strict.support == len(spans), tags
        assert strict.f1 == (1.0 if spans else 0.0), tags


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("iob1", ["B-X", "I-X", "O"]),
        ("iob2", ["I-X", "I-X", "O"]),
        ("ioe1", ["I-X", "E-X", "O"]),
        ("ioe2", ["I-X", "I-X", "O"]),
        ("iobes", ["B-X", "I-X", "O"]),
        ("bilou", ["I-X", "L-X", "O"]),
        ("bmes", ["M-X", "E-X", "O"]),
    ],
)
def test_strict_counts_ill_formed_predictions_for_nothing(name, wrong):
    right = write([("X", 0, 2)], 3, name)
    scores = score([right], [wrong], name)
    assert scores.overall == Score(1.0, 1.0, 1.0, 1)
    assert scores.strict == Score(0.0, 0.0, 0.0, 1)


@pytest.mark.parametrize("name", [*SCHEMES, None])
@pytest.mark.parametrize("sentences", [[], [[]], [["O", "O"], [], ["O"]]], ids=["no", "empty", "outside"])
def test_nothing_to_find_and_nothing_predicted(name, sentences):
    scores = score(sentences, sentences, name)
    if name is not None:
        assert (scores.types, scores.overall, scores.strict) == ({}, NOTHING, NOTHING)
    assert scores.accuracy == (1.0 if any(sentences) else 0.0)
    assert scores.sentences == (1.0 if sentences else 0.0)
    assert scores.table()


def test_nothing_predicted():
    scores = score([["B-X", "I-X", "O"]], [["O", "O", "O"]], "iob2")
    assert scores.overall == scores.strict == scores.types["X"] == Score(0.0, 0.0, 0.0, 1)
    assert scores.accuracy == pytest.approx(1 / 3)


def test_no_gold_spans():
    scores = score([["O", "O"]], [["B-X", "B-Y"]], "iob2")
    assert scores.overall == NOTHING
    assert scores.types == {"X": NOTHING, "Y": NOTHING}


def test_label_that_training_never_saw_is_an_error_like_any_other():
    gold, predicted = [["B-X", "O", "B-new", "I-new"]], [["B-X", "O", "B-X", "I-X"]]
    scores = score(gold, predicted, "iob2")
    assert scores.overall == Score(0.5, 0.5, 0.5, 2)
    assert scores.types["new"] == Score(0.0, 0.0, 0.0, 1)
    assert (scores.accuracy, scores.sentences) == (0.5, 0.0)


@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from(["N", "V", "B-X", "O"]), st.sampled_from(["N", "V", "B-X", "O"])), max_size=9
        ),
        max_size=4,
    )
)
def test_plain_labels(sentences):
    gold, predicted = ([[pair[side] for pair in sentence] for sentence in sentences] for side in (0, 1))
    flat = [pair for sentence in sentences for pair in sentence]
    scores = score(gold, predicted, None)
    share = sum(g == p for g, p in flat) / max(len(flat), 1)
    assert scores.accuracy == scores.overall.f1 == scores.overall.precision == scores.overall.recall == share
    assert scores.strict is None
    assert set(scores.types) == {label for pair in flat for label in pair}
    for label, row in scores.types.items():
        right = flat.count((label, label))
        found, wanted = (sum(pair[side] == label for pair in flat) for side in (1, 0))
        same(row, (right / max(found, 1), right / max(wanted, 1), 2 * right / max(found + wanted, 1), wanted))
    whole = [all(g == p for g, p in sentence) for sentence in sentences]
    assert scores.sentences == sum(whole) / max(len(whole), 1)


def test_bare_letters():
    assert score([["B", "I", "O"]], [["B", "I", "O"]], "iob2").overall == Score(1.0, 1.0, 1.0, 1)


def test_tuples_and_aliases():
    assert score([("B-X", "E-X")], (["B-X", "E-X"],), "BIOES").overall.f1 == 1.0


@pytest.mark.parametrize("name", SCHEMES)
def test_tag_of_another_scheme_is_refused(name):
    with pytest.raises(DataError, match="Token 1: 'Q-X' is no tag of"):
        score([["O", "O"]], [["O", "Q-X"]], name)


@pytest.mark.parametrize(
    ("predicted", "message"),
    [([["O"]], "for 2 sentences, received 1"), ([["O"], ["O", "O"]], "Sentence 1: expected 1 tags, received 2")],
)
def test_other_numbers_of_sentences_or_tags(predicted, message):
    with pytest.raises(ValueError, match=message):
        score([["O"], ["O"]], predicted, "iob2")


def test_logs_dict_and_table():
    scores = score([["B-LOC", "O"], ["B-PER", "I-PER"]], [["B-LOC", "O"], ["B-PER", "O"]], "iob2")
    assert scores.logs() == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "accuracy": 0.75}
    assert json.loads(json.dumps(scores.to_dict()))["types"]["LOC"]["support"] == 1
    rows = scores.table("entity").splitlines()
    assert rows[0].split() == ["entity", "precision", "recall", "f1", "support"]
    assert rows[1].split() == ["LOC", "100.00", "100.00", "100.00", "1"]
    assert rows[2].split() == ["PER", "0.00", "0.00", "0.00", "1"]
    assert rows[-4].split() == ["overall", "50.00", "50.00", "50.00", "2"]
    assert rows[-2].split() == ["token", "accuracy", "75.00", "4"]
    assert rows[-1] == "sentences entirely right: 50.0 %"
    assert len({len(row) for row in rows[:-1]}) == 1
    assert score([["N"]], [["V"]], None).table().splitlines()[-2].split() == ["accuracy", "0.00", "1"]
