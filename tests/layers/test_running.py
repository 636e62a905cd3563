"""The fused loop against the plain one: outputs, final states and all gradients."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from seqlab.layers import running
from seqlab.layers.bidirectional import Bidirectional
from seqlab.layers.cells.base import Options
from seqlab.layers.cells.gru import GRUCell, SRNCell
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.layers.cells.parts import Projection
from seqlab.layers.cells.sc_lstm import SCLSTMCell
from seqlab.layers.cells.wrappers import LearnedStateCell, RecurrentDropoutCell, ResidualCell
from seqlab.layers.recurrent import Recurrent
from seqlab.layers.running import mask_of, run_directions
from seqlab.ops.recurrence.variants import VARIANTS
from tests.layers.common import (
    INPUTS,
    MASK,
    MASKS,
    UNITS,
    array,
    close,
    copy_of,
    differ,
    learnt,
    run,
    second_gradients,
    slopes,
    states_of,
    tensor,
    unfused,
)
from tests.ops.gradients import gradients

CELLS = {
    **{code: lambda code=code: LSTMCell(UNITS, code) for code in VARIANTS},
    "slopes": lambda: LSTMCell(UNITS, "FGR", gate_slope=True),
    "activations": lambda: LSTMCell(
        UNITS, activation="relu", output_activation="softsign", recurrent_activation="hard_sigmoid"
    ),
    "gru": lambda: GRUCell(UNITS),
    "gru_after": lambda: GRUCell(UNITS, reset_after=True),
    "srn": lambda: SRNCell(UNITS),
    "sc": lambda: SCLSTMCell(UNITS, 2),
    "dropout": lambda: RecurrentDropoutCell(LSTMCell(UNITS), 0.5, seed=3),
    "dropout sc": lambda: RecurrentDropoutCell(SCLSTMCell(UNITS, 2), 0.5, seed=3),
    "dropout gru": lambda: RecurrentDropoutCell(GRUCell(UNITS), 0.5, seed=3),
    "dropout gru_after": lambda: RecurrentDropoutCell(GRUCell(UNITS, reset_after=True), 0.5, seed=3),
    "residual": lambda: ResidualCell(LSTMCell(4, "CIFG")),
    "learned": lambda: LearnedStateCell(GRUCell(UNITS)),
}


PLAIN = [pytest.param(name, "masked", id=f"{name}-masked") for name in CELLS]
# Without a mask tests/ops/recurrence/test_fused.py holds every kernel against the plain loop.
PLAIN += [pytest.param(name, "all", marks=pytest.mark.slow, id=f"{name}-all") for name in CELLS]


@pytest.mark.parametrize(("name", "mask"), PLAIN)
def test_fused_equals_plain(name, mask):
    mask = MASKS[mask]
    fused = learnt(Bidirectional(Recurrent(CELLS[name](), return_sequences=True, return_state=True)))
    assert fused.layer.cell.fusable()
    drawn = name == "learned" or "dropout" in name
    states = [] if drawn else [*states_of(fused.layer.cell), *states_of(fused.layer.cell, 3)]
    options = {"mask": tensor(mask), "training": True}
    outputs, gradients = run(fused, states, **options)
    close((outputs, gradients), run(unfused(fused), states, **options))
    assert all(np.isfinite(g).all() for g in gradients)
    assert all(g.any() for g in gradients)


FLAGS = [
    {
        "return_sequences": bool(n & 1),
        "return_state": bool(n & 2),
        "go_backwards": bool(n & 4),
        "truncation": truncation,
    }
    for n, truncation in [(0, None), (1, 2), (2, None), (3, 3), (4, None), (5, None), (6, 2), (7, 1)]
]


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("flags", FLAGS, ids=[" ".join(k for k, v in flags.items() if v) for flags in FLAGS])
def test_flags(flags, mask):
    fused = learnt(Recurrent(LSTMCell(UNITS), **flags))
    found = run(fused, states_of(fused.cell), mask=tensor(mask))
    close(found, run(unfused(fused), states_of(fused.cell), mask=tensor(mask)))


@pytest.mark.parametrize(
    ("code", "cut"), [*((code, None) for code in ("V", "FGR", "gru", "gru_after", "srn", "sc")), ("V", 2), ("sc", 1)]
)
def test_second_derivatives(code, cut):
    if keras.backend.backend() == "torch":
        pytest.skip("torch refuses second derivatives of a function with its own backward pass")
    fused = learnt(Recurrent(CELLS[code](), return_sequences=True, return_state=True, truncation=cut))
    states = states_of(fused.cell)
    found = second_gradients(fused, states, mask=tensor(MASK))
    close(found, second_gradients(unfused(fused), states, mask=tensor(MASK)), rtol=1e-3, atol=1e-3)


def test_second_derivatives_in_a_graph():
    """TensorFlow knows less of shapes there than in a test's single steps."""
    if keras.backend.backend() == "torch":
        pytest.skip("torch refuses second derivatives of a function with its own backward pass")
    layer = learnt(Recurrent(SCLSTMCell(UNITS, 2), return_sequences=True))
    slope = slopes(lambda x: (ops.sum(ops.square(layer(x, mask=tensor(MASK)))), ()))

    def squares(x):
        return ops.sum(ops.square(slope(x)[0][0]))

    expected, _ = slopes(lambda x: (squares(x), ()))(ops.convert_to_tensor(INPUTS))
    close(gradients(squares, [INPUTS])[1], expected)


