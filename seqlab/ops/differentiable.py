"""Functions with a hand-written backward pass, under one contract on every backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

Tensor = Any
Forward = Callable[..., tuple[tuple[Tensor, ...], Any]]
Backward = Callable[[Any, tuple[Tensor, ...]], tuple[Tensor | None, ...]]


def differentiable(forward: Forward, backward: Backward) -> Callable[..., tuple[Tensor, ...]]:
    """Joins a forward pass and its backward pass into one differentiable function.

    Every tensor that either of them reads must come in as an argument: on TensorFlow and JAX a tensor of the
    surroundings would get no gradient. Second derivatives go through `backward` on TensorFlow and JAX; on torch a
    backward pass that is to be differentiated (`create_graph=True`) is a NotImplementedError.

    Args:
        forward: From the inputs to a tuple of outputs and whatever `backward` needs (a nested tuple of tensors).
        backward: From that and the gradients of the outputs to the gradients of the inputs, `None` for an input that
            has none (a mask).

    Returns:
        The function, from the inputs to the tuple of outputs.

    Raises:
        ValueError: For an unknown backend.

    >>> square = differentiable(lambda x: ((x * x,), x), lambda x, upstream: (2 * x * upstream[0],))
    >>> [float(y) for y in square(keras.ops.convert_to_tensor(3.0))]
    [9.0]
    """
    backend = keras.backend.backend()
    if backend not in _JOINS:
        raise ValueError(f"`differentiable` knows the backends {', '.join(_JOINS)}. Received: {backend!r}.")
    joined: Callable[..., tuple[Tensor, ...]] = _JOINS[backend](forward, backward)
    return joined


def _join_jax(forward: Forward, backward: Backward) -> Any:
    import jax

    joined: Any = jax.custom_vjp(lambda *inputs: forward(*inputs)[0])
    joined.defvjp(forward, backward)
    return joined


def _join_tensorflow(forward: Forward, backward: Backward) -> Any:
    import tensorflow as tf

    def paired(*inputs: Tensor) -> tuple[tuple[Tensor, ...], Callable[..., tuple[Tensor | None, ...]]]:
        outputs, kept = forward(*inputs)
        return outputs, lambda *upstream: backward(kept, upstream)

    joined = tf.custom_gradient(paired)
    return lambda *inputs: joined(*(tf.convert_to_tensor(x) for x in inputs))


def _join_torch(forward: Forward, backward: Backward) -> Any:
    import torch

    def there(context: Any, *inputs: Tensor) -> tuple[Tensor, ...]:
        outputs, context.kept = forward(*inputs)
        return outputs

    def back(context: Any, *upstream: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():  # torch would take what goes back for a constant, and say nothing
            raise NotImplementedError(
                "A backward pass that seqlab has written by hand has no derivative of its own on torch; received "
                "create_graph=True. Leave it out, or take second derivatives on TensorFlow or JAX."
            )
        return backward(context.kept, upstream)

    methods = {"forward": staticmethod(there), "backward": staticmethod(back)}
    joined: Any = type("Joined", (torch.autograd.Function,), methods)
    return joined.apply


_JOINS = {"tensorflow": _join_tensorflow, "jax": _join_jax, "torch": _join_torch}
