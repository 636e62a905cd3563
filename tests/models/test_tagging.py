from __future__ import annotations

import json

import pytest

from seqlab.errors import DataError
from seqlab.models.tagging import Alternative, Draft, Reading, TextSpan, draft_words
from seqlab.tags.spans import Span
from seqlab.text.tokenizer import Token, split_sentences


def test_words_are_joined_by_blanks_with_exact_places() -> None:
    draft = draft_words(["New", "York", "👩‍🚀"])
    assert draft.text == "New York 👩‍🚀"
    assert [draft.text[token.start : token.end] for token in draft.sentences[0]] == ["New", "York", "👩‍🚀"]
    assert draft_words([]) == Draft("", [])
    with pytest.raises(DataError, match="word 1 of a sentence is empty"):
        draft_words(["New", ""])


def test_finish_joins_tags_and_cuts_spans_from_the_original() -> None:
    text = "  Ann Lee\tmet Bo.  Oslo slept."
    draft = Draft(text, split_sentences(text))
    assert [sentence.words for sentence in draft.to_tag()] == [("Ann", "Lee", "met", "Bo", "."), ("Oslo", "slept", ".")]
    tags = [["B-PER", "I-PER", "O", "B-PER", "O"], ["B-LOC", "O", "O"]]
    tagging = draft.finish([Reading(part) for part in tags], "iob2")
    assert tagging.spans == (
        TextSpan("PER", 2, 9, "Ann Lee"),
        TextSpan("PER", 14, 16, "Bo"),
        TextSpan("LOC", 19, 23, "Oslo"),
    )
    assert tagging.sentences == ((0, 5), (5, 8))
    assert tagging.tags == ("B-PER", "I-PER", "O", "B-PER", "O", "B-LOC", "O", "O")
    assert all(text[span.start : span.end] == span.text for span in tagging.spans)


def test_plain_labels_have_no_spans() -> None:
    tagging = draft_words(["a"]).finish([Reading(["NOUN"])], None)
    assert tagging.spans == () and tagging.tags == ("NOUN",)


def test_to_dict_is_json_safe() -> None:
    tagging = Draft("Bo", [[Token("Bo", 0, 2)]]).finish([Reading(["B-PER"])], "iob2")
    assert json.loads(json.dumps(tagging.to_dict())) == {
        "text": "Bo",
        "tokens": [{"text": "Bo", "start": 0, "end": 2}],
        "tags": ["B-PER"],
        "spans": [{"type": "PER", "start": 0, "end": 2, "text": "Bo"}],
        "sentences": [[0, 1]],
    }


def test_finish_joins_probabilities_to_tags_spans_and_the_n_best() -> None:
    draft = draft_words(["Ann", "Lee"])
    ways = [(["B-PER", "I-PER"], 0.5), (["B-PER", "O"], 0.25)]
    whole, first = Span("PER", 0, 2), Span("PER", 0, 1)
    reading = Reading(ways[0][0], [0.9, 0.6], ways, {whole: 0.5, first: 0.3})
    assert reading.spans("iob2") == [whole, first]
    tagging = draft.finish([reading], "iob2", probabilities=True, n_best=True)
    assert tagging.probabilities == (0.9, 0.6)
    assert tagging.spans == (TextSpan("PER", 0, 7, "Ann Lee", 0.5),)
    assert tagging.n_best == (
        (
            Alternative(("B-PER", "I-PER"), 0.5, tagging.spans),
            Alternative(("B-PER", "O"), 0.25, (TextSpan("PER", 0, 3, "Ann", 0.3),)),
        ),
    )
    found = json.loads(json.dumps(tagging.to_dict()))
    assert found["probabilities"] == [0.9, 0.6] and found["spans"][0]["probability"] == 0.5
    assert found["n_best"][0][1] == {
        "tags": ["B-PER", "O"],
        "probability": 0.25,
        "spans": [{"type": "PER", "start": 0, "end": 3, "text": "Ann", "probability": 0.3}],
    }
