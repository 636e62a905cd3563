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


def convolution(x, kernel, bias, dilation):
    """y(t) = b + sum over k of x(t + (k - left) dilation) W_k; what lies outside counts nothing.

    Args:
        x: (T, M).
        kernel: (width, M, N).
        bias: (N,).
        dilation: Distance between the tokens read.
    """
    width, left = len(kernel), (len(kernel) - 1) // 2
    y = np.zeros((len(x), kernel.shape[-1])) + bias
    for t in range(len(x)):
        for k in range(width):
            place = t + (k - left) * dilation
            if 0 <= place < len(x):
                y[t] += x[place].astype("float64") @ kernel[k]
    return y


def dilated_cnn(x, kernels, biases, dilations, iterations, real):
    """A convolution, then a block of dilated ones with relu, iterated (Strubell et al. 2017); masked tokens are 0."""
    v = convolution(x * real[:, None], kernels[0], biases[0], 1)
    for _ in range(iterations):
        for kernel, bias, dilation in zip(kernels[1:], biases[1:], dilations, strict=True):
            v = np.maximum(convolution(v * real[:, None], kernel, bias, dilation), 0)
    return v * real[:, None]


def normalised(x, gamma, beta, epsilon=1e-3):
    """Layer normalisation of the last axis."""
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon) * gamma + beta


def positions(count, units):
    """p(t, 2i) = sin(t / 10000^(2i / units)), p(t, 2i + 1) = cos of the same."""
    return np.array(
        [[(np.sin, np.cos)[n % 2](t / 10000 ** ((n - n % 2) / units)) for n in range(units)] for t in range(count)]
    ).reshape(count, units)


def attention(x, w):
    """softmax(q k' / sqrt(size)) v for each head, and a product over all heads: q_h = x W_q[:, h], ..."""
    _, heads, size = w["W_q"].shape
    found = np.zeros((len(x), w["W_o"].shape[-1]))
    for h in range(heads):
        q, k, v = (x @ w[f"W_{name}"][:, h] for name in "qkv")
        scores = np.exp(q @ k.T / np.sqrt(size))
        found += scores / scores.sum(-1, keepdims=True) @ v @ w["W_o"][h]
    return found


def transformer(x, entry, blocks, norm):
    """Pre-normalised blocks over one sentence without its masked tokens; w of each block as `attention` and W_1 ..."""
    x = x.astype("float64") @ entry
    x = x + positions(len(x), x.shape[-1])
    for w in blocks:
        x = x + attention(normalised(x, *w["norm_a"]), w)
        x = x + np.maximum(normalised(x, *w["norm_f"]) @ w["W_1"] + w["b_1"], 0) @ w["W_2"] + w["b_2"]
    return normalised(x, *norm)
