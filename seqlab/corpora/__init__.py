"""Corpora: sentences with their annotation columns, read from column files and CoNLL-U."""

from __future__ import annotations

from seqlab.corpora.breaches import Breach, breaches
from seqlab.corpora.check import Report, check
from seqlab.corpora.conll import conll, write_conll
from seqlab.corpora.conllu import conllu
from seqlab.corpora.iam_ondb import iam_ondb
from seqlab.corpora.records import Corpus, Sentence
from seqlab.corpora.sequences import FrameCorpus, FrameParts, FrameSequence
from seqlab.corpora.timit import timit

__all__ = [
    "Breach",
    "Corpus",
    "FrameCorpus",
    "FrameParts",
    "FrameSequence",
    "Report",
    "Sentence",
    "breaches",
    "check",
    "conll",
    "conllu",
    "iam_ondb",
    "timit",
    "write_conll",
]
