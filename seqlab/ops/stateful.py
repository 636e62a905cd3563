"""A training step with variables that are assigned to, under one contract on every backend.

What Keras needs on JAX (values in, values out) is hidden here: functions read and assign variables as on TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

Tensor = Any
Variables = Sequence[Any]


def with_state(function: Callable[[], Any], variables: Sequence[Variables], values: Any) -> tuple[Any, Any]:
    """Runs a function on given values of variables, and returns what it returns and the values after it.

    This is what `train_step` is on JAX, where variables keep no values of their own while a step is traced.

    Args:
        function: Reads and assigns the variables.
        variables: Groups of them.
        values: Groups of as many values.
    """
    pairs = [pair for part, given in zip(variables, values, strict=True) for pair in zip(part, given, strict=True)]
    with keras.StatelessScope(state_mapping=pairs) as scope:
        found = function()
    return found, tuple([scope.get_current_value(variable) for variable in part] for part in variables)


def switched(index: Tensor, branches: Sequence[Callable[[], Tensor]], state: Variables) -> Tensor:
    """Runs one of several functions; the others' assignments do not happen and what they compute is not computed.

    Args:
        index: Which, a scalar of whole numbers.
        branches: Functions without arguments, which return tensors of one shape and type.
        state: All variables that any of them assigns to, and if there are some, all that any reads.

    Returns:
        What the chosen one returns.
    """
    if keras.backend.backend() != "jax":
        return ops.switch(index, list(branches))
    import jax

    if not isinstance(index, jax.core.Tracer):  # nothing is compiled: no need to trace the others
        return branches[int(index)]()
    if not state:
        return ops.switch(index, list(branches))
    before = [variable.value for variable in state]

    def pure(branch: Callable[[], Tensor]) -> Callable[..., Any]:
        return lambda values: with_state(branch, [state], [values])

    found, (after,) = ops.switch(index, [pure(branch) for branch in branches], before)
    _assign(state, after)
    return found


def gradients(
    function: Callable[[], tuple[Tensor, Any]], variables: Variables, state: Variables
) -> tuple[Any, list[Tensor]]:
    """Differentiates a scalar with respect to variables.

    Args:
        function: Returns the scalar and whatever else is wanted of it (a nested structure of tensors).
        variables: Those that the gradients are of.
        state: All other variables that the function reads or assigns to, such as random states.

    Returns:
        What else the function returned, and the gradients; `None` on TensorFlow and torch for one that is not read.

    Raises:
        ValueError: For an unknown backend.
    """
    backend = keras.backend.backend()
    if backend not in _GRADIENTS:
        raise ValueError(f"`gradients` knows the backends {', '.join(_GRADIENTS)}. Received: {backend!r}.")
    more, found = _GRADIENTS[backend](function, list(variables), list(state))
    return more, found


def _assign(variables: Variables, values: Sequence[Tensor]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _gradients_jax(function: Callable[[], tuple[Tensor, Any]], variables: list[Any], state: list[Any]) -> Any:
    import jax

    kept = [variable.value for variable in state]

    def pure(values: list[Tensor]) -> Any:
        pairs = [*zip(state, kept, strict=True), *zip(variables, values, strict=True)]
        with keras.StatelessScope(state_mapping=pairs, collect_losses=True) as scope:
            value, more = function()
        return value, (more, [scope.get_current_value(variable) for variable in state])

    found, (more, after) = jax.grad(pure, has_aux=True)([variable.value for variable in variables])
    _assign(state, after)
    return more, found


def _gradients_tensorflow(function: Callable[[], tuple[Tensor, Any]], variables: list[Any], state: list[Any]) -> Any:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        value, more = function()
    return more, tape.gradient(value, variables)


def _gradients_torch(function: Callable[[], tuple[Tensor, Any]], variables: list[Any], state: list[Any]) -> Any:
    import torch

    value, more = function()
    found = torch.autograd.grad(value, [variable.value for variable in variables], allow_unused=True)
    return keras.tree.map_structure(lambda x: x.detach(), more), list(found)


_GRADIENTS: dict[str, Callable[..., Any]] = {
    "tensorflow": _gradients_tensorflow,
    "jax": _gradients_jax,
    "torch": _gradients_torch,
}
