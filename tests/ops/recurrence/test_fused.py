"""The loop around the kernels: two streams, what is returned, cuts, second derivatives, overflow after a row's end."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.ops.differentiable import differentiable
from seqlab.ops.recurrence.fused import Stream, fused
from seqlab.ops.recurrence.lstm import LSTMKernel, LSTMWeights
from seqlab.ops.recurrence.variants import VARIANTS
from tests.ops.gradients import gradients
from tests.ops.recurrence.checks import tensor
from tests.ops.recurrence.common import BATCH, CASES, LINEAR, SIGMOID, TIME, UNITS, VALID, array, double

SHARE = np.random.default_rng(3).normal(size=(TIME, BATCH, UNITS))


@pytest.mark.parametrize("name", CASES)
def test_equals_the_plain_loop(name):
    case = CASES[name]
    arrays = case.draw(4)
    with double():
        fast = gradients(lambda *x: ops.sum(case.run(list(x), outputs=1)[0] * tensor(SHARE)), arrays)
        plain = gradients(lambda *x: ops.sum(case.plain(list(x))[0] * tensor(SHARE)), arrays)
    np.testing.assert_allclose(fast[0], plain[0], rtol=1e-12)
    for one, other in zip(fast[1], plain[1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["V", "GRU after"])
def test_under_jit(name):
    if keras.backend.backend() == "torch":
        pytest.skip("torch's compiler needs a C++ compiler and minutes")
    case = CASES[name]
    arrays = [x.astype("float32") for x in case.draw(4)]

    def loss(*x):
        return ops.sum(case.run(list(x), outputs=1)[0] * ops.cast(tensor(SHARE), "float32"))

    for one, other in zip(gradients(loss, arrays)[1], gradients(loss, arrays, jit=True)[1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_floats_kept_for_the_backward_pass(name, monkeypatch):
    passes = []

    def noted(forward, backward):
        passes.append(forward)
        return differentiable(forward, backward)

    monkeypatch.setattr("seqlab.ops.recurrence.fused.differentiable", noted)
    case = CASES[name]
    arrays = [x.astype("float32") for x in case.draw(4)]
    stream = case.stream([ops.convert_to_tensor(x) for x in arrays])
    fused(case.kernel, [stream])
    _, kept = passes[0](*[x for x in keras.tree.flatten(tuple(stream)) if x is not None])
    sequences = [x for x in keras.tree.flatten(kept) if x is not None and tuple(x.shape[:2]) == (TIME, BATCH)]
    floats = sum(int(np.prod(x.shape)) for x in sequences) / (TIME * BATCH * UNITS)
    # The task gate's c is among what the shared LSTM keeps.
    less = dict.fromkeys(("NIG", "NFG", "NOG", "CIFG", "GRU after"), 5) | {"SRN": 1, "task gate": 2, "GRU before": 4}
    assert floats == less.get(name, 6)


def test_two_streams_are_two_runs():
    case = CASES["CIFG"]
    first, second = case.draw(1), case.draw(2)
    count = len(first)

    def both(*x):
        streams = [case.stream(list(x[:count])), case.stream(list(x[count:]))]
        (one,), (other,) = fused(case.kernel, streams)
        return ops.sum(one * tensor(SHARE)) + 2 * ops.sum(other * tensor(SHARE))

    with double():
        value, found = gradients(both, first + second)
        parts = [gradients(lambda *x: ops.sum(case.run(list(x))[0] * tensor(SHARE)), x) for x in (first, second)]
    assert float(value) == pytest.approx(float(parts[0][0]) + 2 * float(parts[1][0]))
    for one, other in zip(found, [*parts[0][1], *(2 * x for x in parts[1][1])], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("cut", [1, 2, 3])
@pytest.mark.parametrize("name", ["V", "FGR", "GRU before"])
def test_truncation_is_a_stopped_gradient(name, cut):
    case = CASES[name]
    arrays = case.draw(5)
    with double():
        _, found = gradients(lambda *x: ops.sum(case.run(list(x), truncation=cut)[0] * tensor(SHARE)), arrays)
        _, wanted = gradients(lambda *x: ops.sum(case.plain(list(x), cut=cut)[0] * tensor(SHARE)), arrays)
        _, whole = gradients(lambda *x: ops.sum(case.run(list(x))[0] * tensor(SHARE)), arrays)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    assert not np.allclose(found[0], whole[0])


def test_overflow_after_a_rows_end_reaches_no_gradient():
    """Without output activation and with a doubling recurrence the states overflow in the padding."""
    kernel = LSTMKernel(VARIANTS["NOAF"], LINEAR, LINEAR, SIGMOID)
    time = 400
    a = np.ones((time, BATCH, 4 * UNITS), "float32")
    recurrent = np.full((UNITS, 4 * UNITS), 5.0, "float32")
    zeros = np.zeros((BATCH, UNITS), "float32")
    valid = np.arange(time)[:, None] < np.array([3, 2, 0])

    def loss(a, recurrent):
        stream = Stream((a,), LSTMWeights(recurrent), (tensor(zeros), tensor(zeros)), tensor(valid))
        return ops.sum(ops.where(tensor(valid)[..., None], fused(kernel, [stream])[0][0], 0))

    sequence = fused(kernel, [Stream((tensor(a),), LSTMWeights(tensor(recurrent)), (tensor(zeros),) * 2)])[0][0]
    assert not np.isfinite(array(sequence)).all()
    value, found = gradients(loss, [a, recurrent])
    assert np.isfinite(value)
    assert all(np.isfinite(x).all() for x in found)
    assert not found[0][~valid].any()
    assert found[0][0, :2].any(-1).all()


SECOND = [("V", None), ("V", 2), ("task gate", 1)]
SECOND += [pytest.param(*row, marks=pytest.mark.slow) for row in (("GRU before", None), ("FGR", None), ("FGR", 1))]


@pytest.mark.parametrize(("name", "cut"), SECOND)
def test_second_derivatives(name, cut):
    case = CASES[name]
    arrays = case.draw(6)
    names = keras.backend.backend()
    if names == "torch":
        pytest.skip("torch refuses them, see test_second_derivatives_are_refused_by_torch")

    def bent(run):
        def loss(*x):
            return ops.sum(ops.square(first(run, list(x))))

        return loss

    def first(run, x):
        """The gradient of the first input, as the backend's own graph."""
        if names == "jax":
            import jax

            return jax.grad(lambda a: ops.sum(run([a, *x[1:]])[0] * tensor(SHARE)))(x[0])
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(x[0])
            value = ops.sum(run(x)[0] * tensor(SHARE))
        return tape.gradient(value, x[0])

    with double():
        fast = gradients(bent(functools.partial(case.run, truncation=cut)), arrays)[1]
        plain = gradients(bent(functools.partial(case.plain, cut=cut)), arrays)[1]
    for one, other in zip(fast, plain, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-10)


def test_second_derivatives_are_refused_by_torch():
    if keras.backend.backend() != "torch":
        pytest.skip("the other backends give them")
    import torch

    case = CASES["V"]
    tensors = [torch.tensor(x, requires_grad=True) for x in case.draw()]
    value = case.run(tensors)[0].sum()
    with pytest.raises(NotImplementedError, match="no derivative of its own on torch"):
        torch.autograd.grad(value, tensors[0], create_graph=True)


def test_nan_stays_in_its_row():
    case = CASES["V"]
    arrays = case.draw()
    arrays[0][1, 0] = np.nan
    with double():
        sequence = array(case.run([tensor(x) for x in arrays], valid=tensor(VALID))[0])
    assert np.isnan(sequence[1:, 0]).all()
    assert np.isfinite(sequence[:, 1:]).all()
