"""Kernels beside their oracles: one row each, in float64."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import keras
import numpy as np
from keras import ops

from seqlab.ops.recurrence.activations import activation
from seqlab.ops.recurrence.full_gate import FullGateKernel, FullGateWeights
from seqlab.ops.recurrence.fused import Stream, fused
from seqlab.ops.recurrence.gru import GRUAfterKernel, GRUAfterWeights, GRUBeforeKernel, GRUBeforeWeights
from seqlab.ops.recurrence.lstm import LSTMKernel, LSTMWeights
from seqlab.ops.recurrence.simple import SimpleWeights, SRNKernel, TaskGateKernel
from seqlab.ops.recurrence.variants import VARIANTS
from tests.oracles import recurrent

TIME, BATCH, UNITS = 4, 3, 2
LENGTHS = np.array([4, 2, 0])
VALID = np.arange(TIME)[:, None] < LENGTHS  # (time, batch)
TANH, LINEAR, SIGMOID = activation("tanh"), activation("linear"), activation("sigmoid")


@contextlib.contextmanager
def double() -> Iterator[None]:
    """Lets JAX, and Keras where it multiplies matrices on torch, compute in float64; TensorFlow does so anyway."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        with jax.enable_x64(True):
            yield
    elif backend == "torch":
        from keras.src.backend.common import dtypes  # noqa: TID251  (there is no public switch)

        with mock.patch.dict(dtypes.BIT64_TO_BIT32_DTYPE, {"float64": "float64"}):
            yield
    else:
        yield