@pytest.mark.parametrize("jit", [False, True])
def test_padding_is_left_out_where_loops_allow_it(jit, monkeypatch):
    """TensorFlow's plain graphs run over the tokens alone; XLA and the other backends over the padded batch."""
    backend = keras.backend.backend()
    if jit and backend == "torch":
        pytest.skip("torch's compiler needs a C++ compiler and minutes")
    fused = learnt(Bidirectional(Recurrent(LSTMCell(UNITS), return_sequences=True)))
    plain = unfused(fused)
    calls, alone = [], running._run_packed
    monkeypatch.setattr(running, "_run_packed", lambda *given: calls.append(given) or alone(*given))
    share = np.random.default_rng(4).normal(size=(4, 5, 2 * UNITS)).astype("float32")
    fused(INPUTS[:1], mask=tensor(MASK[:1]))
    assert not calls  # a single row
    _, found = gradients(lambda x: ops.sum(fused(x, mask=tensor(MASK)) * share), [INPUTS], jit=jit)
    assert bool(calls) == (backend == "tensorflow" and not jit)
    close(found, gradients(lambda x: ops.sum(plain(x, mask=tensor(MASK)) * share), [INPUTS])[1])


@pytest.mark.parametrize("lengths", [[5, 5, 5, 5], [2, 4, 2, 4], [0, 0, 0, 0], [1, 0, 0, 0]], ids=str)
def test_lengths_of_all_kinds(lengths):
    mask = np.arange(5) < np.array(lengths)[:, None]
    fused = learnt(Bidirectional(Recurrent(GRUCell(UNITS), return_sequences=True, return_state=True)))
    states = [*states_of(fused.layer.cell), *states_of(fused.layer.cell, 3)]
    found = run(fused, states, mask=tensor(mask))
    close(found, run(unfused(fused), states, mask=tensor(mask)))
    close(found, run(fused, states, mask=tensor(np.array(lengths, "int32"))))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="packed rows")
def test_a_batch_may_have_no_rows():
    """As the last one of a worker that shares the data with others."""
    layer = learnt(Bidirectional(Recurrent(GRUCell(UNITS), return_sequences=True, return_state=True)))
    found = layer(INPUTS[:0], mask=tensor(MASK[:0]))
    assert [tuple(x.shape) for x in found] == [(0, 5, 2 * UNITS), (0, UNITS), (0, UNITS)]


class Segments(keras.layers.Layer):
    """Runs a layer over one segment after the other, with states that are cut from their history."""

    def __init__(self, part, length):
        super().__init__()
        self.part, self.length = part, length
        self.built = True

    def call(self, inputs):
        states, outputs = None, []
        for start in range(0, inputs.shape[1], self.length):
            found, *states = self.part(inputs[:, start : start + self.length], initial_state=states)
            states = [ops.stop_gradient(state) for state in states]
            outputs.append(found)
        return ops.concatenate(outputs, axis=1)


@pytest.mark.parametrize("fuse", [True, False], ids=["fused", "plain"])
@pytest.mark.parametrize("length", [1, 2, 4])
def test_truncation_cuts_the_gradient_between_segments(length, fuse):
    part = learnt(Recurrent(LSTMCell(UNITS), return_sequences=True, return_state=True))
    whole = copy_of(part, return_state=False)
    cut = copy_of(whole, truncation=length)
    cut = cut if fuse else unfused(cut)
    close(run(cut), run(Segments(part, length)))
    assert differ(run(cut), run(whole))


