from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.corpora.records import Corpus, Sentence
from seqlab.evaluation.errors import KINDS, Error, report
from seqlab.tags.spans import spans

WORDS = ("Ann", "Lee", "of", "New", "York", "sang")


def corpus(*tags: str, lines: bool = True) -> Corpus:
    sentence = Sentence(
        WORDS[: len(tags)], {"ner": tags}, file="f.conll", lines=tuple(range(7, 7 + len(tags))) if lines else ()
    )
    return Corpus([sentence], {"ner": "iob2"})


def errors(gold: str, predicted: str, scheme: str | None = "iob2") -> tuple[Error, ...]:
    return report(corpus(*gold.split()), "ner", [predicted.split()], scheme).errors


@pytest.mark.parametrize(
    ("gold", "predicted", "expected"),
    [
        ("B-P I-P O B-L", "B-P I-P O B-L", []),
        ("B-P I-P O O", "B-L I-L O O", [("type", "P", "L", 7)]),
        ("B-P I-P O O", "B-P O O O", [("boundary", "P", "P", 7)]),
        ("O B-P I-P O", "B-P I-P O O", [("boundary", "P", "P", 7)]),
        ("B-P I-P O O", "O B-L I-L O", [("both", "P", "L", 7)]),
        ("O B-P I-P O", "O O O O", [("missed", "P", "", 8)]),
        ("O O O O", "O O B-L I-L", [("invented", "", "L", 9)]),
        # one span for two: the second is left without a partner
        ("B-P B-P I-P O", "B-P I-P I-P O", [("missed", "P", "", 7), ("boundary", "P", "P", 7)]),
        ("B-P I-P I-P O", "B-P B-P I-P O", [("boundary", "P", "P", 7), ("invented", "", "P", 7)]),
        # the greater overlap makes the pair, whichever comes first
        ("B-P B-L I-L O", "B-L I-L I-L O", [("missed", "P", "", 7), ("boundary", "L", "L", 7)]),
        # at equal overlap the equal type does
        ("B-P B-L O O", "B-L I-L O O", [("missed", "P", "", 7), ("boundary", "L", "L", 7)]),
        # the predicted span that is exactly right stands for no other
        ("B-P I-P O B-L", "B-L B-P O B-L", [("boundary", "P", "P", 7), ("invented", "", "L", 7)]),
    ],
)
def test_kinds(gold, predicted, expected):
    found = [(e.kind, e.gold, e.predicted, int(e.place.removeprefix("f.conll:"))) for e in errors(gold, predicted)]
    assert found == expected


def test_plain_labels():
    (error,) = errors("N V N", "N N N", scheme=None)
    assert (error.kind, error.gold, error.predicted, error.place) == ("label", "V", "N", "f.conll:8")
    assert error.text == "Ann [Lee] of"


def test_windows_show_both_spans_where_they_differ():
    (boundary,) = errors("O O O B-L I-L O", "O O O O B-L O")
    assert boundary.text == "Ann Lee of gold [New York] predicted [York] sang"
    (wrong,) = errors("O O O B-L I-L O", "O O O B-P I-P O")
    assert wrong.text == "Ann Lee of [New York] sang"


def test_place_without_a_file():
    (error,) = report(corpus("B-P", "O", lines=False), "ner", [["O", "O"]], "iob2").errors
    assert error.place == "token 0"


def test_counts_and_text():
    found = report(
        corpus("B-P", "I-P", "O", "B-L", "I-L", "O"), "ner", [["B-L", "I-L", "O", "B-L", "O", "B-P"]], "iob2"
    )
    assert found.kinds() == {"type": 1, "boundary": 1, "invented": 1}
    assert found.confusions() == {("P", "L"): 1, ("", "P"): 1}
    text = found.text()
    for line in (
        "errors: 3",
        f"       1  {KINDS['boundary']}",
        "       1  P -> L",
        "       1  (nothing) -> P",
        "  f.conll:7: P -> L: [Ann Lee] of New York",
        "  f.conll:10: L -> L: Ann Lee of gold [New York] predicted [New] sang",
        "  f.conll:12: (nothing) -> P: of New York [sang]",
    ):
        assert line in text.splitlines(), line
    assert "f.conll" not in found.text(examples=0)
    assert len(found.text(rows=1).splitlines()) == len(text.splitlines()) - 1


def test_values_for_json():
    found = report(corpus("B-P", "I-P", "O", "B-L"), "ner", [["B-L", "I-L", "B-P", "B-P"]], "iob2")
    values = found.to_dict(examples=1)
    assert json.loads(json.dumps(values)) == values
    (example,) = values["examples"].pop("type")
    assert example == asdict(found.errors[0])
    assert values == {
        "count": 3,
        "kinds": {"type": 2, "invented": 1},
        "confusions": [
            {"gold": "P", "predicted": "L", "count": 1},
            {"gold": "L", "predicted": "P", "count": 1},
            {"gold": "", "predicted": "P", "count": 1},
        ],
        "examples": {"invented": [asdict(found.errors[2])]},
    }
    assert len(found.to_dict(examples=2)["examples"]["type"]) == 2
    assert found.to_dict(examples=0)["examples"] == {}


def test_no_error():
    found = report(corpus("B-P", "O"), "ner", [["B-P", "O"]], "iob2")
    assert found.errors == ()
    assert found.text().startswith("errors: 0")


def test_as_many_predictions_as_sentences():
    with pytest.raises(ValueError, match="shorter"):
        report(corpus("O", "O"), "ner", [], "iob2")


@given(*[st.lists(st.sampled_from(["O", "B-P", "I-P", "B-L", "I-L"]), min_size=6, max_size=6)] * 2)
def test_every_wrong_span_is_in_one_error(gold, predicted):
    wanted, found = set(spans(gold, "iob2")), set(spans(predicted, "iob2"))
    all_errors = report(corpus(*gold), "ner", [predicted], "iob2").errors
    assert sum(e.kind != "invented" for e in all_errors) == len(wanted - found)
    assert sum(e.kind != "missed" for e in all_errors) == len(found - wanted)
