"""From text to integers: tokens, vocabularies, look-up rules, word vectors."""

from __future__ import annotations

from seqlab.text.casing import CASING, casing
from seqlab.text.categories import Category, word_shape
from seqlab.text.contextual import Contextual, Producer
from seqlab.text.contextual_store import ContextualStore, write_store
from seqlab.text.coverage import Coverage, coverage
from seqlab.text.rules import RULES, lookups
from seqlab.text.tokenizer import Token, split_sentences, tokenize, whitespace
from seqlab.text.vectorizer import Encoded, Vectorizer
from seqlab.text.vectors import WordVectors, read_vectors
from seqlab.text.vocabulary import Labels, Vocabulary

__all__ = [
    "CASING",
    "RULES",
    "Category",
    "Contextual",
    "ContextualStore",
    "Coverage",
    "Encoded",
    "Labels",
    "Producer",
    "Token",
    "Vectorizer",
    "Vocabulary",
    "WordVectors",
    "casing",
    "coverage",
    "lookups",
    "read_vectors",
    "split_sentences",
    "tokenize",
    "whitespace",
    "word_shape",
    "write_store",
]
