"""Encoders in float64, written from their papers; imports nothing of seqlab.

x (T, M) is one sentence; weights are in the row-vector convention, x @ W with W (M, N).
"""

from __future__ import annotations

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x, "float64")))


def highway(x, layers, g=np.tanh):
    """t = s(x W_T + b_T), h = t g(x W + b) + (1 - t) x (Srivastava et al. 2015).

    Args:
        x: (..., N).
        layers: For each layer W, b, W_T and b_T.
    """
    h = np.asarray(x, "float64")
    for w, b, w_t, b_t in layers:
        t = sigmoid(h @ w_t + b_t)
        h = t * g(h @ w + b) + (1 - t) * h
    return h
