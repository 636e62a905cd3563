from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab.corpora.records import Sentence
from seqlab.errors import DataError, SettingsError
from seqlab.text.categories import Category, word_shape


def test_affixes() -> None:
    words = ("Oslo", "is", "éÀ")
    assert [Category("prefix", 3).of_word(word) for word in words] == ["osl", "is", "éà"]
    assert [Category("suffix", 3).of_word(word) for word in words] == ["slo", "is", "éà"]
    assert Category("suffix", 1).of_word("Oslo") == "o"


@given(st.text(max_size=8))
def test_shapes_keep_what_is_no_letter_and_no_digit(word: str) -> None:
    shape = word_shape(word)
    assert word_shape(shape.replace("d", "1")) == shape
    assert len(shape) <= len(word)
    assert all(a != b for a, b in zip(shape, shape[1:], strict=False))


def test_columns() -> None:
    sentence = Sentence(("a", "b"), {"pos": ("N", "V")}, "f.conll", (4, 5))
    pos = Category("column", "pos")
    assert pos.of_sentence(sentence) == ("N", "V") and pos.column == "pos"
    assert pos.counts([sentence, sentence]) == {"N": 2, "V": 2}
    assert Category("prefix", 1).of_sentence(sentence) == ["a", "b"] and Category("prefix", 1).column is None
    with pytest.raises(DataError, match=r"f.conll:4: The model reads the column 'ner'.*'a b' has pos\. Give it: in"):
        Category("column", "ner").of_sentence(sentence)
    with pytest.raises(DataError, match=r"has none but the words, as raw text has.*--columns word=0 pos=1"):
        pos.of_sentence(Sentence(("a",)))


def test_names_are_different() -> None:
    made = [Category("prefix", 2), Category("suffix", 2), Category("prefix", 3), Category("shape")]
    assert [category.name for category in made] == ["prefix_2", "suffix_2", "prefix_3", "shape"]
    assert [Category(**category.get_config()) for category in made] == made


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sufix", 3), "Unknown kind of feature 'sufix'.* Did you mean 'suffix'"),
        (("suffix",), "'suffix' is of a number of characters above 0; received None"),
        (("prefix", 0), "number of characters above 0; received 0"),
        (("prefix", True), "number of characters above 0; received True"),
        (("prefix", "2"), "number of characters above 0; received '2'"),
        (("shape", 2), "'shape' is of nothing; received 2"),
        (("column", "a b"), "the name of a column, of letters, digits, _, - and dots; received 'a b'"),
        (("column", ""), "the name of a column"),
    ],
)
def test_bad_features(arguments: tuple, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Category(*arguments)
