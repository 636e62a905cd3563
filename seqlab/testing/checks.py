"""Named checks that seqlab's layers pass, and that a user's own layers and heads can be held against.

Each raises `AssertionError` with a sentence that says what broke. They run on every backend.
"""

from __future__ import annotations

import json
import pathlib
import tempfile
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from seqlab.constants import IGNORE

Tensor = Any
Array = np.ndarray


def check_round_trip(layer: keras.layers.Layer, *inputs: Array) -> None:
    """Checks that a layer comes back from its config, and from a `.keras` file, with the same outputs.

    Args:
        layer: A layer whose class is registered with `keras.saving`.
        *inputs: Arrays that it is called on, batch first.

    >>> check_round_trip(keras.layers.Dense(3), np.ones((2, 4), "float32"))
    """
    symbols = [keras.Input(x.shape[1:], dtype=str(x.dtype)) for x in inputs]
    outputs = layer(*symbols)
    config = layer.get_config()
    _same(json.loads(json.dumps(config)), config, f"The config of {layer.name} does not survive JSON")
    again = type(layer).from_config(config).get_config()
    _same(again, config, f"{type(layer).__name__}.from_config does not give back the config of {layer.name}")
    model = keras.Model(symbols, outputs)
    before = _arrays(model(list(inputs)))
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "layer.keras"
        model.save(file)
        after = _arrays(keras.models.load_model(file)(list(inputs)))
    for one, other in zip(before, after, strict=True):
        _close(one, other, f"{layer.name} gives other outputs after saving and loading")


def check_padding_invariance(layer: keras.layers.Layer, inputs: Array, extra: int = 3) -> None:
    """Checks that padding changes nothing at the tokens, whatever stands in it.

    Args:
        layer: Called with (batch, time, ...) and `mask=` (batch, time); returns (batch, time, ...).
        inputs: Array (batch, time, ...) without padding.
        extra: Number of padded steps to add.

    >>> from seqlab.layers.heads.softmax import SoftmaxHead
    >>> check_padding_invariance(SoftmaxHead(3), np.ones((2, 4, 5), "float32"))
    """
    batch, time = inputs.shape[:2]
    alone = _array(layer(inputs, mask=ops.ones((batch, time), "bool")))
    mask = np.arange(time + extra)[None, :] < np.full((batch, 1), time)
    for filler in (0, 7):
        padding = np.full((batch, extra, *inputs.shape[2:]), filler, inputs.dtype)
        padded = _array(layer(np.concatenate([inputs, padding], axis=1), mask=ops.convert_to_tensor(mask)))
        _close(padded[:, :time], alone, f"Padding of {filler} changes what {layer.name} returns at tokens")
        _close(padded[:, time:], 0 * padded[:, time:], f"{layer.name} does not return 0 at padding")


def check_mask_routes(layer: keras.layers.Layer, inputs: Array, mask: Array) -> None:
    """Checks that a mask given by name and one that travels with the inputs the Keras way give equal outputs.

    Args:
        layer: Called with (batch, time, features) and a mask (batch, time).
        inputs: Float array (batch, time, features).
        mask: Boolean array (batch, time), with some entries false.

    >>> from seqlab.layers.heads.softmax import SoftmaxHead
    >>> check_mask_routes(SoftmaxHead(3), np.ones((1, 2, 5), "float32"), np.array([[True, False]]))
    """
    named = _array(layer(inputs, mask=ops.convert_to_tensor(mask)))
    marker = np.float32(-12345.0)
    marked = np.where(mask[..., None], inputs, marker)
    carried = _array(layer(keras.layers.Masking(mask_value=marker)(marked)))
    _close(carried, named, f"{layer.name} treats a Keras mask and `mask=` differently")
    free = _array(layer(inputs))
    changed = not np.allclose(free[~mask], named[~mask])
    _expect(changed, f"{layer.name} takes no notice of the mask: outputs at masked steps are those without one")


