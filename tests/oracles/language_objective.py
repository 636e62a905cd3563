"""The language-model objective of Rei (2017), a token and a direction at a time."""

from __future__ import annotations

import numpy as np

OTHER, EDGE = 0, 1


def losses(states, words, lengths, rows, weights, table=None):
    """Losses (batch, time, 2) of naming the next and the previous word.

    `weights` holds W, a, Q and c of the forward direction, then those of the backward one; Q is (classes, units), or V
    (units, dim) with a `table` (classes, dim).
    """
    names = {row: place + 2 for place, row in enumerate(rows)}
    half = states.shape[-1] // 2
    found = np.zeros((*words.shape, 2))
    for sentence, length in enumerate(lengths):
        named = [names.get(int(word), OTHER) for word in words[sentence, :length]]
        for t in range(length):
            following = named[t + 1] if t + 1 < length else EDGE
            before = named[t - 1] if t > 0 else EDGE
            state = states[sentence, t]
            parts = (state[:half], following), (state[half:], before)
            for direction, ((part, target), (w, a, q, c)) in enumerate(zip(parts, weights, strict=True)):
                m = np.tanh(part.astype("float64") @ w + a)
                scores = (q @ m if table is None else table @ (m @ q)) + c
                share = np.exp(scores - scores.max())
                found[sentence, t, direction] = -np.log(share[target] / share.sum())
    return found