@dataclass(frozen=True)
class Case:
    """A kernel, the shapes of what it reads, and an oracle for one row of a batch.

    Attributes:
        kernel: The kernel.
        inputs: Widths of the inputs.
        weights: Shapes of the weights.
        pack: From the weights' arrays, and the dropout of y(t-1), to what the kernel takes.
        oracle: From a row's inputs (time, width), its weights and initial states to its state sequences.
    """

    kernel: Any
    inputs: tuple[int, ...]
    weights: tuple[tuple[int, ...], ...]
    pack: Callable[..., Any]
    oracle: Callable[..., Any]

    def draw(self, seed: int = 0) -> list[np.ndarray]:
        """Inputs, initial states and weights, drawn at random."""
        random = np.random.default_rng(seed)
        shapes = [(TIME, BATCH, width) for width in self.inputs]
        shapes += [(BATCH, UNITS)] * self.kernel.states + list(self.weights)
        return [random.normal(size=shape) for shape in shapes]

    def stream(self, arrays: list[Any], dropped: Any = None, valid: Any = None) -> Stream:
        """What `fused` takes."""
        count = len(self.inputs)
        inputs, states, weights = self._parts(arrays)
        assert len(inputs) == count
        return Stream(tuple(inputs), self.pack(weights, dropped), tuple(states), valid)

    def run(self, arrays: list[Any], dropped: Any = None, valid: Any = None, **options: Any) -> Any:
        """All state sequences by the fused loop."""
        options = {"outputs": self.kernel.states, **options}
        return fused(self.kernel, [self.stream(arrays, dropped, valid)], **options)[0]

    def plain(self, arrays: list[Any], dropped: Any = None, cut: int | None = None) -> list[Any]:
        """All state sequences, one step after the other, for the backend to differentiate."""
        stream = self.stream(arrays, dropped)
        states, found = stream.initial, []
        for t in range(TIME):
            if cut and t and t % cut == 0:
                states = tuple(ops.stop_gradient(state) for state in states)
            read = tuple(x[t] for x in self.kernel.prepared(stream.inputs))
            states, _ = self.kernel.step(read, states, stream.weights)
            found.append(states)
        return [ops.stack([states[k] for states in found]) for k in range(self.kernel.states)]

    def expected(self, arrays: list[np.ndarray], dropped: Any = None, lengths: Any = None) -> list[np.ndarray]:
        """All state sequences by the oracle, zeros after a row's end."""
        inputs, states, weights = self._parts(arrays)
        found = [np.zeros((TIME, BATCH, UNITS)) for _ in states]
        for row in range(BATCH):
            steps = TIME if lengths is None else lengths[row]
            scaled = list(weights)
            if dropped is not None:
                scaled[0] = dropped[row][:, None] * weights[0]  # (y m) R = y (m' R)
            sequences = self.oracle([x[:steps, row] for x in inputs], scaled, [state[row] for state in states])
            for k, sequence in enumerate(sequences):
                found[k][:steps, row] = sequence
        return found

    def _parts(self, arrays: list[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        one = len(self.inputs)
        other = one + self.kernel.states
        return list(arrays[:one]), list(arrays[one:other]), list(arrays[other:])


def entered(blocks: str) -> dict[str, np.ndarray]:
    """Input weights that hand pre-activations through: block k reads columns k of what comes in."""
    eye = np.eye(len(blocks) * UNITS)
    return {f"W_{block}": eye[:, k * UNITS : (k + 1) * UNITS] for k, block in enumerate(blocks)}


def named(blocks: str, prefix: str, matrix: np.ndarray) -> dict[str, np.ndarray]:
    """The blocks of columns by name."""
    return {f"{prefix}_{block}": part for block, part in zip(blocks, np.split(matrix, len(blocks), -1), strict=True)}


def lstm(code: str) -> Case:
    """A variant of the LSTM."""
    row = VARIANTS[code]
    blocks, gates = row.blocks, row.gates
    kernel = LSTMKernel(
        row,
        TANH if row.input_activation else LINEAR,
        TANH if row.output_activation else LINEAR,
        SIGMOID,
    )
    shapes = ((UNITS, len(blocks) * UNITS), (len(gates) * UNITS,))[: 2 if row.peepholes else 1]

    def oracle(inputs: Any, weights: Any, states: Any) -> Any:
        keys = entered(blocks) | named(blocks, "R", weights[0]) | {f"b_{block}": 0.0 for block in blocks}
        if row.peepholes:
            keys |= named(gates, "p", weights[1])
        return getattr(recurrent, f"lstm_{code.lower()}")(inputs[0], keys, *states)

    def pack(weights: Any, dropped: Any) -> LSTMWeights:
        peepholes = tuple(ops.split(weights[1], len(gates), axis=-1)) if row.peepholes else ()
        return LSTMWeights(weights[0], peepholes, dropped)

    return Case(kernel, (len(blocks) * UNITS,), shapes, pack, oracle)


def full_gate() -> Case:
    """Full gate recurrence."""

    def oracle(inputs: Any, weights: Any, states: Any) -> Any:
        keys = entered("zifo") | named("zifo", "R", weights[0]) | {f"b_{block}": 0.0 for block in "zifo"}
        keys |= named("ifo", "p", weights[2])
        for source, rows in zip("ifo", np.split(weights[1], 3), strict=True):
            keys |= {f"R_{source}{gate}": part for gate, part in zip("ifo", np.split(rows, 3, -1), strict=True)}
        return recurrent.lstm_fgr(inputs[0], keys, *states)

    shapes = ((UNITS, 4 * UNITS), (3 * UNITS, 3 * UNITS), (3 * UNITS,))
    kernel = FullGateKernel(TANH, TANH, SIGMOID)

    def pack(weights: Any, dropped: Any) -> FullGateWeights:
        return FullGateWeights(*weights[:2], tuple(ops.split(weights[2], 3, axis=-1)), dropped)

    return Case(kernel, (4 * UNITS,), shapes, pack, oracle)


def gru(after: bool) -> Case:
    """The GRU."""

    def oracle(inputs: Any, weights: Any, states: Any) -> Any:
        keys = entered("ruc") | named("ruc", "R", weights[0]) | {f"b_{block}": 0.0 for block in "ruc"}
        if after:
            return [recurrent.gru_after(inputs[0], keys | {"d_c": weights[1]}, *states)]
        return [recurrent.gru_before(inputs[0], keys, *states)]

    def pack(weights: Any, dropped: Any) -> GRUAfterWeights | GRUBeforeWeights:
        if after:
            return GRUAfterWeights(*weights, dropped)
        return GRUBeforeWeights(weights[0][:, : 2 * UNITS], weights[0][:, 2 * UNITS :], dropped)

    shapes = ((UNITS, 3 * UNITS), (UNITS,))[: 2 if after else 1]
    kernel = (GRUAfterKernel if after else GRUBeforeKernel)(TANH, SIGMOID)
    return Case(kernel, (3 * UNITS,), shapes, pack, oracle)


def srn() -> Case:
    """The simple recurrent network."""

    def oracle(inputs: Any, weights: Any, states: Any) -> Any:
        return [recurrent.srn(inputs[0], {"W": np.eye(UNITS), "R": weights[0], "b": 0.0}, *states)]

    return Case(SRNKernel(TANH), (UNITS,), ((UNITS, UNITS),), lambda w, dropped: SimpleWeights(w[0], dropped), oracle)


def task_gate() -> Case:
    """A task's output gate."""

    def oracle(inputs: Any, weights: Any, states: Any) -> Any:
        q, found = states[0], []
        for a, c in zip(*inputs, strict=True):
            q = recurrent.sigmoid(a + q @ weights[0]) * np.tanh(c)
            found.append(q)
        return [np.reshape(found, (-1, UNITS))]

    shapes = ((UNITS, UNITS),)
    kernel = TaskGateKernel(SIGMOID, TANH)
    return Case(kernel, (UNITS, UNITS), shapes, lambda w, dropped: SimpleWeights(w[0], dropped), oracle)


CASES = {
    **{code: lstm(code) for code in VARIANTS if code != "FGR"},
    "FGR": full_gate(),
    "GRU before": gru(False),
    "GRU after": gru(True),
    "SRN": srn(),
    "task gate": task_gate(),
}
"""Every kernel by name."""


def array(tensor: Any) -> np.ndarray:
    return np.array(ops.convert_to_numpy(tensor))


def differences(function: Callable[..., float], arrays: list[np.ndarray], step: float = 1e-5) -> list[np.ndarray]:
    """The gradient of a function of arrays by central differences."""
    found = []
    for k, values in enumerate(arrays):
        gradient = np.zeros_like(values)
        for place in np.ndindex(values.shape):
            ends = []
            for sign in (1, -1):
                moved = [x.copy() for x in arrays]
                moved[k][place] += sign * step
                ends.append(function(*moved))
            gradient[place] = (ends[0] - ends[1]) / (2 * step)
        found.append(gradient)
    return found
