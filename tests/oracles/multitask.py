"""SC-LSTM in both directions, from inputs to the loss of one task. NumPy alone."""

from __future__ import annotations

import numpy as np

from tests.oracles.recurrent import sc_lstm


def both_directions(x, forward, backward, task=None, merge="concat"):
    """One layer over one sentence.

    Args:
        x: (time, width).
        forward: Weights of the forward direction, by the names of `sc_lstm`.
        backward: Those of the backward direction.
        task: Whose gates are wanted; `None` for a layer without any, `[h; h]`.
        merge: "concat", `[q_k; h; q_k; h]`, or "sum", `[q_k + h; q_k + h]`.
    """
    parts = []
    for weights, turn in ((forward, 1), (backward, -1)):
        h, _, q = sc_lstm(x[::turn], weights, [] if task is None else [task])
        if task is None:
            parts.append(h[::turn])
        elif merge == "sum":
            parts.append((q[task] + h)[::turn])
        else:
            parts.append(np.concatenate([q[task], h], axis=-1)[::turn])
    return np.concatenate(parts, axis=-1)


def cross_entropy(features, kernel, bias, labels):
    """Sum over tokens of -log softmax(features kernel + bias)[label]."""
    scores = features @ kernel + bias
    scores = scores - scores.max(axis=-1, keepdims=True)
    logs = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    return -sum(logs[t, label] for t, label in enumerate(labels))
