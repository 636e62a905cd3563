"""What the tests of cells and recurrent layers share."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from seqlab.layers.bidirectional import Bidirectional
from seqlab.layers.recurrent import Recurrent

RNG = np.random.default_rng(0)
UNITS = 3
INPUTS = RNG.normal(size=(4, 5, 4)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [0, 1, 1, 0, 1], [0, 0, 0, 0, 0]], bool)
"""A row without padding, one with, one with holes, and one without any token."""
PADDING = np.arange(5) < np.array([5, 3, 1, 2])[:, None]
MASKS = {"all": None, "masked": MASK}


def array(tensor):
    return np.array(ops.convert_to_numpy(ops.cast(tensor, "float32")))


def exact(weight):
    """A weight in its own precision."""
    return weight if isinstance(weight, np.ndarray) else np.array(ops.convert_to_numpy(weight))


def tensor(values):
    return None if values is None else ops.convert_to_tensor(values)


def close(found, expected, rtol=1e-4, atol=1e-5):
    found, expected = keras.tree.flatten(found), keras.tree.flatten(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(array(one), array(other), rtol=rtol, atol=atol)


def differ(found, expected):
    pairs = zip(keras.tree.flatten(found), keras.tree.flatten(expected), strict=True)
    return any(np.max(np.abs(array(one) - array(other))) > 1e-3 for one, other in pairs)


def learnt(layer, shape=INPUTS.shape):
    """The layer, built, with all weights away from their initial values."""
    layer.build(shape)
    random = np.random.default_rng(1)
    for weight in layer.trainable_weights:
        weight.assign(random.normal(0, 0.7, weight.shape))
    return layer


def states_of(cell, seed=2):
    """States before the first step, none of them zero."""
    random = np.random.default_rng(seed)
    return [random.normal(0, 0.5, (len(INPUTS), size)).astype("float32") for size in cell.state_size]


def copy_of(layer, shape=INPUTS.shape, **options):
    """The same layer with the same weights, but for some options."""
    again = type(layer).from_config({**layer.get_config(), **options})
    again.build(shape)
    again.set_weights(layer.get_weights())
    return again


def unfused(layer, shape=INPUTS.shape):
    """The same layer, which steps through a plain loop that the backend differentiates."""
    again = copy_of(layer, shape)
    for one in getattr(again, "both", (again,)):
        one.cell.fusable = lambda: False
    return again


# Oracles


def sentences(oracle, inputs, mask, states, backwards=False):
    """Runs an oracle over a batch, row by row without the masked steps.

    Args:
        oracle: From the steps of one row and its states before them to the sequence of each state, outputs first.

    Returns:
        Outputs (batch, time, width) where the tokens stand, zeros elsewhere, and the final states.
    """
    mask = np.ones(inputs.shape[:2], bool) if mask is None else mask
    outputs = np.zeros((*inputs.shape[:2], states[0].shape[-1]))
    finals = [state.astype("float64") for state in states]
    for row, real in enumerate(mask):
        places = np.flatnonzero(real)[:: -1 if backwards else 1]
        sequences = oracle(inputs[row][places], *[state[row] for state in states])
        outputs[row][places] = sequences[0]
        for final, sequence in zip(finals, sequences, strict=True):
            final[row] = sequence[-1] if len(places) else final[row]
    return outputs, finals


def check_oracle(cell, oracle, mask):
    """Holds both directions of a cell in a layer against an oracle, which is made from the cell."""
    inner = Recurrent(cell, return_sequences=True, return_state=True)
    layer = learnt(Bidirectional(inner, merge_mode=None))
    states = [states_of(one.cell, seed) for seed, one in enumerate(layer.both)]
    forward, backward, *finals = layer(INPUTS, mask=tensor(mask), initial_state=[*states[0], *states[1]])
    count = len(cell.state_size)
    found = [(forward, finals[:count]), (backward, finals[count:])]
    for one, (outputs, last), given, backwards in zip(layer.both, found, states, (False, True), strict=True):
        close((outputs, last), sentences(oracle(one.cell), INPUTS, mask, given, backwards))


def blocks(weight, names, prefix):
    """Cuts the columns of a weight into entries for an oracle."""
    parts = np.split(exact(weight), len(names), axis=-1)
    return {f"{prefix}_{name}": part for name, part in zip(names, parts, strict=True)}


def lstm_weights(cell):
    """The weights of an `LSTMCell`, as the oracles name them."""
    names, gates = cell.row.blocks, cell.row.gates
    w = {
        **blocks(cell.kernel_weight, names, "W"),
        **blocks(cell.recurrent, names, "R"),
        **blocks(cell.bias, names, "b"),
    }
    if cell.peepholes is not None:
        w |= blocks(cell.peepholes, gates, "p")
    if cell.row.gate_recurrence:
        for source, rows in zip(gates, np.split(exact(cell.gate_weights), 3), strict=True):
            w |= blocks(rows, [source + gate for gate in gates], "R")
    if cell.slopes is not None:
        w |= {f"a_{gate}": slope for gate, slope in zip(gates, exact(cell.slopes), strict=True)}
    for name, norm in cell.norms.items():
        w |= {f"g_{name.replace('h', 'c')}": exact(norm.gamma), f"s_{name.replace('h', 'c')}": exact(norm.beta)}
    if cell.projection is not None:
        w["P"] = exact(cell.projection.kernel)
    return w


def keras_columns(weight):
    """From our order of columns, z, i, f, o, to that of Keras' LSTM, i, f, z, o."""
    z, i, f, o = np.split(array(weight), 4, axis=-1)
    return np.concatenate([i, f, z, o], axis=-1)


