from __future__ import annotations

from seqlab.batches.neighbours import END, START
from seqlab.corpora.records import Corpus, Sentence
from seqlab.models.language_parts import features_of_text, vectorizer_of_text

CORPUS = Corpus([Sentence(("b", "a", "The")), Sentence(("b", "the", "b")), Sentence(("the", START))])


def test_words_stand_in_the_order_of_their_counts_as_they_are_written():
    found = vectorizer_of_text(CORPUS, min_count=1)
    assert found.words.items == (START, END, "b", "the", "The", "a")
    assert found.characters.items == (START, END, "T", "a", "b", "e", "h", "t")
    assert found.encode(CORPUS).tokens["words"].tolist() == [4, 7, 6, 4, 5, 4, 5, 2]
    assert vectorizer_of_text(CORPUS).words.items == (START, END, "b", "the")
    assert vectorizer_of_text(CORPUS, max_words=1).words.items == (START, END, "b")


def test_a_list_of_words_takes_the_place_of_the_texts():
    found = vectorizer_of_text(CORPUS, listed=["a", "zoo", END])
    assert found.words.items == (START, END, "a", "zoo")
    assert "z" in found.characters and "T" in found.characters


def test_what_is_read_of_a_word():
    vectorizer = vectorizer_of_text(CORPUS)
    chars, words = features_of_text(vectorizer, "both", 7, dropout=0.2, chars={"filters": 3, "widths": (2,)})
    assert (chars.characters, chars.filters, chars.widths, chars.dim) == (10, 3, (2,), 16)
    assert (words.rows, words.dim, words.dropout) == (6, 7, 0.2)
    assert [layer.name for layer in features_of_text(vectorizer, "chars", 7)] == ["char_vectors"]
    assert [layer.name for layer in features_of_text(vectorizer, "words", 7)] == ["word_vectors"]