@pytest.mark.parametrize("name", ["V", pytest.param("sc", marks=pytest.mark.slow)])
def test_nan_in_a_row_reaches_no_other_row(name):
    layer = learnt(Bidirectional(Recurrent(CELLS[name](), return_sequences=True, return_state=True)))
    states = [*states_of(layer.layer.cell), *states_of(layer.layer.cell, 3)]
    broken = INPUTS.copy()
    broken[1, 1] = np.nan
    outputs, gradients = run(layer, states, inputs=broken, mask=tensor(MASK))
    expected = run(layer, states, mask=tensor(MASK))
    others = np.arange(4) != 1
    count = 1 + len(states)  # gradients of inputs and states; those of the weights sum over the rows
    found, wanted = ([*values, *slope[:count]] for values, slope in ((outputs, gradients), expected))
    close([x[others] for x in found], [x[others] for x in wanted])
    assert np.isfinite(outputs[0][1, 0, :UNITS]).all()  # forwards read before the NaN
    assert all(np.isnan(x[1]).any() for x in outputs)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["V", "gru", "srn"])
@pytest.mark.parametrize("fuse", [True, False], ids=["fused", "plain"])
def test_nan_stays_in_its_row_and_out_of_masked_steps(name, fuse):
    layer = learnt(Bidirectional(Recurrent(CELLS[name](), return_sequences=True, return_state=True)))
    layer = layer if fuse else unfused(layer)
    expected = run(layer, mask=tensor(MASK))
    masked = np.where(MASK[..., None], INPUTS, np.float32("nan"))
    outputs, gradients = run(layer, inputs=masked, mask=tensor(MASK))
    close((outputs, gradients), expected)
    row = INPUTS.copy()
    row[1, 0] = np.nan
    outputs, _ = run(layer, inputs=row, mask=tensor(MASK))
    others = np.arange(4) != 1
    close([x[others] for x in outputs], [x[others] for x in expected[0]])
    assert np.isnan(outputs[0][1, :3, :UNITS]).all()  # forwards it reaches all that follows


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_gru_that_explodes_in_the_padding_reaches_no_gradient(after):
    inputs = np.ones((2, 300, 1), "float32")
    layer = Recurrent(GRUCell(1, reset_after=after, activation="relu"))
    layer.build(inputs.shape)
    weights = [[[1.0, -1.0, 1.0]], [[1.0, 0.0, 30.0]], [1.0] * 3, [0.0]]
    layer.set_weights([np.array(w) for w in weights[: len(layer.weights)]])
    mask = np.arange(300) < np.array([2, 3])[:, None]
    outputs, gradients = run(layer, inputs=inputs, mask=tensor(mask))
    assert all(np.isfinite(x).all() for x in (*outputs, *gradients))


def test_states_that_explode_in_the_padding_reach_no_gradient():
    """A state that goes on growing after a row's end overflows there; its row's gradients stay finite."""
    inputs = np.ones((2, 60, 1), "float32")
    mask = np.arange(60) < np.array([2, 3])[:, None]
    layer = Recurrent(SRNCell(1, activation="relu"))
    layer.build(inputs.shape)
    layer.set_weights([np.full((1, 1), 1.0), np.full((1, 1), 30.0), np.full((1,), 1.0)])
    outputs, gradients = run(layer, inputs=inputs, mask=tensor(mask))
    assert all(np.isfinite(x).all() for x in (*outputs, *gradients))
    short, expected = run(layer, inputs=inputs[:, :3], mask=tensor(mask[:, :3]))
    close((outputs, gradients[1:]), (short, expected[1:]))


@st.composite
def cases(draw):
    batch, time = draw(st.sampled_from([(1, 1), (2, 3), (3, 4)]))
    mask = np.array(draw(st.lists(st.booleans(), min_size=batch * time, max_size=batch * time))).reshape(batch, time)
    lengths = draw(st.booleans())
    return {
        "name": draw(st.sampled_from([*VARIANTS, "gru", "gru_after", "srn", "sc", "learned"])),
        "mask": np.sort(mask)[:, ::-1] if lengths else mask,
        "lengths": lengths,
        "both": draw(st.booleans()),
        "states": draw(st.booleans()),
        "flags": {
            "return_sequences": draw(st.booleans()),
            "return_state": draw(st.booleans()),
            "go_backwards": draw(st.booleans()),
            "stateful": draw(st.booleans()),
            "truncation": draw(st.sampled_from([None, 1, 2])),
        },
        "extra": draw(st.integers(1, 2)),
    }


