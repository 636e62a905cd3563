"""What every kernel must pass: equal to its oracle, and its gradients to differences of the oracle."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from tests.ops.gradients import gradients
from tests.ops.recurrence.common import BATCH, LENGTHS, UNITS, VALID, Case, array, differences, double

DROPPED = np.random.default_rng(5).integers(0, 2, (BATCH, UNITS)) * 2.0


def check_values(case: Case, dropped: Any = None, masked: bool = False) -> None:
    """The fused loop's states are the oracle's."""
    arrays = case.draw()
    lengths, valid = (LENGTHS, VALID) if masked else (None, None)
    with double():
        tensors = [ops.convert_to_tensor(x) for x in arrays]
        found = [array(x) for x in case.run(tensors, tensor(dropped), tensor(valid))]
    for one, other in zip(found, case.expected(arrays, dropped, lengths), strict=True):
        one = np.where(VALID[..., None], one, 0) if masked else one
        assert one.dtype == np.float64
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


def check_gradients(case: Case, dropped: Any = None, masked: bool = False) -> None:
    """The hand-written gradients of all weights, inputs and initial states are differences of the oracle."""
    arrays = case.draw(1)
    random = np.random.default_rng(2)
    shares = [random.normal(size=(*VALID.shape, UNITS)) for _ in range(case.kernel.states)]
    if masked:
        shares = [np.where(VALID[..., None], share, 0) for share in shares]
    lengths, valid = (LENGTHS, VALID) if masked else (None, None)

    def by_kernel(*tensors: Any) -> Any:
        states = case.run(list(tensors), tensor(dropped), tensor(valid))
        return sum(ops.sum(state * tensor(share)) for state, share in zip(states, shares, strict=True))

    def by_oracle(*moved: Any) -> float:
        states = case.expected(list(moved), dropped, lengths)
        return sum(float(np.sum(state * share)) for state, share in zip(states, shares, strict=True))

    with double():
        value, found = gradients(by_kernel, arrays)
    assert abs(float(value) - by_oracle(*arrays)) < 1e-10
    for one, other in zip(found, differences(by_oracle, arrays), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-8)


def tensor(values: Any) -> Any:
    """A tensor of those values, or `None`."""
    return None if values is None else ops.convert_to_tensor(values)