# Gradients


def mixture(layer, states, options):
    """A function of inputs, states and weights: the sum over all outputs, each with its factor, and the outputs."""
    others = [variable.value for variable in layer.non_trainable_variables]
    count = len(states)

    def value(inputs, *rest):
        given = {"initial_state": list(rest[:count])} if count else {}
        found, _ = layer.stateless_call(list(rest[count:]), others, inputs, **given, **options)
        outputs = [ops.cast(x, "float32") for x in keras.tree.flatten(found)]
        factors = [np.cos(np.arange(np.prod(x.shape))).reshape(x.shape).astype("float32") for x in outputs]
        return sum(ops.sum(x * tensor(factor)) for x, factor in zip(outputs, factors, strict=True)), outputs

    given = [inputs_of(options), *states, *(array(weight) for weight in layer.trainable_weights)]
    return value, [ops.convert_to_tensor(x) for x in given]


def inputs_of(options):
    return options.pop("inputs", INPUTS)


def run(layer, states=(), **options):
    """All outputs, and the gradients of a mixture of them by inputs, initial states and weights."""
    value, given = mixture(layer, states, options)
    found, outputs = slopes(value, jit=True)(*given)
    return [array(x) for x in outputs], [array(g) for g in found]


def second_gradients(layer, states=(), **options):
    """Gradients of the sum of all squared gradients of `run`."""
    value, given = mixture(layer, states, options)

    def squares(*tensors):
        return sum(ops.sum(ops.square(g)) for g in slopes(value)(*tensors)[0]), ()

    return [array(g) for g in slopes(squares, jit=True)(*given)[0]]


def slopes(function, jit=False):
    """From a function that gives a scalar and more to one that gives the scalar's gradients and the rest."""
    return {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}[keras.backend.backend()](function, jit)


def _tensorflow(function, jit):
    import tensorflow as tf

    def found(*tensors):
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            value, rest = function(*tensors)
        return tape.gradient(value, tensors, unconnected_gradients=tf.UnconnectedGradients.ZERO), rest

    return found  # eager is quicker than a graph for each test


def _jax(function, jit):
    import jax

    def found(*tensors):
        return jax.grad(function, tuple(range(len(tensors))), has_aux=True)(*tensors)

    return jax.jit(found) if jit else found


def _torch(function, jit):
    import torch

    def found(*tensors):
        tensors = [one.detach().requires_grad_() for one in tensors]
        value, rest = function(*tensors)
        given = torch.autograd.grad(value, tensors, allow_unused=True)
        return [torch.zeros_like(x) if g is None else g for x, g in zip(tensors, given, strict=True)], [
            x.detach() for x in rest
        ]

    return found
