"""The packed layout: the same numbers as the oracles, row for row, and gradients as their differences."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.ops.order import order_of
from seqlab.ops.packing import pack, packing_of, unpack
from seqlab.ops.recurrence import layouts
from seqlab.ops.recurrence.fused import Stream, fused
from seqlab.ops.recurrence.layouts import Padded
from seqlab.ops.recurrence.simple import SimpleWeights
from tests.ops.gradients import gradients
from tests.ops.recurrence.checks import DROPPED, check_gradients, check_values, tensor
from tests.ops.recurrence.common import BATCH, CASES, TIME, UNITS, array, differences

LENGTHS = {"sorted": (4, 2, 0), "unsorted": (0, 4, 2), "ties": (2, 3, 2), "equal": (3, 3, 3), "none": (0, 0, 0)}
SHARES = np.random.default_rng(2).normal(size=(5, TIME, BATCH, UNITS))

tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="steps of several sizes")


def packed(case, arrays, lengths, dropped=None, **options):
    """All state sequences (time, batch, units) by the packed loop."""
    order = order_of(tensor(np.arange(TIME) < np.array(lengths)[:, None]))
    packing = packing_of(order)
    inputs, states = len(case.inputs), case.kernel.states
    arrays = [ops.convert_to_tensor(x) for x in arrays]
    arrays[:inputs] = [pack(ops.transpose(x, (1, 0, 2)), packing, order) for x in arrays[:inputs]]
    rows = slice(inputs, inputs + states)
    arrays[rows] = [ops.take(x, packing.sorting, axis=0) for x in arrays[rows]]
    dropped = None if dropped is None else ops.take(tensor(dropped), packing.sorting, axis=0)
    (found,) = fused(case.kernel, [case.stream(arrays, dropped)], outputs=states, packing=packing, **options)
    return [ops.transpose(unpack(x, packing, order), (1, 0, 2)) for x in found]


def weighed(states, lengths):
    """A scalar that every real step reaches."""
    real = np.arange(TIME)[:, None] < np.array(lengths)
    return sum(ops.sum(x * tensor(share * real[..., None])) for x, share in zip(states, SHARES, strict=False))


@tensorflow
@pytest.mark.parametrize(
    ("name", "lengths"),
    [*((name, "unsorted") for name in CASES), *(("V", kind) for kind in LENGTHS if kind != "unsorted")],
)
def test_values_and_gradients(name, lengths):
    case, lengths = CASES[name], LENGTHS[lengths]
    arrays = case.draw(1)
    for one, other in zip(packed(case, arrays, lengths, DROPPED), case.expected(arrays, DROPPED, lengths), strict=True):
        np.testing.assert_allclose(array(one), other, rtol=1e-10, atol=1e-12)
    _, found = gradients(lambda *x: weighed(packed(case, x, lengths, DROPPED), lengths), arrays)
    wanted = differences(
        lambda *x: sum(np.sum(a * b) for a, b in zip(case.expected(list(x), DROPPED, lengths), SHARES, strict=False)),
        arrays,
    )
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-8)


@tensorflow
@pytest.mark.parametrize("cut", [1, 2, 3])
def test_truncation_cuts_where_the_padded_loop_cuts(cut):
    case, lengths, arrays = CASES["V"], LENGTHS["unsorted"], CASES["V"].draw(5)
    valid = tensor(np.arange(TIME)[:, None] < np.array(lengths))
    _, found = gradients(lambda *x: weighed(packed(case, x, lengths, truncation=cut), lengths), arrays)
    _, wanted = gradients(lambda *x: weighed(case.run(list(x), valid=valid, truncation=cut), lengths), arrays)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_packed_steps_need_loops_of_several_sizes():
    case = CASES["V"]

    def run(*arrays):
        return weighed(packed(case, arrays, LENGTHS["ties"]), LENGTHS["ties"])

    with pytest.raises(ValueError, match="outside of XLA alone"):
        if keras.backend.backend() == "tensorflow":
            gradients(run, case.draw(), jit=True)
        else:
            run(*case.draw())


@pytest.fixture
def unrolled(monkeypatch):
    """How many steps each loop took to a turn."""
    seen, scan = set(), layouts.scan

    def noted(*given, unroll=1, **named):
        seen.add(unroll)
        return scan(*given, unroll=unroll, **named)

    monkeypatch.setattr(layouts, "scan", noted)
    return seen


@tensorflow
@pytest.mark.parametrize(
    ("rows", "cut", "jit", "turn"), [(8, None, False, 5), (9, None, False, 1), (9, 2, False, 1), (8, None, True, 1)]
)
def test_few_rows_take_several_steps_to_a_turn(rows, cut, jit, turn, unrolled):
    kernel, random = CASES["SRN"].kernel, np.random.default_rng(3)
    arrays = [random.normal(size=shape) for shape in ((10, rows, UNITS), (UNITS, UNITS), (rows, UNITS))]

    def run(x, recurrent, first):
        (found,) = fused(kernel, [Stream((x,), SimpleWeights(recurrent), (first,))], truncation=cut)
        return ops.sum(found[0])

    gradients(run, arrays, jit=jit)
    assert unrolled == {turn}


@tensorflow
@pytest.mark.parametrize(("few", "turns"), [(0, range(4, 9)), (BATCH, range(2, 3)), (BATCH, range(3, 4))])
@pytest.mark.parametrize("name", ["V", "FGR"])
def test_padded_turns_of_several_steps(name, few, turns, monkeypatch, unrolled):
    """One step to a turn, two turns without and with zeros behind the last step."""
    monkeypatch.setattr(layouts, "FEW", few)
    monkeypatch.setattr(layouts, "TURNS", turns)
    check_values(CASES[name], DROPPED, masked=True)
    check_gradients(CASES[name], DROPPED, masked=True)
    assert unrolled == {turns[0] if few else 1}


@tensorflow
@pytest.mark.parametrize("cut", [None, 2])
def test_zeros_behind_the_last_step_reach_no_derivative(cut, monkeypatch, unrolled):
    """Neither first nor second ones."""
    import tensorflow as tf

    case = CASES["V"]
    monkeypatch.setattr(layouts, "TURNS", range(3, 4))

    def second(*given):
        with tf.GradientTape() as tape:
            tape.watch(given)
            with tf.GradientTape() as inner:
                inner.watch(given)
                value = sum(ops.sum(x**2) for x in case.run(list(given), truncation=cut))
            first = inner.gradient(value, given)
            steep = sum(ops.sum(x**2) for x in first)
        return [*first, *tape.gradient(steep, given)]

    found = []
    for few in (0, BATCH):
        monkeypatch.setattr(layouts, "FEW", few)
        found.append(tf.function(second)(*[tf.constant(x) for x in case.draw(6)]))
    assert unrolled == {1, 3}
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


@tensorflow
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("steps", [1, 7, 13])
def test_padded_steps_of_unknown_number(steps, reverse):
    import tensorflow as tf

    xs = np.random.default_rng(1).normal(size=(steps, BATCH, UNITS))

    def step(state, x):
        return (state[0] / 2 + x[0],), (state[0], x[0])

    @tf.function(input_signature=[tf.TensorSpec((None, BATCH, UNITS), tf.float64)])
    def run(given):
        return Padded().scan(step, (tf.zeros((BATCH, UNITS), tf.float64),), (given,), reverse=reverse)[1]

    before, read = run(xs)
    np.testing.assert_array_equal(read, xs)
    state = np.zeros((BATCH, UNITS))
    for t in reversed(range(steps)) if reverse else range(steps):
        np.testing.assert_allclose(before[t], state)
        state = state / 2 + xs[t]


@pytest.mark.parametrize(("steps", "turn"), [(None, 4), (0, 1), (1, 1), (8, 8), (9, 5), (25, 5), (61, 7), (64, 4)])
def test_turns_leave_few_zeros(steps, turn):
    assert layouts._turn(steps) == turn


def test_padded_numbers_its_steps():
    assert array(Padded().numbers(ops.zeros((3, 2, 1))))[:, 0, 0].tolist() == [0, 1, 2]
