"""Corpora: sentences with their annotation columns, read from column files and CoNLL-U; pieces of music."""

from __future__ import annotations

from seqlab.corpora.breaches import Breach, breaches
from seqlab.corpora.check import Report, check
from seqlab.corpora.conll import conll, write_conll
from seqlab.corpora.conllu import conllu
from seqlab.corpora.iam_ondb import iam_ondb
from seqlab.corpora.piano_roll import PianoRolls, piano_rolls
from seqlab.corpora.raw import raw
from seqlab.corpora.records import Corpus, Sentence
from seqlab.corpora.sequences import FrameCorpus, FrameParts, FrameSequence
from seqlab.corpora.tasks import all_sentences, joined_sentences, task_corpora
from seqlab.corpora.timit import timit

__all__ = [
    "Breach",
    "Corpus",
    "FrameCorpus",
    "FrameParts",
    "FrameSequence",
    "PianoRolls",
    "Report",
    "Sentence",
    "all_sentences",
    "breaches",
    "check",
    "conll",
    "conllu",
    "iam_ondb",
    "joined_sentences",
    "piano_rolls",
    "raw",
    "task_corpora",
    "timit",
    "write_conll",
]
