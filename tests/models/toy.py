"""A tagger of four labels with random weights, and the best of all paths that a predicate allows."""

from __future__ import annotations

import functools

import keras
import numpy as np

from seqlab.corpora.records import Corpus, Sentence
from seqlab.layers.stack import RecurrentStack
from seqlab.models.tagger import Tagger
from tests.oracles import constraints as oracle

TAGS = ("B-X", "B-Y", "I-X", "O")
TEXTS = (("a", "b", "a", "b", "c"), ("b", "a", "c", "a", "b"), ("a", "b", "a"), ("c", "a"), ("b",))
WELL_FORMED = oracle.never({(None, "I-X"), ("O", "I-X"), ("B-Y", "I-X")})
all_paths = functools.cache(oracle.all_paths)


def corpus(*paths):
    """The texts, with the given tags from the first one on, or with some that every rule of the tests allows."""
    tags = [*paths, *(("O", "B-X", "I-X", "B-Y", "O")[: len(words)] for words in TEXTS[len(paths) :])]
    sentences = [
        Sentence(words, {"ner": tuple(own)}, "toy.txt", tuple(range(10 * i + 1, 10 * i + 1 + len(words))))
        for i, (words, own) in enumerate(zip(TEXTS, tags, strict=True))
    ]
    return Corpus(sentences, {"ner": "iob2"})


def tagger(constrained=False, head="crf", seed=24, data=None, **options):
    """A compiled tagger whose best paths are anything."""
    encoder = RecurrentStack(3, name="encoder")
    data = corpus() if data is None else data
    made = Tagger.from_corpus(data, "ner", chars=None, head=head, encoder=encoder, constrained=constrained, **options)
    rng = np.random.default_rng(seed)
    # Transitions and biases are small, so that words decide and not one tag wins everywhere.
    square = (len(made.labels),) * 2
    sizes = [0.3 if w.ndim == 1 or w.shape == square else 2.0 for w in made.get_weights()]
    made.set_weights([rng.normal(size=w.shape) * size for w, size in zip(made.get_weights(), sizes, strict=True)])
    made.compile(keras.optimizers.SGD(0.01))
    return made


def best(made, texts, allows):
    """For each text the path of the greatest score among those that `allows(number, path, words)`."""
    moves = [keras.ops.convert_to_numpy(part).astype("float64") for part in made.head.moves()]
    found = []
    for number, (words, scores) in enumerate(zip(texts, made.predict(batches(made, texts)), strict=True)):
        good = [path for path in all_paths(made.labels, len(words)) if allows(number, path, words)]
        found.append(oracle.best(good, made.labels, scores.astype("float64"), *moves)[0])
    return found


def distribution(made, words, scores, allows):
    """All paths of a text with these scores that `allows(path, words)`, the best first, and their probabilities."""
    moves = [keras.ops.convert_to_numpy(part).astype("float64") for part in made.head.moves()]
    good = [path for path in all_paths(made.labels, len(words)) if allows(path, words)]
    totals = (
        np.array([oracle.best([path], made.labels, scores.astype("float64"), *moves)[1] for path in good])
        / made.head.temperature
    )
    order = np.argsort(-totals)
    shares = np.exp(totals[order] - totals.max())
    return [good[place] for place in order], shares / shares.sum()


def batches(made, texts):
    """One padded batch, so that little is compiled."""
    return made.batches([Sentence(words) for words in texts], batch_size=len(texts), padding=0.9)


def check_exact(made, allows, texts=TEXTS):
    """Every sentence of the texts gets the best of the paths that `allows(path, words)`, in one batch with others."""
    found = made.tags(batches(made, texts))
    assert found == best(made, texts, lambda number, path, words: allows(path, words))
    return found
