"""Tagging of text: whatever comes in, exact places come out."""

from __future__ import annotations

import pytest

from seqlab.models import labeller, tagger
from seqlab.models.tagging import Tagging
from seqlab.text.tokenizer import Token, whitespace
from tests import tiny

ODD = {
    "plain": "The council in Oslo has rejected it. Snow fell, didn't it?",
    "blanks inside": "  The \t council\n\nin\u00a0Oslo\u2003has  ",
    "emoji": "Snow ❄️ fell 🎉🎉 in Oslo 👍🏽!",
    "zwj": "The 👩‍👩‍👧‍👦 met 👩🏽‍🚀 in 🏴‍☠️ Oslo.",
    "combining": "Cafe\u0301s in Zu\u0308rich, A\u030angstro\u0308m e\u0301\u0302.",
    "zero width": "a\u200bb \ufeffword \u202eright\u202c",
    "control": "bell\x07 null\x00 cr\r\nlf",
    "right to left": "שלום עולם مرحبا بالعالم",
    "no blanks": "我们在奥斯陆",
    "long token": "The " + "x" * 10_000 + " fell.",
    "one mark": ".",
}


def check_places(tagging: Tagging, text: str) -> None:
    assert tagging.text == text
    assert len(tagging.tags) == len(tagging.tokens)
    for token in tagging.tokens:
        assert text[token.start : token.end] == token.text
    for span in tagging.spans:
        assert text[span.start : span.end] == span.text
    ends = [0, *(end for _, end in tagging.sentences)]
    assert [start for start, _ in tagging.sentences] == ends[:-1] and ends[-1] == len(tagging.tokens)


@pytest.mark.parametrize("name", ODD)
def test_odd_text_keeps_exact_places(name: str) -> None:
    text = ODD[name]
    tagging = tiny.trained().tag(text)
    assert tagging.tokens
    check_places(tagging, text)


@pytest.mark.parametrize("text", ["", " ", "\n\t \u00a0\u2003"])
def test_nothing_to_tag_gives_nothing(text: str) -> None:
    assert tiny.trained().tag(text) == Tagging(text, (), (), (), ())


def test_empty_sentence_gives_nothing() -> None:
    assert tiny.trained().tag([]) == Tagging("", (), (), (), ())


def test_words_are_taken_as_they_are() -> None:
    words = ["New York", "do", "n't", "👩‍🚀", "x" * 10_000]
    tagging = tiny.trained().tag(words)
    assert [token.text for token in tagging.tokens] == words
    assert tagging.sentences == ((0, 5),)
    check_places(tagging, " ".join(words))


def test_many_texts_equal_each_alone() -> None:
    tagger = tiny.trained()
    texts = [ODD["plain"], "", ODD["zwj"], ["The", "council", "fell"], ODD["long token"]]
    for text, together in zip(texts, tagger.tag_all(texts), strict=True):
        assert together == tagger.tag(text)
    assert tagger.tag_all([]) == []


def test_the_tokeniser_can_be_replaced() -> None:
    text = "The council, in Oslo."
    assert [token.text for token in tiny.trained().tag(text, whitespace).tokens] == text.split()

    def letters(text: str) -> list[list[Token]]:
        return [[Token(letter, place, place + 1)] for place, letter in enumerate(text)]

    tagging = tiny.trained().tag("abc", letters)
    assert tagging.sentences == ((0, 1), (1, 2), (2, 3))


def test_chunks_of_a_known_sentence_are_found() -> None:
    sentence = tiny.train_part()[0]
    tagging = tiny.trained().tag(list(sentence.words))
    assert tagging.tags == tuple(tiny.trained().tags([sentence])[0])
    assert tagging.spans and {span.type for span in tagging.spans} <= {"NP", "VP", "PP", "ADVP", "ADJP", "SBAR", "PRT"}


@pytest.mark.usefixtures("eagerly")
def test_what_is_scored_has_the_padding_of_scoring(monkeypatch: pytest.MonkeyPatch) -> None:
    made, asked = tiny.tagger(chars=None), []
    batches = type(made).batches
    monkeypatch.setattr(
        type(made),
        "batches",
        lambda *data, **options: asked.append(options.get("padding")) or batches(*data, **options),
    )
    for module in (labeller, tagger):
        monkeypatch.setattr(module, "scoring_padding", lambda: 0.5)
    for method in (made.evaluate, made.score):
        asked.clear()
        method(tiny.dev_part())
        assert asked[0] == 0.5
    asked.clear()
    made.fit(tiny.train_part(), validation_data=tiny.dev_part(), epochs=1, batch_size=24, verbose=0)
    assert asked[:2] == [None, 0.5]  # what is learnt keeps its own