@settings(max_examples=10 if keras.backend.backend() == "tensorflow" else 4)  # JAX compiles each
@given(cases())
def test_any_shape_mask_and_flags(case):
    mask, extra, flags = case["mask"], case["extra"], case["flags"]
    inputs = np.random.default_rng(mask.sum()).normal(size=(*mask.shape, 4)).astype("float32")
    layer = Recurrent(CELLS[case["name"]](), **flags)
    layer = learnt(Bidirectional(layer) if case["both"] else layer, inputs.shape)
    cells = [one.cell for one in getattr(layer, "both", (layer,))]
    states = [x[: len(mask)] for cell in cells for x in states_of(cell)] if case["states"] else []
    given_mask = tensor(mask.sum(1).astype("int32") if case["lengths"] else mask)
    found = run(layer, states, inputs=inputs, mask=given_mask)
    close(found, run(unfused(layer, inputs.shape), states, inputs=inputs, mask=tensor(mask)))
    ends = ((0, 0), (0, extra), (0, 0))
    longer = {"mask": given_mask if case["lengths"] else tensor(np.pad(mask, ends[:2]))}
    padded = layer(np.pad(inputs, ends, constant_values=9), initial_state=states or None, **longer)
    outputs, *last = keras.tree.flatten(padded)
    if flags["return_sequences"]:
        outputs = outputs[:, extra:] if flags["go_backwards"] else outputs[:, : mask.shape[1]]
    close([outputs, *last], found[0])
    if flags["stateful"] and flags["return_state"]:
        close([state for one in getattr(layer, "both", (layer,)) for state in one.states], last)


# Masks


@pytest.mark.parametrize("kind", ["int32", "int64", "uint8"])
def test_lengths_become_a_mask(kind):
    found = mask_of(ops.convert_to_tensor(np.array([2, 0, 5, 9], kind)), INPUTS)
    close(found, np.arange(5) < np.array([2, 0, 5, 5])[:, None])


@pytest.mark.parametrize("backwards", [False, True])
def test_lengths_become_the_mask_of_the_layers_above(backwards):
    lengths = ops.convert_to_tensor(np.array([2, 0, 5, 3], "int32"))
    expected = np.arange(5) < np.array([2, 0, 5, 3])[:, None]
    layer = Recurrent(SRNCell(UNITS), return_sequences=True, go_backwards=backwards)
    for one in (layer, Bidirectional(layer)):
        found = array(one(INPUTS, mask=lengths)._keras_mask) == 1
        np.testing.assert_array_equal(found, expected[:, ::-1] if backwards else expected)


def test_masks_go_through():
    assert mask_of(None, INPUTS) is None
    close(mask_of(MASK, INPUTS), MASK)


@pytest.mark.parametrize(
    ("mask", "received"),
    [
        (np.ones((4, 5), "int32"), r"shape \(4, 5\) of type int32"),
        (np.ones((4, 5), "float32"), r"shape \(4, 5\) of type float32"),
        (np.ones((4,), "bool"), r"shape \(4,\) of type bool"),
        (np.ones((4,), "float32"), r"shape \(4,\) of type float32"),
        (np.ones((4, 5, 1), "bool"), r"shape \(4, 5, 1\) of type bool"),
        (np.ones((4, 6), "bool"), r"a mask of shape \(4, 6\)"),
        (np.ones((3, 5), "bool"), r"a mask of shape \(3, 5\)"),
        (np.ones((3,), "int32"), r"a mask of shape \(3,\)"),
    ],
    ids=str,
)
def test_bad_masks(mask, received):
    expected = r"Expected a boolean mask \(batch, time\) or whole lengths \(batch,\) .* \(4, 5, 4\); received "
    with pytest.raises(ValueError, match=expected + received):
        Recurrent(SRNCell(UNITS))(INPUTS, mask=ops.convert_to_tensor(mask))


def test_directions_of_different_cells_run_apart():
    one, two = GRUCell(UNITS), GRUCell(2, reset_after=True)
    fixed = LSTMCell(UNITS, projection=Projection(2))  # not fusable
    for cell in (one, two, fixed):
        learnt(cell, (None, 4))
    for cells in ((one, two), (two, fixed), (fixed, one)):
        directions = [(cell, states_of(cell), reverse) for cell, reverse in zip(cells, (False, True), strict=True)]
        found = run_directions(ops.convert_to_tensor(INPUTS), tensor(MASK), directions, Options(states=True))
        for (cell, states, reverse), result in zip(directions, found, strict=True):
            layer = Recurrent(cell, return_sequences=True, return_state=True, go_backwards=reverse)
            outputs, *finals = layer(INPUTS, mask=tensor(MASK), initial_state=states)
            close(result, (ops.flip(outputs, 1) if reverse else outputs, finals))
    assert array(found[0][0]).shape == (4, 5, 2)
