"""The words of a run: their vectors, and what there is to say about them before training starts."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from seqlab.corpora.records import Corpus
from seqlab.files import write_text
from seqlab.models.inputs import Words, words_of
from seqlab.progress import reading_bar
from seqlab.settings import Settings
from seqlab.text.coverage import candidates, coverage
from seqlab.text.vectors import WordVectors, read_vectors
from seqlab.training.data import Data

log = logging.getLogger(__name__)


def read_words(settings: Settings, corpus: Corpus, *others: Corpus | None) -> Words:
    """Reads the vector file that the settings name, with a bar on a terminal, and chooses the rows of the word table.

    Where no vectors of other words are to travel in the model (`words.unseen_vectors` 0), only those of the corpora's
    words are ever in memory, and the cache, which holds the whole file, is left alone. A word that is not of the file's
    encoding is a warning then, else an error.

    Args:
        settings: The settings.
        corpus: The training corpus.
        *others: Corpora of which coverage is to be told.
    """
    options = settings.words
    vectors: WordVectors | None = None
    if options.vectors is not None:
        bounded: dict[str, Any] = {}
        if options.unseen_vectors == 0:
            given = [corpus, *(other for other in others if other is not None)]
            bounded = {"words": candidates(given, options.rules), "cache": False}
        with reading_bar(options.vectors) as progress:
            vectors = read_vectors(options.vectors, encoding=options.encoding, progress=progress, **bounded)
    return words_of(
        corpus,
        vectors,
        options.rules,
        min_count=options.min_count,
        unseen_vectors=options.unseen_vectors,
        train=options.train,
    )


def report_words(words: Words, corpora: Data, path: Path) -> None:
    """Tells how much of each corpus the vectors cover, and how large they make the model; without vectors nothing.

    Args:
        words: What `read_words` returned.
        corpora: The corpora of the run.
        path: Where the coverage of each is written as JSON.
    """
    if words.vectors is None:
        return
    found = {}
    for part, corpus in corpora._asdict().items():
        if corpus is not None:
            known = coverage(corpus.words(), words.vectors.rows, words.rules)
            log.info("The word vectors know %.2f %% of the words of the %s data.", 100 * known.share, part)
            found[part] = known.to_dict()
    write_text(path, json.dumps(found, ensure_ascii=False, indent=1) + "\n")
    if words.unseen:
        log.info(
            "Vectors of %s words that training does not hold travel in the saved model: %.1f MB. "
            "--words.unseen-vectors limits them, the first of the file first.",
            f"{words.unseen:,}",
            words.megabytes,
        )
