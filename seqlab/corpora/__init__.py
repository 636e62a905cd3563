"""Corpora: sentences with their annotation columns, read from column files and CoNLL-U."""

from __future__ import annotations

from seqlab.corpora.check import Report, check
from seqlab.corpora.conll import conll, write_conll
from seqlab.corpora.conllu import conllu
from seqlab.corpora.records import Corpus, Sentence

__all__ = ["Corpus", "Report", "Sentence", "check", "conll", "conllu", "write_conll"]
