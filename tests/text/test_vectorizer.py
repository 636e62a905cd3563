from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.constants import IGNORE
from seqlab.corpora.records import Sentence
from seqlab.errors import DataError, SettingsError
from seqlab.text.casing import CASING, casing
from seqlab.text.categories import Category
from seqlab.text.vectorizer import Vectorizer
from seqlab.text.vocabulary import Labels, Vocabulary

WORDS = Vocabulary(["the", "Paris", "0,000", "("])
CHARACTERS = Vocabulary(list("abcdefgh"))
LABELS = {"ner": Labels(["B-LOC", "O"]), "pos": Labels(["DET", "NOUN"])}


CATEGORIES = {
    Category("suffix", 2): Vocabulary(["is", "he"]),
    Category("shape"): Vocabulary(["Xx", "x"]),
    Category("column", "gaz"): Vocabulary(["O", "LOC"]),
}


def vectorizer(**options) -> Vectorizer:
    return Vectorizer(WORDS, CHARACTERS, LABELS, **options)


def sentence(*words: str, **columns: tuple[str, ...]) -> Sentence:
    return Sentence(words, columns, file="f.conll", lines=tuple(range(3, 3 + len(words))))


def spelling(encoded, form: int) -> list[int]:
    return encoded.characters[encoded.form_offsets[form] : encoded.form_offsets[form + 1]].tolist()


def test_words_are_found_by_the_first_candidate():
    encoded = vectorizer().encode([sentence("The", "THE", "Paris", "paris", "1,990", "-LRB-", "xyz")])
    assert encoded.tokens["words"].tolist() == [2, 2, 3, 1, 4, 5, 1]


def test_rules_take_part():
    encoded = vectorizer(rules=()).encode([sentence("The", "the", "1,990")])
    assert encoded.tokens["words"].tolist() == [1, 2, 1]


def test_nothing_is_padded_and_forms_are_distinct():
    encoded = vectorizer().encode([sentence("ab", "cab", "ab"), sentence(), sentence("cab")])
    assert encoded.offsets.tolist() == [0, 3, 3, 4]
    assert encoded.lengths.tolist() == [3, 0, 1]
    assert encoded.tokens["forms"].tolist() == [0, 1, 0, 1]
    assert [spelling(encoded, form) for form in (0, 1)] == [[2, 3], [4, 2, 3]]
    assert all(array.dtype == np.int32 for array in encoded.tokens.values())


@given(st.lists(st.lists(st.text("abcdefghXYé1", min_size=1, max_size=9), max_size=6), max_size=5))
def test_casing_and_characters_of_every_token(sentences):
    encoded = vectorizer().encode([sentence(*words) for words in sentences])
    flat = [word for words in sentences for word in words]
    assert encoded.tokens["casing"].tolist() == [casing(word) for word in flat]
    for word, form in zip(flat, encoded.tokens["forms"], strict=True):
        letters = ["?" if row == Vocabulary.UNKNOWN else CHARACTERS.items[row - 2] for row in spelling(encoded, form)]
        assert "".join(letters) == "".join(c if c in "abcdefgh" else "?" for c in word)


def test_long_words_lose_their_middle_for_the_character_encoder_alone():
    long = "a" * 5_000 + "x" + "b" * 4_999
    encoded = vectorizer(char_limit=5).encode([sentence(long, "abcde", "abcdef")])
    assert [spelling(encoded, form) for form in range(3)] == [[2, 2, 3, 3, 3], [2, 3, 4, 5, 6], [2, 3, 5, 6, 7]]
    assert encoded.sentences[0].words[0] == long
    assert CASING[encoded.tokens["casing"][0]] == "all lower"


def test_labels_of_the_columns_that_every_sentence_has():
    data = [sentence("a", "b", pos=("NOUN", "DET")), sentence("c", pos=("NOUN",))]
    encoded = vectorizer().encode(data)
    assert list(encoded.labels) == ["pos"]
    assert encoded.labels["pos"].tolist() == [1, 0, 1]
    assert encoded.unseen == {"pos": {}}
    assert vectorizer().encode([*data, sentence("d")]).labels == {}


