"""Steps of what `bench_recurrent.py` compares with: a plain scan in JAX, torch's LSTM, and a matrix product."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def scan_step(x: np.ndarray, units: int, kind: str) -> Callable[[], Any]:
    """The vanilla with peepholes as a plain `jax.lax.scan` that JAX differentiates."""
    import jax
    from jax import numpy as jnp

    def one(weights: Any, steps: Any, reverse: bool) -> Any:
        kernel, recurrent, peepholes = weights

        def step(state: Any, a: Any) -> Any:
            y, c = state
            z, i, f, o = jnp.split(a + y @ recurrent, 4, axis=-1)
            c_new = jnp.tanh(z) * jax.nn.sigmoid(i + peepholes[0] * c) + c * jax.nn.sigmoid(f + peepholes[1] * c)
            y = jax.nn.sigmoid(o + peepholes[2] * c_new) * jnp.tanh(c_new)
            return (y, c_new), y

        zeros = jnp.zeros((steps.shape[1], units))
        return jax.lax.scan(step, (zeros, zeros), steps @ kernel, reverse=reverse)[1]

    def forward(weights: Any, x: Any) -> Any:
        steps = x.transpose(1, 0, 2)
        outputs = [one(part, steps, reverse) for part, reverse in zip(weights, (False, True), strict=True)]
        return jnp.concatenate(outputs, axis=-1).transpose(1, 0, 2)

    random = np.random.default_rng(1)
    sizes = ((x.shape[-1], 4 * units), (units, 4 * units), (3, units))
    weights = [tuple(jnp.asarray(0.1 * random.normal(size=size), "float32") for size in sizes) for _ in range(2)]
    run = jax.jit(forward if kind == "forward" else jax.grad(lambda w, x: (forward(w, x) ** 2).mean(), (0, 1)))
    fixed = jnp.asarray(x)
    return lambda: jax.block_until_ready(run(weights, fixed))


def torch_step(x: np.ndarray, units: int, kind: str) -> Callable[[], Any]:
    """torch.nn.LSTM, on its GPU where it has one."""
    import torch

    device = _device()
    layer = torch.nn.LSTM(x.shape[-1], units, bidirectional=True, batch_first=True).to(device)
    fixed = torch.tensor(x, device=device, requires_grad=kind == "train")

    def run() -> None:
        with torch.set_grad_enabled(kind == "train"):
            outputs, _ = layer(fixed)
            if kind == "train":
                layer.zero_grad()
                outputs.square().mean().backward()
        if device == "cuda":
            torch.cuda.synchronize()

    return run


def product_step(system: str, *sizes: tuple[int, int]) -> Callable[[], Any]:
    """One matrix product of a system."""
    one, other = (np.ones(size, "float32") for size in sizes)
    if system == "torch":
        import torch

        given = [torch.tensor(x, device=_device()) for x in (one, other)]
        return lambda: (given[0] @ given[1])[0, 0].item()
    if system == "tensorflow":
        import tensorflow as tf

        fixed = tf.constant(one), tf.constant(other)
        return lambda: tf.matmul(*fixed)[0, 0].numpy()
    import jax

    run, arrays = jax.jit(jax.numpy.matmul), (jax.numpy.asarray(one), jax.numpy.asarray(other))
    return lambda: jax.block_until_ready(run(*arrays))


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
