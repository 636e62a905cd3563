"""A tagger of three tasks over a few words, and batches of each by hand."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from seqlab.corpora.records import Corpus, Sentence
from seqlab.models.multitask import MultiTaskTagger

TASKS = ("pos", "chunk", "ner")
WORDS = (("Ada", "of", "Oslo", "sang"), ("of", "Oslo", "Ada", "sang"), ("Ada", "sang", "of", "Oslo"))
TAGS = {
    "pos": (("N", "P", "N", "V"), ("P", "N", "N", "V"), ("N", "V", "P", "N")),
    "chunk": (("B-NP", "B-PP", "B-NP", "O"), ("B-PP", "B-NP", "I-NP", "O"), ("B-NP", "O", "B-PP", "B-NP")),
    "ner": (("B-PER", "O", "B-LOC", "O"), ("O", "B-LOC", "B-PER", "O"), ("B-PER", "O", "O", "B-LOC")),
}
SCHEMES = {"pos": None, "chunk": "iob2", "ner": "iob2"}
HEADS = {"pos": "softmax", "chunk": "crf", "ner": "softmax"}
KINDS: dict[str, dict[str, Any]] = {
    "stl": {"cell": "srn"},
    "lstm_s": {"cell": "srn"},
    "lstm_d": {"cell": "srn", "depths": (1, 2, 2)},
    "sc_lstm": {},
    "private_shared": {"cell": "srn"},
}
"""Encoders with the options that make them cheap."""


def corpora() -> dict[str, Corpus]:
    """Each task's labels for the same three sentences."""
    return {task: corpus(task) for task in TASKS}


def corpus(*tasks: str) -> Corpus:
    """Three sentences with the labels of some tasks."""
    sentences = [Sentence(words, {task: TAGS[task][k] for task in tasks}) for k, words in enumerate(WORDS)]
    return Corpus(sentences, {task: SCHEMES[task] for task in tasks})


def tagger(kind: str = "sc_lstm", head: Any = None, eager: bool = False, **options: Any) -> MultiTaskTagger:
    """A compiled tagger without dropout whose weights are away from their initial values."""
    given = {"units": 2, "layers": 2, "dropout": 0.0, "chars": None, **KINDS[kind], **options}
    made = MultiTaskTagger.from_corpora(corpora(), kind, head=head or HEADS, **given)
    random = np.random.default_rng(1)
    made.set_weights([random.normal(0, 0.5, weight.shape) for weight in made.get_weights()])
    return compiled(made, eager=eager)


def compiled(made: MultiTaskTagger, optimizer: Any = None, eager: bool = False, **options: Any) -> MultiTaskTagger:
    """The tagger, with an optimiser that clips and averages."""
    if optimizer is None:
        optimizer = keras.optimizers.Adam(
            0.05, global_clipnorm=0.3, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=2
        )
    made.compile(optimizer, run_eagerly=eager, **options)
    return made


def batch(made: MultiTaskTagger, task: str) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Three sentences of a task, the last two tokens of one of them padding."""
    encoded = made.vectorizer.encode(corpus(task))
    inputs = {name: encoded.tokens[name].reshape(3, 4).copy() for name in ("words", "casing")}
    labels = encoded.labels[task].reshape(3, 4).copy()
    inputs["mask"] = np.ones((3, 4), bool)
    inputs["mask"][1, 2:] = False
    labels[1, 2:] = -1
    for name in ("words", "casing"):
        inputs[name][1, 2:] = 0
    return {**inputs, "task": np.full(3, made.tasks.index(task), "int32")}, labels


def joint_batch(made: MultiTaskTagger, *tasks: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The same sentences with the labels of several tasks."""
    labels = {task: batch(made, task)[1] for task in tasks}
    return {**batch(made, tasks[0])[0], "task": np.full(3, -1, "int32")}, labels


def values(variables: Any) -> list[np.ndarray]:
    """The values of variables."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]
