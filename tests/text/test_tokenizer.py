from __future__ import annotations

import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.text.tokenizer import Token, split_sentences, tokenize, whitespace

# Pieces that patterns, clusters and sentence ends look at, mixed with whatever characters there are.
PIECES = [
    "U.S.", "Mr.", "don't", "cannot", "'s", "’s", "http://", "www.", "a@b.org", "1,000.5", "-", "...", ".",
    '"', "''", "``", "?!", " ", "\n", "\n\n", "\u00a0", "\u2028", "\x1c", "\u0301", "\u200d", "\ufe0f",
    "\u20e3", "\ufeff", "👩", "💻", "👍", "🏽", "🇩", "🇪", "é", "İ", "ß", "你", "。", "(", ")", "$", "US$",
    "#", "@", ":)", "-LRB-", "\\/", "\x00", "\ud800",
]  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=20).map("".join)


def words(text: str) -> list[str]:
    return [token.text for token in tokenize(text)]


def sentences(text: str) -> list[str]:
    return [" ".join(token.text for token in sentence) for sentence in split_sentences(text)]


def check_offsets(text: str, tokens: list[Token]) -> None:
    covered = 0
    for token in tokens:
        assert token.start < token.end
        assert text[token.start : token.end] == token.text
        assert not any(character.isspace() for character in token.text)
        assert token.start >= covered
        assert not text[covered : token.start].strip(), "a character that is in no token"
        covered = token.end
    assert not text[covered:].strip()


@given(TEXTS)
def test_every_character_is_in_exactly_one_token(text: str) -> None:
    tokens = tokenize(text)
    check_offsets(text, tokens)
    assert [token for sentence in split_sentences(text) for token in sentence] == tokens
    assert all(split_sentences(text))


@given(TEXTS)
def test_whitespace_tokens_have_exact_offsets(text: str) -> None:
    tokens = [token for sentence in whitespace(text) for token in sentence]
    check_offsets(text, tokens)
    assert [token.text for token in tokens] == text.split()


@given(TEXTS)
def test_combining_characters_stay_with_their_base(text: str) -> None:
    for token in tokenize(text):
        touches = token.start > 0 and not text[token.start - 1].isspace()
        if touches:
            assert not unicodedata.category(token.text[0]).startswith("M")
            assert text[token.start - 1] != "\u200d" and token.text[0] != "\u200d"
            assert not 0x1F3FB <= ord(token.text[0]) <= 0x1F3FF


