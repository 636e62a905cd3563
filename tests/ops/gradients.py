"""Values and gradients of a scalar function on whichever backend runs."""

from __future__ import annotations

import keras
import numpy as np


def gradients(function, arrays, jit=False):
    """Returns the value of `function(*arrays)` and its gradients, as NumPy arrays.

    `jit="jax"` compiles on JAX alone.
    """
    jit = keras.backend.backend() == "jax" if jit == "jax" else jit
    return {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[keras.backend.backend()](function, arrays, jit)


def compiled(function, *static):
    """The function, compiled once for each shape on JAX, where each uncompiled call would compile its loops anew."""
    if keras.backend.backend() != "jax":
        return function
    import jax

    return jax.jit(function, static_argnames=static)


def _tensorflow(function, arrays, jit):
    import tensorflow as tf

    tensors = [tf.constant(a) for a in arrays]

    @tf.function(jit_compile=jit)
    def run(*tensors):
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            value = function(*tensors)
        return value, [tf.convert_to_tensor(g) for g in tape.gradient(value, tensors)]

    value, found = run(*tensors)
    return value.numpy(), [g.numpy() for g in found]


def _jax(function, arrays, jit):
    import jax

    run = jax.value_and_grad(function, tuple(range(len(arrays))))
    value, found = (jax.jit(run) if jit else run)(*[jax.numpy.asarray(a) for a in arrays])
    return np.asarray(value), [np.asarray(g) for g in found]


def _torch(function, arrays, jit):
    import torch

    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    value = function(*tensors)
    value.backward()
    return value.detach().numpy(), [t.grad.numpy() for t in tensors]