def check_gradient_reach(
    layer: keras.layers.Layer, *inputs: Array, loss: Callable[[Tensor], Tensor] | None = None
) -> None:
    """Checks that one training step moves every trainable weight, and leaves none with NaN.

    Args:
        layer: The layer; its weights are changed.
        *inputs: Arrays that it is called on.
        loss: From the layer's outputs to a scalar; the mean of their squares where absent.

    >>> check_gradient_reach(keras.layers.Dense(3), np.ones((2, 4), "float32"))
    """
    probe = _Probe(layer, loss or (lambda outputs: ops.mean(ops.square(outputs))))
    probe(list(inputs))
    before = [_array(weight) for weight in layer.trainable_weights]
    # Plain descent: a weight moves if and only if its gradient is not zero.
    # One step takes TensorFlow less time than the graph of it.
    probe.compile(optimizer=keras.optimizers.SGD(1.0), run_eagerly=keras.backend.backend() == "tensorflow")
    probe.train_on_batch(list(inputs), np.zeros(len(inputs[0])))
    for weight, old in zip(layer.trainable_weights, before, strict=True):
        new = _array(weight)
        _expect(bool(np.isfinite(new).all()), f"A training step makes {weight.path} infinite or NaN")
        _expect(bool((new != old).any()), f"No gradient reaches {weight.path}")


def check_head(head: Any, features: Array, labels: Array) -> None:
    """Checks the contract of a head: ignored labels, empty rows, decoding, probabilities, gradients.

    Args:
        head: A `seqlab.layers.heads.base.Head`; its weights are changed.
        features: Float array (batch, time, features).
        labels: Integer array (batch, time), all of them tags.

    >>> from seqlab.layers.heads.softmax import SoftmaxHead
    >>> check_head(SoftmaxHead(3), np.ones((2, 4, 5), "float32"), np.array([[0, 1, 2, 0], [1, 1, 0, 2]]))
    """
    scores = head(features)
    mask = np.ones(labels.shape, bool)
    mask[0, 1:] = False
    ignored = np.where(mask, labels, IGNORE)
    full, part = _number(head.loss(labels, scores)), _number(head.loss(ignored, scores))
    _expect(np.isfinite(full) and full > 0, f"The loss of {head.name} is {full}, not a number above 0")
    garbage = ops.where(mask[..., None], scores, float("nan"))
    _close(_number(head.loss(ignored, garbage)), part, f"What stands at ignored labels moves {head.name}'s loss")
    nothing = _number(head.loss(np.full_like(labels, IGNORE), scores))
    _expect(nothing == 0, f"The loss of {head.name} without any label is {nothing}, not exactly 0")
    decoded = _array(head.decode(scores, mask=ops.convert_to_tensor(mask)))
    _expect(decoded.dtype == np.int32, f"{head.name}.decode returns {decoded.dtype}, not int32")
    _expect(bool((decoded[~mask] == IGNORE).all()), f"{head.name}.decode does not return {IGNORE} where masked")
    _expect(bool((decoded[mask] >= 0).all()), f"{head.name}.decode returns no tag at a token")
    shares = _array(head.probabilities(scores, mask=ops.convert_to_tensor(mask)))
    _close(shares.sum(-1), 1.0 * mask, f"{head.name}.probabilities do not sum to 1 at tokens, 0 elsewhere")
    check_gradient_reach(head, features, loss=lambda outputs: head.loss(labels, outputs))


class _Probe(keras.Model):
    """A model around one layer, trained on a loss of the layer's outputs."""

    def __init__(self, layer: keras.layers.Layer, objective: Callable[[Tensor], Tensor]) -> None:
        super().__init__(name="probe")
        self.layer = layer
        self.objective = objective

    def call(self, inputs: list[Tensor]) -> Tensor:
        return self.layer(*inputs)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        return self.objective(y_pred)


def _array(tensor: Tensor) -> Array:
    # A copy: on JAX the array may be a view that a training step overwrites.
    return np.array(ops.convert_to_numpy(tensor))


def _number(tensor: Tensor) -> float:
    return float(_array(tensor))


def _arrays(outputs: Tensor) -> list[Array]:
    return [_array(output) for output in keras.tree.flatten(outputs)]


def _expect(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(f"{message}.")


def _same(received: Any, expected: Any, message: str) -> None:
    _expect(received == expected, f"{message}: received {received!r}, expected {expected!r}")


def _close(received: Any, expected: Any, message: str) -> None:
    worst = np.max(np.abs(np.asarray(received) - np.asarray(expected)), initial=0.0)
    _expect(bool(np.allclose(received, expected, rtol=1e-5, atol=1e-5)), f"{message} (largest difference {worst})")
