"""Word vectors from a table and from characters, in float64 loops."""

from __future__ import annotations

import numpy as np


def word_vectors(indices, trained, frozen):
    """Row by row: the trained rows first, the frozen ones after them."""
    rows = [*trained, *frozen]
    return np.array([[rows[index] for index in line] for line in indices])


def char_cnn(chars, char_rows, table, kernel, bias):
    """max over k of tanh(W [e(k - left) ... e(k + right)] + b) for each word, 0 for a word without characters.

    Args:
        chars: (forms, characters) integers, 0 at padding.
        char_rows: (batch, time) rows of `chars`.
        table: (characters, dim).
        kernel: (width, dim, filters).
        bias: (filters,).
    """
    width, dim, filters = kernel.shape
    left = (width - 1) // 2
    forms = []
    for form in chars:
        letters = [table[c].astype("float64") for c in form if c]
        padded = [np.zeros(dim)] * left + letters + [np.zeros(dim)] * (width - 1 - left)
        columns = [
            np.tanh(sum(padded[k + w] @ kernel[w].astype("float64") for w in range(width)) + bias)
            for k in range(len(letters))
        ]
        forms.append(np.max(columns, axis=0) if columns else np.zeros(filters))
    return np.array([[forms[row] for row in line] for line in char_rows])
