"""Activations whose slope can be told from their value, so that a backward pass need not keep what went in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops

Tensor = Any


class Activation(NamedTuple):
    """A function and its derivative as a function of its value."""

    name: str
    value: Callable[[Tensor], Tensor]
    slope: Any  # a function of the value; `None` where the value does not tell


def _tanh(x: Tensor) -> Tensor:
    # keras.ops.tanh returns float32 for float64 on JAX; this is the same function there.
    if keras.backend.standardize_dtype(x.dtype) == "float64":
        return 1 - 2 / (1 + ops.exp(2 * x))
    return ops.tanh(x)


ACTIVATIONS = {
    row.name: row
    for row in (
        Activation("tanh", _tanh, lambda y: 1 - y * y),
        Activation("sigmoid", ops.sigmoid, lambda y: y * (1 - y)),
        Activation("linear", lambda x: x, ops.ones_like),
        Activation("relu", ops.relu, lambda y: ops.cast(y > 0, y.dtype)),
        Activation("hard_sigmoid", ops.hard_sigmoid, lambda y: ops.cast(ops.logical_and(y > 0, y < 1), y.dtype) / 6),
        Activation("softsign", ops.softsign, lambda y: ops.square(1 - ops.abs(y))),
    )
}
"""Name to activation, for fused recurrences. Any other works in a cell too, through the plain loop."""


def activation(given: str | Callable[[Tensor], Tensor]) -> Activation:
    """Returns the activation of that name, or wraps any function of one tensor; such a one has no slope to tell.

    Raises:
        ValueError: For a name that Keras does not know.
    """
    function = keras.activations.get(given)
    name = getattr(function, "__name__", "")
    if name in ACTIVATIONS and keras.activations.get(name) is function:  # not a user's own of that name
        return ACTIVATIONS[name]
    return Activation(name, function, None)
