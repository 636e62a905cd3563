"""Training of a small recurrent model, an update after each piece, whose epochs are one compiled program each.

An update of a small model takes less time than it takes to start one. So here one program of JAX goes over all pieces
of an epoch. Sizes of layers are rounded up and rates are inputs of the program, so that few programs serve a search.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from seqlab.errors import SettingsError
from seqlab.layers.cells.base import Options, Run
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.ops.scan import scan

Tensor = Any
Weights = list[Any]
STD = 0.1  # of the initial weights


class Rates(NamedTuple):
    """What sets the speed of learning; in a population each is an array.

    Attributes:
        learning_rate: Of SGD, already times (1 - momentum) if it is to be.
        momentum: Of Nesterov.
        noise: Standard deviation of the Gaussian noise on the inputs.
    """

    learning_rate: Any
    momentum: Any
    noise: Any


class State(NamedTuple):
    """Weights and their velocities."""

    weights: Weights
    velocities: Weights


class Program:
    """An LSTM layer, one of the nine variants, and sigmoid outputs that predict the next step of a piece.

        E = sum over steps t and keys k of log(1 + exp s_k(t)) - x_k(t + 1) s_k(t),   s(t) = y(t) W + b
        v <- m v - r dE/dw,   w <- w + m v - r dE/dw          after each piece (SGD with Nesterov momentum)

    A layer of fewer units than the program's runs in it too: its further weights are zero and stay zero. The states of
    the further units are then zero as well, and what reaches the others from them: nothing.

    Args:
        variant: Code of the LSTM variant.
        units: Blocks of the layer that is computed.
        keys: Width of the pieces.
        bounds: Those of the training pieces' groups (`Packed`), each compiled for itself.
        population: Whether all inputs but the data hold a leading axis, one model each, which learn side by side.

    Raises:
        SettingsError: On another backend than JAX.
    """

    def __init__(self, variant: str, units: int, keys: int, bounds: Sequence[int], population: bool = False) -> None:
        if keras.backend.backend() != "jax":
            raise SettingsError(
                f"Compiled epochs need the backend jax, received {keras.backend.backend()!r}: set KERAS_BACKEND=jax."
            )
        import jax

        self.units, self.population = units, population
        self.variant, self.keys, self.bounds = variant, keys, tuple(bounds)
        self.compiled: set[Any] = set()  # what its callers have compiled it for
        self.cell, self.outputs = _layers(variant, units, keys)
        epoch, totals = self._epoch, self.total
        if population:
            epoch = jax.vmap(epoch, in_axes=(0, 0, 0, 0, None, None))
            totals = jax.vmap(totals, in_axes=(0, None))
        self.epoch = jax.jit(epoch)
        """From state, rates, live weights, key, order and `Packed.arrays` to the state after an epoch and the loss."""
        self.totals = jax.jit(totals)
        """From weights and groups of pieces to the summed loss."""

    def shapes(self, units: int) -> list[tuple[int, ...]]:
        """The shapes of the weights of a layer of that size: the cell's, then those of the outputs."""
        return [tuple(x.shape) for part in _layers(self.variant, units, self.keys) for x in part.trainable_variables]

    def initial(self, units: int, seed: int) -> Weights:
        """Draws all weights of a layer of that size from N(0, 0.1), in their own shapes."""
        generator = np.random.default_rng(seed)
        return [generator.normal(0, STD, shape).astype("float32") for shape in self.shapes(units)]

    def widened(self, weights: Sequence[np.ndarray], units: int) -> Weights:
        """Puts the weights of a layer of that size into those of the program; the further ones are zero."""
        wide = []
        for weight, target in zip(weights, self.shapes(self.units), strict=True):
            found = np.asarray(weight)
            for axis in _differing(found.shape, target):
                parts = (*found.shape[:axis], found.shape[axis] // units, units, *found.shape[axis + 1 :])
                margins = [(0, 0)] * (axis + 1) + [(0, self.units - units)] + [(0, 0)] * (found.ndim - axis - 1)
                found = np.pad(found.reshape(parts), margins)
                found = found.reshape(*found.shape[:axis], -1, *found.shape[axis + 2 :])
            wide.append(found)
        return wide

    def narrowed(self, weights: Sequence[Any], units: int) -> Weights:
        """Takes the weights of a layer of that size out of those of the program."""
        narrow = []
        for weight, target in zip(weights, self.shapes(units), strict=True):
            found = np.asarray(weight)
            for axis in _differing(found.shape, target):
                blocks = np.arange(target[axis] // units)[:, None] * self.units + np.arange(units)
                found = np.take(found, blocks.reshape(-1), axis=axis)
            narrow.append(found)
        return narrow

    def live(self, units: int) -> Weights:
        """1 for the weights of a layer of that size, 0 for the further ones."""
        return self.widened([np.ones(shape, "float32") for shape in self.shapes(units)], units)

    def total(self, weights: Weights, groups: Any) -> Tensor:
        """The loss summed over all pieces of some groups."""
        return sum(self._loss(weights, steps, lengths) for steps, lengths in groups)

    def _loss(self, weights: Weights, steps: Tensor, lengths: Tensor, noise: Any = 0.0) -> Tensor:
        cell = self.cell
        pieces = ops.transpose(ops.cast(steps, "float32"), (1, 0, 2))  # (time, batch, keys)
        valid = ops.arange(pieces.shape[0] - 1)[:, None] < lengths[None]
        variables = [*cell.trainable_variables, *self.outputs.trainable_variables]
        with keras.StatelessScope(state_mapping=list(zip(variables, weights, strict=True))):
            states = tuple(cell.get_initial_state(pieces.shape[1]))
            run = Run(cell, pieces[:-1] + noise, states, valid)
            scores = self.outputs(cell.run([run], Options(training=True))[0].outputs)
        losses = ops.sum(ops.softplus(scores) - pieces[1:] * scores, axis=-1)
        return ops.sum(ops.where(valid, losses, 0))

    def _epoch(self, state: State, rates: Rates, live: Weights, key: Any, order: Tensor, data: Any) -> Any:
        import jax

        pieces, lengths, groups = data

        def of_group(bound: int) -> Any:
            def gradients(weights: Weights, piece: Any, key: Any) -> Any:
                steps = jax.lax.dynamic_slice_in_dim(pieces, piece, 1)[:, : bound + 1]
                noise = rates.noise * jax.random.normal(key, (bound, 1, self.keys))
                return jax.value_and_grad(self._loss)(weights, steps, lengths[piece][None], noise)

            return gradients

        branches = [of_group(bound) for bound in self.bounds]

        def update(state: State, read: Any) -> Any:
            piece, key = read
            loss, gradients = jax.lax.switch(groups[piece], branches, state.weights, piece, key)
            steps = [rates.learning_rate * on * g for on, g in zip(live, gradients, strict=True)]
            velocities = [rates.momentum * v - step for v, step in zip(state.velocities, steps, strict=True)]
            weights = [
                w + rates.momentum * v - step for w, v, step in zip(state.weights, velocities, steps, strict=True)
            ]
            return State(weights, velocities), loss

        state, losses = scan(update, state, (order, jax.random.split(key, len(order))))
        return state, ops.sum(losses)


def keys_of(seeds: Sequence[int], epoch: int) -> Any:
    """Keys of the random numbers of an epoch, one for each seed."""
    import jax

    return jax.vmap(lambda seed: jax.random.fold_in(jax.random.key(seed), epoch))(np.array(seeds, "uint32"))


def keep_programs_in(folder: str | os.PathLike[str]) -> None:
    """Keeps compiled programs in a folder, where later processes find them."""
    import jax

    jax.config.update("jax_compilation_cache_dir", os.fspath(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


@functools.lru_cache(maxsize=32)
def _layers(variant: str, units: int, keys: int) -> tuple[LSTMCell, keras.layers.Dense]:
    cell = LSTMCell(units, variant, kernel_initializer="zeros", recurrent_initializer="zeros", dtype="float32")
    outputs = keras.layers.Dense(keys, kernel_initializer="zeros", dtype="float32")
    cell.build((None, keys))
    outputs.build((None, None, units))
    return cell, outputs


def _differing(shape: Sequence[int], other: Sequence[int]) -> list[int]:
    """The axes that hold units."""
    return [axis for axis, (a, b) in enumerate(zip(shape, other, strict=True)) if a != b]
