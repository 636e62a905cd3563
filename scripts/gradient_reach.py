"""Prints which weights a batch of each task moves, for each encoder of several tasks.

python scripts/gradient_reach.py               # --language: tasks that learn the words beside each token too
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from seqlab.batches.multitask import MultiTaskBatches, encode_tasks
from seqlab.corpora.records import Corpus, Sentence
from seqlab.evaluation.reach import gradient_reach, reach_table
from seqlab.models.multitask import MultiTaskTagger
from seqlab.models.multitask_builders import ENCODERS, SEPARATE

WORDS = ("Ada", "of", "Oslo", "sang", "well")
COLUMNS = {
    "pos": ("PROPN", "ADP", "PROPN", "VERB", "ADV"),
    "chunk": ("B-NP", "B-PP", "B-NP", "B-VP", "B-ADVP"),
    "ner": ("B-PER", "O", "B-LOC", "O", "O"),
}
SCHEMES = {"pos": None, "chunk": "iob2", "ner": "iob2"}


def corpora() -> dict[str, Corpus]:
    """Two sentences for each of three tasks."""
    return {task: Corpus([Sentence(WORDS, {task: tags})] * 2, {task: SCHEMES[task]}) for task, tags in COLUMNS.items()}


def table(kind: str, layers: int = 3, language: bool = False) -> str:
    """The table of one encoder, with a language-model objective or without."""
    depths = {"depths": tuple(np.linspace(1, layers, len(COLUMNS)).astype(int).tolist())} if kind == "lstm_d" else {}
    data = corpora()
    options = {"units": 3, "layers": layers, "dropout": 0.0, "chars": None, "language": {} if language else None}
    tagger = MultiTaskTagger.from_corpora(data, kind, **options, **depths)
    tagger.compile("adam")
    batches = MultiTaskBatches(
        encode_tasks(tagger.vectorizer, data), schedule="alternating", fields=tuple(tagger.input)
    )
    by_task = {tagger.tasks[batch[0]["task"][0]]: batch for batch in (batches[k] for k in range(len(batches)))}
    return reach_table(gradient_reach(tagger, by_task), kind)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a table for each encoder."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--language", action="store_true", help="with a language-model objective; not for stl")
    language = parser.parse_args(arguments).language
    kinds = [kind for kind in ENCODERS if not (language and kind == SEPARATE)]
    print("\n\n".join(table(kind, language=language) for kind in kinds))


if __name__ == "__main__":
    main()