@pytest.mark.parametrize("text", ["", " ", "\n\t\u3000\u00a0\x1f"])
def test_a_blank_text_has_no_tokens(text: str) -> None:
    assert tokenize(text) == [] and split_sentences(text) == [] and whitespace(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I can't, they'd've won't.", "I ca n't , they 'd 've wo n't ."),
        ("Don’t touch Ann’s", "Do n’t touch Ann ’s"),
        ("The dogs' DON'T O'Connor", "The dogs ' DO N'T O'Connor"),
        ("'Tis cannot gonna rock 'n' roll 'em '90s", "'T is can not gon na rock 'n' roll 'em '90s"),
        ("the dog 's n't", "the dog 's n't"),
        ("\"Yes\" ``no'' 'so'", "\" Yes \" `` no '' ' so '"),
        ("$1,000.50 5% -3 (-.5) 3:30pm 1/2 US$5", "$ 1,000.50 5 % -3 ( -.5 ) 3:30pm 1/2 US$ 5"),
        ("1990-95, 80%-owned AT&T and/or", "1990-95 , 80%-owned AT&T and/or"),
        ("U.S.-based non-U.S. pre- and post-war", "U.S.-based non-U.S. pre- and post-war"),
        ("a – b—c -- d…", "a – b — c -- d …"),
        ("See http://a.org/x_(y), (www.b.c/d?e=1).", "See http://a.org/x_(y) , ( www.b.c/d?e=1 ) ."),
        ("Mail a.b+c@d.co.uk. Hi @you #topic #1", "Mail a.b+c@d.co.uk . Hi @you #topic # 1"),
        ("Mr. J. Smith, Acme Inc. of Miss., etc...", "Mr. J. Smith , Acme Inc. of Miss. , etc ..."),
        ("Vitamin C. The No. 5? No. It is I.", "Vitamin C . The No. 5 ? No . It is I ."),
        ("wow!!! ok :) -LRB- *** 1\\/2", "wow !!! ok :) -LRB- *** 1\\/2"),
    ],
)
def test_tokens(text: str, expected: str) -> None:
    assert words(text) == expected.split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("👨\u200d👩\u200d👧!", ["👨\u200d👩\u200d👧", "!"]),
        ("👍🏽👍🏽s", ["👍🏽", "👍🏽", "s"]),
        ("🇩🇪🇫🇷🇪", ["🇩🇪", "🇫🇷", "🇪"]),
        ("1️⃣ ❤️x", ["1️⃣", "❤️", "x"]),
        ("cafe\u0301's nai\u0308f.", ["cafe\u0301", "'s", "nai\u0308f", "."]),
        ("do\u200bn't", ["do\u200b", "n't"]),
        ("\ufeffHi \u0301", ["\ufeffHi", "\u0301"]),
        (".\u0301.\u0301", [".\u0301.\u0301"]),
        ("हिन्दी।", ["हिन्दी", "।"]),
    ],
)
def test_clusters(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('He left. She stayed! Why? "So." Then', ["He left .", "She stayed !", "Why ?", '" So . "', "Then"]),
        ("Mr. Lee of Acme Inc. met J. Doe. End", ["Mr. Lee of Acme Inc. met J. Doe .", "End"]),
        ("In the U.S. They won. In the U.S. Senate", ["In the U.S.", "They won .", "In the U.S. Senate"]),
        ('"What?" he asked... and left', ['" What ? " he asked ... and left']),
        ("(See it.) Then ''go . '' He", ["( See it . )", "Then '' go . ''", "He"]),
        ("Really?! !! Yes", ["Really ?! !!", "Yes"]),
        ("1. First. 2. Second.", ["1 . First .", "2 . Second ."]),
        ("A title\n \nIt goes\non", ["A title", "It goes on"]),
        ("at 3.5 a.m. on Jan. 5", ["at 3.5 a.m. on Jan. 5"]),
        ("他说。你好！", ["他说 。", "你好 ！"]),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_whitespace_takes_lines_as_sentences() -> None:
    assert whitespace(" a b\r\n\n c") == [[Token("a", 1, 2), Token("b", 3, 4)], [Token("c", 8, 9)]]


@pytest.mark.parametrize(
    "unit",
    ["a", "a.", "x's", "-", "-a", "(", "http://", "http://a(", "www.", "a@", "a@b.", "#1", "1,", "'",
     "''a", "+", "\u0301", "\u200d", "👍🏽", "🇩", "e\u0301", "-lrb", "A. ", "A.\n", "no. ", ". ) ", "\n "],
)  # fmt: skip
def test_time_is_linear_in_a_long_token(unit: str) -> None:
    text = unit * (40_000 // len(unit))
    start = time.perf_counter()
    check_offsets(text, [token for sentence in split_sentences(text) for token in sentence])
    assert time.perf_counter() - start < 60, "quadratic time would take minutes"


def test_a_token_of_ten_thousand_characters_stays_whole() -> None:
    assert words("x" * 10_000 + " y") == ["x" * 10_000, "y"]


@pytest.mark.corpus
def test_tokens_of_the_treebank_are_left_as_they_are(real_data: Path) -> None:
    kept = total = 0
    for block in (real_data / "conll2000" / "test.txt").read_text(encoding="utf-8").split("\n\n"):
        gold = [line.split(" ")[0] for line in block.splitlines() if line]
        offset, places = 0, set()
        for word in gold:
            places.add((offset, offset + len(word)))
            offset += len(word) + 1
        kept += len(places & {(token.start, token.end) for token in tokenize(" ".join(gold))})
        total += len(gold)
    assert total == 47_377
    assert kept / total > 0.999
