"""Weights of cells by the names that the oracles use."""

from __future__ import annotations

import keras
import numpy as np

from seqlab.layers.cells.sc_lstm import SCLSTMCell
from tests.layers.common import array


def oracle_weights(cell):
    """Of an LSTM without peepholes, or of a shared-cell LSTM."""
    shared = cell.shared if isinstance(cell, SCLSTMCell) else cell
    w = {}
    for name, prefix in (("kernel_weight", "U"), ("recurrent", "W"), ("bias", "b")):
        parts = np.split(array(getattr(shared, name)), 4, axis=-1)
        w |= {f"{prefix}_{gate}": part for gate, part in zip("cifo", parts, strict=True)}
    for k, gate in enumerate(cell.gates if isinstance(cell, SCLSTMCell) else ()):
        w |= {f"{prefix}_{k}": array(weight) for prefix, weight in zip("UWb", gate, strict=True)}
    return w


def weights_read(call, layer):
    """Paths of the trainable weights whose change changes what a call gives."""
    call = traced(call, layer)
    before = array(call())
    found = set()
    for number, weight in enumerate(layer.trainable_weights):
        kept = array(weight)
        weight.assign(kept + 0.5)
        if not np.array_equal(array(call()), before):
            found.add(number)
        weight.assign(kept)
    return found


def traced(call, layer):
    """The call as one graph, which reads the layer's trainable weights anew each time."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(call)
    if keras.backend.backend() == "jax":
        import jax

        def given(values):
            with keras.StatelessScope(state_mapping=zip(layer.trainable_weights, values, strict=True)):
                return call()

        compiled = jax.jit(given)
        return lambda: compiled([weight.value for weight in layer.trainable_weights])
    return call


def declared(layer, task):
    """The numbers of the trainable weights that a task says it reads."""
    said = {id(weight) for weight in layer.weights_of(task)}
    return {number for number, weight in enumerate(layer.trainable_weights) if id(weight) in said}
