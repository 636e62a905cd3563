"""The LSTM in float64, sentence by sentence and step by step; a masked step is one that does not happen.

i = sigmoid(.)  f = sigmoid(.)  g = tanh(.)  o = sigmoid(.)      each of x W + h U + b, in this order of columns
c(t) = f c(t-1) + i g        h(t) = o tanh(c(t))
"""

from __future__ import annotations

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def run(steps, kernel, recurrent, bias):
    """The outputs of one sentence, (steps, units)."""
    units = recurrent.shape[0]
    h, c, outputs = np.zeros(units), np.zeros(units), []
    for x in steps:
        i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.array(outputs).reshape(len(steps), units)


def stack(inputs, mask, weights):
    """Bidirectional layers one upon the other; 0 at masked steps.

    Args:
        inputs: (batch, time, width).
        mask: (batch, time) booleans.
        weights: For each layer the forward and the backward (kernel, recurrent, bias).
    """
    x = np.asarray(inputs, "float64")
    for forward, backward in weights:
        outputs = np.zeros((*mask.shape, 2 * forward[1].shape[0]))
        for row, real in enumerate(mask):
            steps = x[row][real]
            outputs[row][real] = np.concatenate([run(steps, *forward), run(steps[::-1], *backward)[::-1]], axis=-1)
        x = outputs
    return x
