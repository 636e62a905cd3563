"""Constraints as plain predicates on whole paths, and the best allowed path by trying all of them."""

from __future__ import annotations

import itertools

import numpy as np

from tests.oracles.spans import read


def all_paths(tags, length):
    """Every sequence of tags."""
    return list(itertools.product(tags, repeat=length))


def count_of(path, kind):
    return sum(found == kind for found, _, _ in read(path))


def at_most_one(*kinds):
    return lambda path, words: all(count_of(path, kind) <= 1 for kind in kinds)


def at_least_one(*kinds):
    return lambda path, words: all(count_of(path, kind) >= 1 for kind in kinds)


def listed(kind, entries):
    return lambda path, words: all(list(words[i:j]) in entries for found, i, j in read(path) if found == kind)


def never(pairs):
    """None stands on both sides of the sentence."""
    return lambda path, words: all(pair not in pairs for pair in itertools.pairwise([None, *path, None]))


def followed(pairs):
    firsts = {a for a, _ in pairs}
    return lambda path, words: all(
        a not in firsts or (a, b) in pairs for a, b in itertools.pairwise([None, *path, None])
    )


def forced(sets):
    return lambda path, words: all(path[i] in chosen for i, chosen in sets.items())


def both(*predicates):
    return lambda path, words: all(predicate(path, words) for predicate in predicates)


def best(paths, tags, scores, transitions, start, end):
    """The path of the greatest score among those given, and its score, in float64."""
    y = np.array([[tags.index(tag) for tag in path] for path in paths])
    total = start[y[:, 0]] + end[y[:, -1]] + scores[np.arange(y.shape[1]), y].sum(1)
    total = total + transitions[y[:, :-1], y[:, 1:]].sum(1)
    return list(paths[total.argmax()]), total.max()
