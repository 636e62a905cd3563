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


def plain(x, layers, p=None, gates=()):
    """x_l = f_l(x_{l-1})."""
    for f in layers:
        x = f(x)
    return x


def residual(x, layers, p, gates=()):
    """x_l = f_l(x_{l-1}) + x_{l-1}; the first sum adds x_0 P."""
    found = layers[0](x) + x @ p
    for f in layers[1:]:
        found = f(found) + found
    return found


def highway_stack(x, layers, p, gates):
    """x_l = t f_l(x_{l-1}) + (1 - t) x_{l-1}, t = s(x_{l-1} W_T + b_T); x_0 P stands for x_0 but in f_1."""
    read = x
    x = x @ p
    for f, (w, b) in zip(layers, gates, strict=True):
        t = sigmoid(x @ w + b)
        x = t * f(read) + (1 - t) * x
        read = x
    return x


def dense(x, layers, p=None, gates=()):
    """x_l = f_l([x_0; ...; x_{l-1}])."""
    found = [x]
    for f in layers:
        found.append(f(np.concatenate(found, axis=-1)))
    return found[-1]


def summed(x, layers, p, gates=()):
    """x_{l+1} = f_{l+1}(x_l) + sum of x_0 ... x_l (Britz et al. 2017, 4.2); x_0 P stands for x_0 but in f_1."""
    found = [x @ p]
    for number, f in enumerate(layers):
        found.append(f(found[-1] if number else x) + np.sum(found, axis=0))
    return found[-1]


CONNECTED = {None: plain, "residual": residual, "highway": highway_stack, "dense": dense, "sum": summed}
"""Name of a connection to a function of x, the layers, P and (W_T, b_T) of each layer."""
