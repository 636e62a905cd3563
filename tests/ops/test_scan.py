from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import ops

from seqlab.ops.scan import scan, scan_packed
from tests.ops.gradients import gradients

XS = np.arange(12, dtype="float32").reshape(4, 3)


@pytest.mark.parametrize("reverse", [False, True])
def test_unrolled_steps_are_the_same_steps(reverse):
    xs = (np.arange(12.0, dtype="float32").reshape(6, 2), np.array([1, 0, 1, 1, 0, 1], bool))

    def step(state, inputs):
        x, add = inputs
        state = ops.where(add, state + x, 2 * state)
        return state, (state, x * 3)

    found, wanted = (scan(step, np.ones(2, "float32"), xs, reverse, unroll=unroll) for unroll in (3, 1))
    for one, other in zip((found[0], *found[1]), (wanted[0], *wanted[1]), strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(one), ops.convert_to_numpy(other))


def array(tensor):
    return ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("reverse", [False, True])
def test_outputs_keep_their_places(reverse):
    state, outs = scan(lambda s, x: (s + x, s * 1.0), ops.zeros((3,)), ops.convert_to_tensor(XS), reverse=reverse)
    order = XS[::-1] if reverse else XS
    before = np.concatenate([np.zeros((1, 3)), np.cumsum(order, 0)[:-1]])
    np.testing.assert_allclose(array(state), XS.sum(0))
    np.testing.assert_allclose(array(outs), before[::-1] if reverse else before)


def test_nested_states_inputs_and_outputs():
    def step(state, inputs):
        (a, b), (x, flag) = state, inputs
        return (a + x, ops.where(flag, x, b)), ({"sum": a}, (b, flag))

    flags = np.array([True, False, True, False])
    init = (ops.zeros((3,)), ops.zeros((3,)))
    (total, kept), (sums, (_, seen)) = scan(step, init, (ops.convert_to_tensor(XS), ops.convert_to_tensor(flags)))
    np.testing.assert_allclose(array(total), XS.sum(0))
    np.testing.assert_allclose(array(kept), XS[2])
    np.testing.assert_allclose(array(sums["sum"])[1], XS[0])
    assert array(seen).tolist() == flags.tolist()


def test_one_step_and_no_outputs():
    state, outs = scan(lambda s, x: (s + x, ()), ops.zeros((3,)), ops.convert_to_tensor(XS[:1]))
    np.testing.assert_allclose(array(state), XS[0])
    assert outs == ()


def test_length_without_inputs():
    state, outs = scan(lambda s, x: (s * 2, s * 1), ops.ones(()), length=5)
    assert float(state) == 32
    assert array(outs).tolist() == [1, 2, 4, 8, 16]


def test_exactly_one_of_xs_and_length():
    with pytest.raises(ValueError, match="either `xs` or `length`"):
        scan(lambda s, x: (s, s), ops.zeros(()))
    with pytest.raises(ValueError, match="length=4"):
        scan(lambda s, x: (s, s), ops.zeros(()), ops.convert_to_tensor(XS), length=4)


def test_unknown_backend_is_named(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "openvino")
    with pytest.raises(ValueError, match="openvino"):
        scan(lambda s, x: (s, s), ops.zeros(()), ops.convert_to_tensor(XS))


@pytest.mark.parametrize("jit", [False, True])
def test_gradient_of_a_product(jit):
    def product(xs):
        return ops.sum(scan(lambda s, x: (s * x, s * 1), ops.ones((3,)), xs)[0])

    xs = XS + 1
    _, (found,) = gradients(product, [xs], jit=jit)
    np.testing.assert_allclose(found, np.prod(xs, 0) / xs, rtol=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="unknown time is TensorFlow's alone")
def test_unknown_time():
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec([None, None])])
    def run(xs):
        return scan(lambda s, x: (s + x, s + x), tf.zeros_like(xs[0]), xs, reverse=True)

    for time in (1, 4):
        state, outs = run(XS[:time])
        np.testing.assert_allclose(state, XS[:time].sum(0))
        assert outs.shape == (time, 3)


@pytest.mark.parametrize("jit", [False, True])
def test_outputs_that_are_alike(jit):
    def total(x, alike=True):
        def step(state, read):
            return state * read, {"square": state * state, "both": ops.concatenate([state, read], axis=-1)}

        state, outs = scan(step, ops.ones((2, 1)), x, alike=alike)
        assert (tuple(outs["square"].shape)[1:], tuple(outs["both"].shape)[1:]) == ((2, 1), (2, 2))
        return ops.sum(state) + ops.sum(outs["square"] * 2) + ops.sum(outs["both"][..., 1] * x[..., 0])

    x = XS.reshape(6, 2, 1) + 1
    if keras.backend.backend() == "torch" and jit:
        pytest.skip("torch's compiler needs a C++ compiler and minutes")
    found, expected = gradients(total, [x], jit=jit), gradients(lambda x: total(x, alike=False), [x], jit=jit)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-6)
    np.testing.assert_allclose(found[1][0], expected[1][0], rtol=1e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="steps of several sizes")
@pytest.mark.parametrize("reverse", [False, True])
def test_packed_steps_have_the_rows_that_reach_them(reverse):
    sizes, xs = np.array([3, 2, 2], "int32"), np.arange(14, dtype="float32").reshape(7, 2)
    init = np.zeros((0 if reverse else 3, 2), "float32")
    run = tf_compiled(lambda *x: scan_packed(lambda s, x: (s + x, (2 * (s + x), s[:, :1])), x[0], x[1], x[2], reverse))
    state, (doubled, before) = run(init, xs, sizes)
    rows = [xs[[0, 3, 5]], xs[[1, 4, 6]], xs[[2]]]
    sums = [np.cumsum(row[::-1], 0)[::-1] if reverse else np.cumsum(row, 0) for row in rows]
    wanted = np.stack([sums[0][0], sums[1][0], sums[2][0], sums[0][1], sums[1][1], sums[0][2], sums[1][2]])
    np.testing.assert_allclose(array(doubled), 2 * wanted)
    np.testing.assert_allclose(array(before), (wanted - xs)[:, :1])
    ends = [row[0] for row in sums] if reverse else [row[-1] for row in sums[:2]]
    np.testing.assert_allclose(array(state), ends)


def tf_compiled(function):
    import tensorflow as tf

    return tf.function(function)
