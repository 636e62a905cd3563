"""Convolutions over the tokens of a sequence."""

from __future__ import annotations

from typing import Any

from keras import ops

Tensor = Any


def dilated_convolution(x: Tensor, kernel: Tensor, dilation: int = 1) -> Tensor:
    """`y(t) = sum over k of x(t + (k - left) dilation) W_k`, with `left = (width - 1) // 2` and zeros outside x.

    One matrix product over all windows: it compiles under XLA with its gradient, which a dilated convolution of
    TensorFlow does not do on every device.

    Args:
        x: (batch, time, channels).
        kernel: (width, channels, filters).
        dilation: Tokens from one that is read to the next one.

    Returns:
        (batch, time, filters).

    >>> y = dilated_convolution(ops.reshape(ops.arange(5.0), (1, 5, 1)), ops.ones((3, 1, 1)), dilation=2)
    >>> ops.convert_to_numpy(y).ravel().tolist()
    [2.0, 4.0, 6.0, 4.0, 6.0]
    """
    width, channels, filters = kernel.shape
    left = (width - 1) // 2
    time = ops.shape(x)[1]
    padded = ops.pad(x, [[0, 0], [left * dilation, (width - 1 - left) * dilation], [0, 0]])
    windows = [padded[:, k * dilation : k * dilation + time] for k in range(width)]
    read = ops.concatenate(windows, axis=-1) if width > 1 else windows[0]  # (batch, time, width * channels)
    return ops.matmul(read, ops.reshape(kernel, (width * channels, filters)))
