"""Corpora: sentences with their annotation columns, read from column files and CoNLL-U."""

from __future__ import annotations

from seqlab.corpora.breaches import Breach, breaches
from seqlab.corpora.check import Report, check
from seqlab.corpora.conll import conll, write_conll
from seqlab.corpora.conllu import conllu
from seqlab.corpora.records import Corpus, Sentence
from seqlab.corpora.tasks import all_sentences, joined_sentences, task_corpora

__all__ = [
    "Breach",
    "Corpus",
    "Report",
    "Sentence",
    "all_sentences",
    "breaches",
    "check",
    "conll",
    "conllu",
    "joined_sentences",
    "task_corpora",
    "write_conll",
]
