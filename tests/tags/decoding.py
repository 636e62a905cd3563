"""Decodes by `seqlab.ops.crf.viterbi` under constraints, and holds the result against all allowed paths."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from keras import ops

from seqlab.errors import DataError
from seqlab.ops.crf import viterbi
from seqlab.tags.expansion import Expansion
from tests.oracles import constraints as oracle

FORBIDDEN = -1e4
SHAPE = (6, 5, 40)  # one shape for all cases, because JAX compiles for each
WORDS = ("a", "b", "a", "b", "c")
all_paths = functools.cache(oracle.all_paths)


def penalties(table):
    return np.where(table, 0, FORBIDDEN).astype("float32")


def padded(table, shape):
    """States beyond the automaton's own are forbidden."""
    whole = np.full(shape, FORBIDDEN, "float32")
    whole[tuple(slice(size) for size in table.shape)] = table
    return whole


def decode(rules, scores, allowed, weights):
    """Paths of tags for a batch of sentences; `scores` and `allowed` hold one array for each."""
    origins = rules.origins if isinstance(rules, Expansion) else np.arange(rules.states)
    transitions, start, end = weights
    states = SHAPE[-1]
    tables = (
        padded(transitions[np.ix_(origins, origins)] + penalties(rules.transitions), (states, states)),
        padded(start[origins] + penalties(rules.start), (states,)),
        padded(end[origins] + penalties(rules.end), (states,)),
    )
    x, mask = np.full(SHAPE, FORBIDDEN, "float32"), np.zeros(SHAPE[:2], bool)
    for row, (own, sets) in enumerate(zip(scores, allowed, strict=True)):
        x[row] = padded(own[:, origins] + penalties(sets), SHAPE[1:])
        mask[row, : len(own)] = True
    paths = ops.convert_to_numpy(viterbi(x, mask, *tables)[0])
    return [[rules.tags[origins[i]] for i in path[: len(own)]] for path, own in zip(paths, scores, strict=True)]


def check_exact(rules, allows, sets=None, lengths=(5, 5, 4, 3, 2, 1), seed=0):
    """Every sentence is either refused, where no path is allowed, or gets the best of those that are.

    `allows(path, words)` is the oracle; `sets(length)` gives Boolean (length, tags) where tags are forced.
    """
    rng = np.random.default_rng(seed)
    n = len(rules.tags)
    transitions, start, end = rng.normal(size=(n, n)), rng.normal(size=n), rng.normal(size=n)
    scores, allowed, best = [], [], []
    for length in lengths:
        words, x = WORDS[:length], rng.normal(size=(length, n)) * 2
        own = np.ones((length, n), bool) if sets is None else sets(length)
        if isinstance(rules, Expansion):
            own = rules.allowed(words, own)
        good = [path for path in all_paths(rules.tags, length) if allows(path, words)]
        assert rules.feasible(length, own) == bool(good)
        if good:
            scores.append(x)
            allowed.append(own)
            best.append(oracle.best(good, rules.tags, x, transitions, start, end)[0])
        else:
            with pytest.raises(DataError, match=f"^No path of {length} token"):
                rules.check_feasible(length, own)
    missing = SHAPE[0] - len(scores)
    assert missing < SHAPE[0], "no sentence of the test is feasible"
    scores += [np.zeros((0, n))] * missing
    allowed += [np.zeros((0, rules.states), bool)] * missing
    assert decode(rules, scores, allowed, (transitions, start, end))[: len(best)] == best


def check_accepts(rules, allows, length):
    """Each allowed path of tags has exactly one allowed path of states, and no other has any."""
    paths, words = all_paths(rules.tags, length), WORDS[:length]
    y = np.array([[rules.tags.index(tag) for tag in path] for path in paths])
    own = rules.allowed(words)
    ways = np.ones((len(paths), rules.states), int)
    for t in range(length):
        ways = (ways @ rules.transitions.astype(int) if t else rules.start.astype(int)) * own[t]
        ways = ways * (rules.origins == y[:, t, None])
    found = ways @ rules.end.astype(int)
    expected = np.array([int(allows(path, words)) for path in paths])
    wrong = [path for path, a, b in zip(paths, found, expected, strict=True) if a != b]
    assert not wrong, wrong[:3]
