"""Compiled epochs against Keras' own `fit`, and layers that run inside a wider program."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest

from seqlab.batches.packing import pack
from seqlab.errors import SettingsError
from seqlab.layers import LSTMCell, Recurrent

jax_only = pytest.mark.skipif(keras.backend.backend() != "jax", reason="compiled epochs run on JAX")
KEYS, UNITS = 6, 3
RATE, MOMENTUM = 0.05, 0.6
ALL = ("V", "NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP", "FGR")
QUICK = ("NIG", "FGR")  # cells that are sums, and gates that are read: what a wider layer must not see


def rolls(*sizes):
    generator = np.random.default_rng(5)
    return [(generator.random((size, KEYS)) < 0.3).astype("uint8") for size in sizes]


PIECES = rolls(5, 3, 5)


@functools.cache
def program_of(variant, width, bounds):
    """Each is traced and compiled once."""
    from seqlab.training.compiled import Program

    return Program(variant, width, KEYS, bounds)


def run(variant, width=UNITS, noise=0.0, epochs=2, packed=None):
    """The weights of a layer of UNITS after some epochs, and the last summed loss."""
    from seqlab.training.compiled import Rates, State, keys_of

    packed = pack(PIECES) if packed is None else packed
    program = program_of(variant, width, packed.bounds)
    weights = program.widened(program.initial(UNITS, 1), UNITS)
    state, loss = State(weights, [0 * x for x in weights]), None
    rates = Rates(*map(np.float32, (RATE, MOMENTUM, noise)))
    for epoch in range(epochs):
        order = np.roll(np.arange(len(packed.lengths), dtype="int32"), epoch)
        state, loss = program.epoch(state, rates, program.live(UNITS), keys_of([7], epoch)[0], order, packed.arrays)
    return program, state, float(loss)


def keras_weights(variant, initial, epochs=2):
    """The same by Keras: `fit` on one piece at a time, in the same order."""
    inputs = keras.Input((None, KEYS))
    layer = Recurrent(LSTMCell(UNITS, variant), return_sequences=True)
    model = keras.Model(inputs, keras.layers.Dense(KEYS)(layer(inputs)))
    model.set_weights(initial)

    def summed(y, scores):
        return keras.ops.sum(keras.ops.binary_crossentropy(y, scores, from_logits=True), axis=(1, 2))

    optimizer = keras.optimizers.SGD(RATE, momentum=MOMENTUM, nesterov=True)
    model.compile(optimizer, loss=summed)
    for epoch in range(epochs):
        for number in np.roll(np.arange(len(PIECES)), epoch):
            piece = PIECES[number][None].astype("float32")
            model.fit(piece[:, :-1], piece[:, 1:], batch_size=1, verbose=0)
    return model.get_weights()


@jax_only
@pytest.mark.parametrize("variant", ["CIFG", *(pytest.param(code, marks=pytest.mark.slow) for code in ("V", "FGR"))])
def test_equals_fit_of_keras(variant):
    program, state, _ = run(variant)
    expected = keras_weights(variant, program.initial(UNITS, 1))
    for found, wanted in zip(state.weights, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


@jax_only
@pytest.mark.parametrize("variant", [v if v in QUICK else pytest.param(v, marks=pytest.mark.slow) for v in ALL])
def test_a_layer_inside_a_wider_program_learns_the_same(variant):
    _, narrow, loss = run(variant)
    program, wide, wide_loss = run(variant, width=UNITS + 2)
    assert wide_loss == pytest.approx(loss, rel=1e-5)
    for found, wanted in zip(program.narrowed(wide.weights, UNITS), narrow.weights, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)
    for weight, live in zip(wide.weights, program.live(UNITS), strict=True):
        assert not np.any(np.asarray(weight)[live == 0])  # the further weights never learn


@jax_only
def test_padding_of_the_groups_changes_nothing():
    packed = pack(PIECES)
    longer = pack([*PIECES, *rolls(9)])
    longer = longer._replace(
        steps=longer.steps[:-1], lengths=longer.lengths[:-1], groups=np.zeros(3, "int32"), bounds=(8,)
    )
    _, state, loss = run("V", packed=packed)
    _, other, other_loss = run("V", packed=longer)
    assert other_loss == pytest.approx(loss, rel=1e-5)
    np.testing.assert_allclose(other.weights[0], state.weights[0], rtol=1e-4, atol=1e-6)


@jax_only
def test_noise_is_drawn_with_its_deviation_and_from_its_key():
    from seqlab.training.compiled import keys_of

    *_, without = run("V", epochs=1)
    *_, small = run("V", noise=0.01, epochs=1)
    *_, great = run("V", noise=1.0, epochs=1)
    *_, again = run("V", noise=1.0, epochs=1)
    assert great == again
    assert 1e-5 < abs(small - without) < 0.1 * abs(great - without)
    assert len({tuple(np.ravel(np.asarray(jax_bits(key)))) for e in (0, 1) for key in keys_of([1, 2], e)}) == 4


def jax_bits(key):
    import jax

    return jax.random.key_data(key)


@jax_only
def test_total_is_the_cross_entropy_of_the_predicted_steps():
    packed = pack(PIECES)
    program, state, _ = run("V", epochs=1)
    total = float(program.totals(state.weights, packed.split()))
    inputs = keras.Input((None, KEYS))
    layer = Recurrent(LSTMCell(UNITS), return_sequences=True)
    model = keras.Model(inputs, keras.layers.Dense(KEYS, "sigmoid")(layer(inputs)))
    model.set_weights([np.asarray(weight) for weight in state.weights])
    expected = 0.0
    for piece in PIECES:
        p, y = np.asarray(model(piece[None, :-1].astype("float32")))[0].astype("float64"), piece[1:]
        expected -= np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))
    assert total == pytest.approx(expected, rel=1e-5)


@jax_only
def test_widened_and_narrowed_undo_each_other():
    from seqlab.training.compiled import Program

    program = Program("FGR", 5, 6, (4,))  # 6 keys, which are also 2 x 3 units
    weights = program.initial(3, 2)
    wide = program.widened(weights, 3)
    assert [x.shape for x in wide] == program.shapes(5)
    for found, wanted in zip(program.narrowed(wide, 3), weights, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert sum(x.sum() for x in program.live(3)) == sum(x.size for x in weights)


@jax_only
def test_initial_weights_are_normal_and_follow_the_seed():
    from seqlab.training.compiled import Program

    program = Program("V", 40, 88, (4,))
    first, again, other = (program.initial(40, seed) for seed in (1, 1, 2))
    every = np.concatenate([np.ravel(x) for x in first])
    assert (every.mean(), every.std()) == (pytest.approx(0, abs=0.002), pytest.approx(0.1, abs=0.002))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


@jax_only
def test_programs_are_kept(tmp_path):
    import jax

    from seqlab.training.compiled import keep_programs_in

    names = ("compilation_cache_dir", "persistent_cache_min_compile_time_secs", "persistent_cache_min_entry_size_bytes")
    before = {name: getattr(jax.config, f"jax_{name}") for name in names}
    try:
        keep_programs_in(tmp_path)
        assert jax.config.jax_compilation_cache_dir == str(tmp_path)
    finally:
        for name, value in before.items():
            jax.config.update(f"jax_{name}", value)


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX is what it needs")
def test_another_backend_is_refused():
    from seqlab.training.compiled import Program

    with pytest.raises(SettingsError, match="need the backend jax, received .*set KERAS_BACKEND=jax"):
        Program("V", 3, 6, (4,))
