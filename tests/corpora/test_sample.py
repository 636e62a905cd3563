"""The embedded corpus keeps what its README promises."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from seqlab.corpora.conll import conll
from seqlab.corpora.records import Corpus
from seqlab.tags.schemes import violations
from seqlab.tags.spans import spans

FOLDER = Path(__file__).parents[2] / "data" / "sample"
COLUMNS = {"word": 0, "pos": 1, "chunk": 2, "ner": 3}
UPOS = set("ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X".split())
CHUNKS = set("NP VP PP ADVP ADJP SBAR PRT CONJP INTJ".split())
SIZES = {"train": 600, "dev": 80, "test": 120}
# Function words whose part of speech the guidelines settle: any other is a slip of the annotator.
SETTLED = {
    "the": {"DET"},
    "a": {"DET"},
    "an": {"DET"},
    "of": {"ADP", "SCONJ"},
    "and": {"CCONJ"},
    "is": {"AUX"},
    "was": {"AUX"},
    "were": {"AUX"},
    "are": {"AUX"},
    "be": {"AUX"},
    "not": {"PART"},
    "n't": {"PART"},
    "my": {"PRON"},
    "their": {"PRON"},
    "because": {"SCONJ", "ADP"},
    "if": {"SCONJ"},
    "i": {"PRON"},
    "we": {"PRON"},
    "who": {"PRON"},
    ".": {"PUNCT"},
    ",": {"PUNCT"},
}


@pytest.fixture(scope="module")
def parts() -> dict[str, Corpus]:
    return {name: conll(FOLDER / f"{name}.conll", COLUMNS) for name in SIZES}


def test_sizes(parts):
    assert {name: len(corpus) for name, corpus in parts.items()} == SIZES


def test_labels_are_those_of_the_guidelines(parts):
    for corpus in parts.values():
        assert set(corpus.labels("pos")) <= UPOS
        for task, types in (("chunk", CHUNKS), ("ner", {"PER", "ORG", "LOC", "MISC"})):
            for sentence in corpus:
                tags = sentence.columns[task]
                assert not violations(tags, "iob2"), sentence.place(0)
                assert {span.type for span in spans(tags, "iob2")} <= types


def test_no_two_sentences_share_five_words(parts):
    seen: dict[tuple[str, ...], str] = {}
    for sentence in (s for corpus in parts.values() for s in corpus):
        words = [w.lower() for w, pos in zip(sentence.words, sentence.columns["pos"], strict=True) if pos != "PUNCT"]
        for run in {tuple(words[k : k + 5]) for k in range(len(words) - 4)}:
            assert run not in seen, f"{sentence.place(0)} and {seen[run]} share {' '.join(run)!r}"
            seen[run] = sentence.place(0)


def test_sentences_end_in_punctuation(parts):
    for sentence in (s for corpus in parts.values() for s in corpus):
        assert sentence.columns["pos"][-1] == "PUNCT", sentence.place(len(sentence) - 1)


def test_function_words_keep_to_their_parts_of_speech(parts):
    found: dict[str, Counter[str]] = {}
    for sentence in (s for corpus in parts.values() for s in corpus):
        for word, pos in zip(sentence.words, sentence.columns["pos"], strict=True):
            found.setdefault(word.lower(), Counter())[pos] += 1
    slips = {word: dict(found[word]) for word, allowed in SETTLED.items() if set(found.get(word, ())) - allowed}
    assert not slips


def test_verbs_stand_in_verb_phrases(parts):
    """A finite check across two columns: an AUX inside a chunk is inside a VP."""
    for sentence in (s for corpus in parts.values() for s in corpus):
        for k, (pos, chunk) in enumerate(zip(sentence.columns["pos"], sentence.columns["chunk"], strict=True)):
            assert pos != "AUX" or chunk in ("O", "B-VP", "I-VP"), sentence.place(k)
