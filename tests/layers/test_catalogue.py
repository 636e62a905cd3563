"""Every public part passes the checks that are shipped for users' own parts, and no part is forgotten."""

from __future__ import annotations

import importlib
import inspect
import json

import keras
import numpy as np
import pytest
from keras import ops

from seqlab import layers, registry
from seqlab.layers.heads.base import Head
from seqlab.models.sequence_model import SequenceModel
from seqlab.testing import checks
from tests import catalogue
from tests.catalogue import CELLS, FLOATS, LABELS, LAYERS, MASK, Row
from tests.structure.sources import dotted, library_modules

ROWS = (*LAYERS, *CELLS)
HEADS = [row for row in ROWS if row.head]
RATES = ("dropout", "recurrent_dropout", "layer_dropout", "rate", "cell_rate")
CHECKS = {
    "round trip": lambda row: checks.check_round_trip(made(row), *row.inputs),
    "padding": lambda row: checks.check_padding_invariance(made(row), *row.inputs),
    "mask routes": lambda row: checks.check_mask_routes(made(row), *row.inputs, MASK),
    "gradient reach": lambda row: check_reach(row),
}


def check_reach(row: Row) -> None:
    layer = row.make()
    if row.head and row.labels is LABELS:
        checks.check_head(layer, *row.inputs, LABELS)
    elif row.head:
        checks.check_gradient_reach(layer, *row.inputs, loss=lambda scores: layer.loss(row.labels, scores))
    else:
        checks.check_gradient_reach(layer, *row.inputs)


def ids(row: Row) -> str:
    return f"{row.name}-{row.option}" if row.option else row.name


MADE: dict[str, keras.layers.Layer] = {}


def made(row: Row) -> keras.layers.Layer:
    """The row's layer, made once for all tests that leave its weights alone."""
    if ids(row) not in MADE:
        MADE[ids(row)] = row.make()
    return MADE[ids(row)]


def without_dropout(row: Row) -> keras.layers.Layer:
    """The row's layer without the noise that would make every loss another."""
    noisy = made(row)
    config = json.dumps(noisy.get_config())
    still = json.loads(config, object_hook=lambda part: {k: 0.0 if k in RATES else v for k, v in part.items()})
    layer = type(noisy).from_config(still)
    layer(*row.inputs)
    layer.set_weights(noisy.get_weights())
    return layer


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_check(row, check):
    if check in row.exceptions:
        assert row.exceptions[check]
        with pytest.raises((AssertionError, TypeError, ValueError)):
            CHECKS[check](row)
    else:
        CHECKS[check](row)


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_trains_under_xla(row):
    """The first loss under `jit_compile=True` is that of the same layer run eagerly; then it falls."""
    if keras.backend.backend() == "jax" and row in CELLS:
        pytest.skip("on JAX Keras compiles every step of every test that trains")
    if keras.backend.backend() == "torch":
        pytest.skip("torch's compiler needs a C++ compiler and minutes")
    layer = without_dropout(row)
    symbols = [keras.Input(x.shape[1:], dtype=str(x.dtype)) for x in row.inputs]
    single = len(symbols) == 1
    kind = SequenceModel if row.head else keras.Model
    model = kind(symbols[0] if single else symbols, layer(*symbols))
    inputs = row.inputs[0] if single else list(row.inputs)
    outputs = model(inputs)
    targets = row.labels if row.head else np.ones(outputs.shape, "float32")
    eager = layer.loss(row.labels, outputs) if row.head else ops.mean(ops.square(outputs - targets))
    eager = eager + sum(layer.losses)
    model.compile(keras.optimizers.SGD(0.01), None if row.head else "mse", jit_compile=True)
    losses = [float(model.train_on_batch(inputs, targets)) for _ in range(3)]
    assert losses[0] == pytest.approx(float(ops.convert_to_numpy(eager)), rel=1e-4)
    model.reset_metrics()
    assert float(model.train_on_batch(inputs, targets)) < losses[0]


@pytest.mark.parametrize("row", CELLS, ids=ids)
def test_cell_in_the_layers_of_keras(row, tmp_path):
    """A user's own `keras.layers.RNN` runs it as `Recurrent` does, both ways, and comes back from a file."""
    ours = row.make()
    forward = keras.layers.RNN(ours.layer.cell, return_sequences=True)
    backward = keras.layers.RNN(ours.backward_layer.cell, return_sequences=True, go_backwards=True)
    both = keras.layers.Bidirectional(forward, backward_layer=backward)
    both.build(FLOATS.shape)
    both.set_weights(ours.get_weights())  # Keras makes both layers anew
    found, expected = (ops.convert_to_numpy(layer(FLOATS)) for layer in (both, ours))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    tokens = keras.Input(FLOATS.shape[1:])
    single = keras.layers.RNN(row.cell())
    model = keras.Model(tokens, [single(tokens), both(tokens)])
    model.save(tmp_path / "model.keras")
    before, after = (one.predict_on_batch(FLOATS) for one in (model, keras.models.load_model(tmp_path / "model.keras")))
    for found, expected in zip(after, before, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("row", HEADS, ids=ids)
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_heads_are_float32_under_a_mixed_policy(row, policy):
    config = made(row).get_config()
    head = type(made(row)).from_config({**config, "dtype": policy})
    scores = head(row.inputs[0])
    loss = head.loss(row.labels, scores)
    shares = head.probabilities(scores)
    kinds = {keras.backend.standardize_dtype(x.dtype) for x in (scores, loss, shares, *head.weights)}
    assert kinds == {"float32"}
    assert np.isfinite(float(ops.convert_to_numpy(loss)))


@pytest.mark.parametrize("name", catalogue.MODELS)
def test_model_comes_back_from_its_file(name, tmp_path):
    make, inputs = catalogue.MODELS[name]
    model, arrays = make(), inputs()
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again) is type(model)
    assert type(model).__name__ == name
    before, after = (keras.tree.flatten(one.predict_on_batch(arrays)) for one in (model, again))
    for one, other in zip(after, before, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_row_is_what_it_says(row):
    part = row.cell() if row.cell else made(row)
    assert type(part).__name__ == row.name
    assert isinstance(made(row), Head) == row.head
    assert row.exceptions.keys() <= CHECKS.keys()


def test_every_public_part_has_a_row():
    assert len(set(map(ids, ROWS))) == len(ROWS)
    assert {row.name for row in ROWS} | catalogue.ABSTRACT.keys() == set(layers.__all__)
    assert all(catalogue.ABSTRACT.values())


def test_every_class_that_a_file_can_name_has_a_row():
    known = {row.name for row in ROWS} | catalogue.MODELS.keys() | catalogue.OTHERS.keys()
    assert known == registry.CLASSES.keys()


def test_every_layer_of_the_room_is_public():
    found = set()
    for path in library_modules():
        if dotted(path).startswith("seqlab.layers."):
            module = importlib.import_module(dotted(path))
            for name, kind in inspect.getmembers(module, inspect.isclass):
                if issubclass(kind, keras.layers.Layer) and kind.__module__ == module.__name__ and name[0] != "_":
                    found.add(name)
    assert found == set(layers.__all__)
