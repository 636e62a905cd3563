"""Corpora: sentences with their annotation columns, read from column files and CoNLL-U."""

from __future__ import annotations

from seqlab.corpora.breaches import Breach, breaches
from seqlab.corpora.check import Report, check
from seqlab.corpora.conll import conll, write_conll
from seqlab.corpora.conllu import conllu
from seqlab.corpora.raw import raw
from seqlab.corpora.records import Corpus, Sentence

__all__ = ["Breach", "Corpus", "Report", "Sentence", "breaches", "check", "conll", "conllu", "raw", "write_conll"]