def test_unseen_labels_are_counted_and_ignored():
    encoded = vectorizer().encode([sentence("a", "b", "c", "d", ner=("O", "B-PER", "B-PER", "I-PER"))])
    assert encoded.labels["ner"].tolist() == [1, IGNORE, IGNORE, IGNORE]
    assert encoded.unseen == {"ner": {"B-PER": 2, "I-PER": 1}}


def test_strict_refuses_unseen_labels():
    with pytest.raises(DataError, match=r"f.conll:4: ner label 'B-PER' was not seen in training \(known: B-LOC, O\)"):
        vectorizer().encode([sentence("a", "b", ner=("O", "B-PER"))], strict=True)


@pytest.mark.parametrize("data", [[], [sentence()]], ids=["no-sentence", "empty-sentence"])
def test_nothing(data):
    encoded = vectorizer().encode(data)
    assert encoded.offsets.tolist() == [0] * (len(data) + 1)
    assert all(len(array) == 0 for array in encoded.tokens.values())
    assert len(encoded.characters) == 0


def test_emoji_and_combining_characters():
    encoded = vectorizer().encode([sentence("🙂", "e\u0301a", "\u00a0")])
    assert encoded.tokens["words"].tolist() == [1, 1, 1]
    assert [spelling(encoded, form) for form in range(3)] == [[1], [6, 1, 2], [1]]


def test_config_survives_json():
    one = vectorizer(
        rules=["lowercase", "nfc"], schemes={"ner": "iob2", "pos": None}, char_limit=7, categories=CATEGORIES
    )
    config = json.loads(json.dumps(one.get_config()))
    again = Vectorizer.from_config(config)
    assert again.get_config() == one.get_config() == config
    assert (again.words, again.characters, again.labels) == (one.words, one.characters, one.labels)
    data = [sentence("THE", "cab" * 4, ner=("O", "B-LOC"), gaz=("LOC", "O"))]
    before, after = one.encode(data), again.encode(data)
    assert all(np.array_equal(before.tokens[name], after.tokens[name]) for name in before.tokens)
    assert np.array_equal(before.characters, after.characters)
    assert np.array_equal(before.labels["ner"], after.labels["ner"])


def test_bad_options():
    with pytest.raises(SettingsError, match="Unknown word rule 'lower'.*Did you mean 'lowercase'"):
        vectorizer(rules=["lower"])
    with pytest.raises(ValueError, match="char_limit must be at least 2, received 1"):
        vectorizer(char_limit=1)


def test_categorical_features_of_every_token():
    data = [sentence("Paris", "the", gaz=("LOC", "O")), sentence("the", "He", "1", gaz=("O", "X", "LOC"))]
    encoded = vectorizer(categories=CATEGORIES).encode(data)
    assert encoded.tokens["suffix_2"].tolist() == [2, 3, 3, 3, 1]
    assert encoded.tokens["shape"].tolist() == [2, 3, 3, 2, 1]
    assert encoded.tokens["column_gaz"].tolist() == [3, 2, 2, 1, 3]
    assert all(encoded.tokens[category.name].dtype == np.int32 for category in CATEGORIES)
    empty = vectorizer(categories=CATEGORIES).encode([])
    assert all(len(empty.tokens[category.name]) == 0 for category in CATEGORIES)


def test_a_column_that_a_sentence_lacks_is_named():
    data = [sentence("a", gaz=("O",)), sentence("b", "c", pos=("DET", "NOUN"))]
    with pytest.raises(DataError, match="f.conll:3: The model reads the column 'gaz' .* 'b c' has pos"):
        vectorizer(categories=CATEGORIES).encode(data)


def test_configs_without_categories_are_read():
    config = vectorizer().get_config()
    del config["categories"]
    assert Vectorizer.from_config(config).categories == {}
