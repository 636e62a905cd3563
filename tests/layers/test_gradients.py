"""Gradients of every weight, input and initial state of layers, in float64, against differences of the oracles."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
from keras import ops

from seqlab.layers.cells.gru import GRUCell, SRNCell
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.layers.cells.sc_lstm import SCLSTMCell
from seqlab.layers.recurrent import Recurrent
from seqlab.ops.recurrence.variants import VARIANTS
from tests.layers.cells.test_sc_lstm import oracle_weights
from tests.layers.common import blocks, learnt, lstm_weights, slopes, tensor
from tests.ops.recurrence.common import array, differences, double
from tests.oracles import recurrent as oracles

UNITS = 2
MASK = np.array([[1, 1, 1], [0, 1, 1], [0, 0, 0]], bool)
INPUTS = np.random.default_rng(0).normal(size=(*MASK.shape, 2))


class Case(NamedTuple):
    """A cell beside its oracle.

    Attributes:
        make: Makes the cell.
        oracle: From the cell, its weights' arrays, a row's steps and its initial states to the sequence of each state.
        output: Makes the layer's output of those.
        task: The task that is asked for.
    """

    make: Callable[..., Any]
    oracle: Callable[..., Any]
    output: Callable[..., Any] = lambda sequences: sequences[0]
    task: int | None = None


def lstm(code: str, gate_slope: bool = False) -> Case:
    """A variant of the LSTM."""

    def oracle(cell: Any, weights: list[np.ndarray], x: np.ndarray, states: list[np.ndarray]) -> Any:
        names = ["kernel_weight", "recurrent", "bias"]
        names += ["peepholes"] * cell.row.peepholes + ["gate_weights"] * cell.row.gate_recurrence
        names += ["slopes"] * gate_slope
        given = {"peepholes": None, "slopes": None} | dict(zip(names, weights, strict=True))
        equation = oracles.sloped_lstm if gate_slope else getattr(oracles, f"lstm_{code.lower()}")
        return equation(x, lstm_weights(SimpleNamespace(row=cell.row, norms={}, projection=None, **given)), *states)

    return Case(lambda: LSTMCell(UNITS, code, gate_slope=gate_slope, dtype="float64"), oracle)


def gru(after: bool) -> Case:
    """The GRU."""

    def oracle(cell: Any, weights: list[np.ndarray], x: np.ndarray, states: list[np.ndarray]) -> Any:
        w: dict[str, Any] = {}
        for prefix, weight in zip("WRb", weights, strict=False):
            w |= blocks(weight, "ruc", prefix)
        return [oracles.gru_after(x, w | {"d_c": weights[3]}, *states) if after else oracles.gru_before(x, w, *states)]

    return Case(lambda: GRUCell(UNITS, reset_after=after, dtype="float64"), oracle)


def srn() -> Case:
    """The simple recurrent network."""

    def oracle(cell: Any, weights: list[np.ndarray], x: np.ndarray, states: list[np.ndarray]) -> Any:
        return [oracles.srn(x, dict(zip("WRb", weights, strict=True)), *states)]

    return Case(lambda: SRNCell(UNITS, dtype="float64"), oracle)


def shared(task: int | None) -> Case:
    """The shared-cell LSTM of two tasks, for both or for one."""
    tasks = [0, 1] if task is None else [task]

    def oracle(cell: Any, weights: list[np.ndarray], x: np.ndarray, states: list[np.ndarray]) -> Any:
        gates, (kernel, recurrent, bias) = [weights[:3], weights[3:6]], weights[6:]
        inner = SimpleNamespace(kernel_weight=kernel, recurrent=recurrent, bias=bias)
        w = oracle_weights(SimpleNamespace(shared=inner, gates=gates))
        h, c, views = oracles.sc_lstm(x, w, tasks, [*states[:2], *(states[2 + k] for k in tasks)])
        still = {k: np.tile(states[2 + k], (len(x), 1)) for k in (0, 1)}  # the other task's view does not move
        return [h, c, *(still | views).values()]

    def output(sequences: Any) -> np.ndarray:
        h, _, *views = sequences
        return np.concatenate([h, *views] if task is None else [views[task], h], axis=-1)

    return Case(lambda: SCLSTMCell(UNITS, 2, dtype="float64"), oracle, output, task)


CASES = {
    **{code: lstm(code) for code in VARIANTS},
    "slopes": lstm("V", gate_slope=True),
    "GRU before": gru(False),
    "GRU after": gru(True),
    "SRN": srn(),
    "SC, both tasks": shared(None),
    "SC, one task": shared(1),
}


@pytest.mark.parametrize("name", CASES)
def test_gradients_of_a_layer(name):
    case, random = CASES[name], np.random.default_rng(1)
    with double():
        layer = learnt(Recurrent(case.make(), return_sequences=True, return_state=True, dtype="float64"), INPUTS.shape)
        count, rows = len(layer.cell.state_size), len(INPUTS)
        weights = [array(weight) for weight in layer.trainable_weights]
        arrays = [INPUTS, *(random.normal(size=(rows, UNITS)) for _ in range(count)), *weights]
        shares = [random.normal(size=(*MASK.shape, layer.cell.width(case.task)))]
        shares += [random.normal(size=(rows, UNITS)) for _ in range(count)]

        def by_layer(inputs, *rest):
            given = {"mask": tensor(MASK), "initial_state": list(rest[:count]), "task": case.task}
            found, _ = layer.stateless_call(list(rest[count:]), [], inputs, **given)
            value = sum(ops.sum(x * tensor(share)) for x, share in zip(found, shares, strict=True))
            return value, [value]

        found, (value,) = slopes(by_layer, jit=True)(*[tensor(x) for x in arrays])
        found = [array(x) for x in found]

    def by_oracle(inputs, *rest):
        total = 0.0
        for row, real in enumerate(MASK):
            states = [state[row] for state in rest[:count]]
            sequences = case.oracle(layer.cell, list(rest[count:]), inputs[row][real], states)
            total += np.sum(case.output(sequences) * shares[0][row][real])
            for share, sequence, state in zip(shares[1:], sequences, states, strict=True):
                total += np.sum(share[row] * (sequence[-1] if real.any() else state))
        return total

    assert all(x.dtype == np.float64 for x in (*weights, *found))
    assert abs(float(value) - by_oracle(*arrays)) < 1e-10
    for one, other in zip(found, differences(by_oracle, arrays), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-8)
