"""Prints which weights a batch of each task moves, for each encoder of several tasks.

python scripts/gradient_reach.py
"""

from __future__ import annotations

import numpy as np

from seqlab.batches.multitask import MultiTaskBatches, encode_tasks
from seqlab.corpora.records import Corpus, Sentence
from seqlab.evaluation.reach import gradient_reach, reach_table
from seqlab.models.multitask import MultiTaskTagger
from seqlab.models.multitask_builders import ENCODERS

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


def table(kind: str, layers: int = 3) -> str:
    """The table of one encoder."""
    depths = {"depths": tuple(np.linspace(1, layers, len(COLUMNS)).astype(int).tolist())} if kind == "lstm_d" else {}
    data = corpora()
    tagger = MultiTaskTagger.from_corpora(data, kind, units=3, layers=layers, dropout=0.0, chars=None, **depths)
    tagger.compile("adam")
    batches = MultiTaskBatches(
        encode_tasks(tagger.vectorizer, data), schedule="alternating", fields=tuple(tagger.input)
    )
    by_task = {tagger.tasks[batch[0]["task"][0]]: batch for batch in (batches[k] for k in range(len(batches)))}
    return reach_table(gradient_reach(tagger, by_task), kind)


def main() -> None:
    """Prints a table for each encoder."""
    print("\n\n".join(table(kind) for kind in ENCODERS))


if __name__ == "__main__":
    main()
