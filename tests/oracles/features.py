"""Word vectors from a table and from characters, in float64 loops."""

from __future__ import annotations

import numpy as np

from tests.oracles.recurrent import lstm_np


def word_vectors(indices, trained, frozen):
    """Row by row: the trained rows first, the frozen ones after them."""
    rows = [*trained, *frozen]
    return np.array([[rows[index] for index in line] for line in indices])


def char_cnn(chars, char_rows, table, *filters):
    """max over k of tanh(W [e(k - left) ... e(k + right)] + b) for each word, 0 for a word without characters.

    Args:
        chars: (forms, characters) integers, 0 at padding.
        char_rows: (batch, time) rows of `chars`.
        table: (characters, dim).
        filters: For each width a kernel (width, dim, filters) and a bias (filters,); their results stand side by side.
    """
    forms = []
    for form in chars:
        letters = [table[c].astype("float64") for c in form if c]
        forms.append(np.concatenate([_greatest(letters, kernel, bias) for kernel, bias in filters]))
    return np.array([[forms[row] for row in line] for line in char_rows])


def _greatest(letters, kernel, bias):
    width, dim, filters = kernel.shape
    left = (width - 1) // 2
    padded = [np.zeros(dim)] * left + letters + [np.zeros(dim)] * (width - 1 - left)
    columns = [
        np.tanh(sum(padded[k + w] @ kernel[w].astype("float64") for w in range(width)) + bias)
        for k in range(len(letters))
    ]
    return np.max(columns, axis=0) if columns else np.zeros(filters)


def char_lstm(chars, char_rows, table, forward, backward):
    """[h_f(n); h_b(1)] of an LSTM without peepholes read from either end, 0 for a word without characters.

    Args:
        chars: (forms, characters) integers, 0 at padding.
        char_rows: (batch, time) rows of `chars`.
        table: (characters, dim).
        forward: Weights as `lstm_np` takes them.
        backward: Those of the other direction.
    """
    units = len(forward["b_z"])
    forms = []
    for form in chars:
        letters = np.array([table[c] for c in form if c]).reshape(-1, table.shape[1])
        ends = [np.zeros(2 * units)] if not len(letters) else []
        for weights, order in ((forward, 1), (backward, -1)) if len(letters) else ():
            outputs, _ = lstm_np(letters[::order], weights, np.zeros(units), np.zeros(units))
            ends.append(outputs[-1])
        forms.append(np.concatenate(ends))
    return np.array([[forms[row] for row in line] for line in char_rows])


def scalar_mix(x, scores, gamma, mask, norm=None):
    """`gamma * sum_j softmax(s)_j n(h_j)`, layer by layer and token by token; zeros where the mask is false."""
    batch, time, layers, width = x.shape
    weights = np.exp(scores) / np.exp(scores).sum()
    found = np.zeros((batch, time, width))
    for j in range(layers):
        layer = x[:, :, j].astype("float64")
        real = layer[mask]  # (tokens, width)
        for b, t in zip(*np.nonzero(mask), strict=True):
            vector = layer[b, t]
            if norm == "token":
                vector = (vector - vector.mean()) / vector.std()
            if norm == "batch":
                vector = (vector - real.mean()) / real.std()
            found[b, t] += gamma * weights[j] * vector
    return found
