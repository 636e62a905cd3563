"""Attention over one sentence without padding, written from the equations, a pair of tokens after the other.

Each function takes the states h (time, width) and returns the contexts (time, ...) and the weights
([hops or heads,] time, time), the attending token first.
"""

from __future__ import annotations

import numpy as np


def softmax(scores):
    shares = np.exp(np.asarray(scores) - np.max(scores))
    return shares / shares.sum()


def attend(score, h):
    """Weights and contexts of any score of two states."""
    weights = np.array([softmax([score(asker, other) for other in h]) for asker in h])
    return weights @ h, weights


def additive(h, w1, w2, v):
    return attend(lambda asker, other: v @ np.tanh(asker @ w1 + other @ w2), h)


def coverage(h, w1, w2, v, w3):
    covered, rows = np.zeros(len(h)), []
    for asker in h:
        scores = [v @ np.tanh(asker @ w1 + other @ w2 + given * w3) for other, given in zip(h, covered, strict=True)]
        rows.append(softmax(scores))
        covered = covered + rows[-1]
    weights = np.array(rows)
    return weights @ h, weights


def multiplicative(h, w, scaled):
    norm = np.sqrt(h.shape[1]) if scaled else 1
    return attend(lambda asker, other: asker @ w @ other / norm, h)


def hops(h, w, v):
    """Several hops: each token gets all rows of C."""
    scores = np.tanh(h @ w) @ v
    a = np.array([softmax(column) for column in scores.T])
    return np.tile((a @ h).reshape(-1), (len(h), 1)), np.repeat(a[:, None], len(h), axis=1)


def hop_penalty(a):
    return sum((row @ other - (i == j)) ** 2 for i, row in enumerate(a) for j, other in enumerate(a))


def key_value(h, w1, w2, v, window):
    half = h.shape[1] // 2
    contexts, weights = np.zeros((len(h), half)), np.zeros((len(h), len(h)))
    for i in range(1, len(h)):
        first = 0 if window is None else max(0, i - window)
        scores = [v @ np.tanh(h[i, :half] @ w1 + h[j, :half] @ w2) for j in range(first, i)]
        weights[i, first:i] = softmax(scores)
        contexts[i] = weights[i] @ h[:, half:]
    return contexts, weights


def multi_head(h, query, key, value, output):
    """Kernels (width, heads, key_dim), the last one (heads, key_dim, width)."""
    contexts, weights = np.zeros_like(h), []
    for n in range(query.shape[1]):
        q, k, values = (h @ kernel[:, n] for kernel in (query, key, value))
        a = np.array([softmax(k @ row / np.sqrt(query.shape[2])) for row in q])
        contexts = contexts + a @ values @ output[n]
        weights.append(a)
    return contexts, np.array(weights)
