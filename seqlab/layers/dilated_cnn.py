"""Iterated dilated convolutions: an encoder without recurrence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from seqlab.errors import SettingsError, check_count
from seqlab.layers.cells.parts import fresh, serialized
from seqlab.layers.running import mask_of
from seqlab.ops.convolution import dilated_convolution

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class DilatedCNN(keras.layers.Layer):
    """The ID-CNN of Strubell et al. (2017): a block of dilated convolutions, iterated with the same weights.

        x_0 = D_1(d(x))                                                D_1 without activation
        B(v) = g(D_{a_J}(... g(D_{a_1}(v))))                           a_1, ..., a_J the dilations, 1, 2, 4 and 1
        x_l = d(B(x_{l-1}))                                            for each iteration l

    `D_a` is a convolution with a bias whose filters read every a-th token, a weight of its own for each j; d is a
    dropout with one mask for a whole sequence. With three tokens under a filter and the dilations above, one iteration
    sees 8 tokens to each side. Every convolution reads zeros at masked positions and beyond the ends.

    Args:
        filters: Width of all convolutions' outputs.
        layers: Iterations of the block.
        dropout: Rate of d.
        dilations: Those of the block.
        width: Tokens under one filter.
        activation: g, by name or as a function.
        all_layers: Whether to return `[x_1, ..., x_L]`, for what reads lower layers, and not the last alone.
        kernel_initializer: Of the filters; biases start at 0.

    Call arguments:
        inputs: (batch, time, channels).
        mask: (batch, time) booleans, true at real tokens; padding changes no real token's output.

    Returns:
        (batch, time, filters), zeros at masked positions; a list of them with `all_layers`.

    Raises:
        SettingsError: For numbers below 1, or no dilations.

    >>> tuple(DilatedCNN(4, layers=2)(ops.ones((2, 3, 5))).shape)
    (2, 3, 4)
    """

    def __init__(
        self,
        filters: int = 100,
        layers: int = 1,
        dropout: float = 0.0,
        dilations: Sequence[int] = (1, 2, 4, 1),
        width: int = 3,
        activation: Any = "relu",
        all_layers: bool = False,
        kernel_initializer: Any = "he_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for name, value in (("filters", filters), ("layers", layers), ("width", width)):
            check_count(name, value)
        if not dilations:
            raise SettingsError("`dilations` must name at least one, as (1, 2, 4, 1). Received: none.")
        for dilation in dilations:
            check_count("dilations", dilation)
        self.filters = filters
        self.layers = layers
        self.dropout = dropout
        self.dilations = list(dilations)
        self.width = width
        self.activation = keras.activations.get(activation)
        self.all_layers = all_layers
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.supports_masking = True
        self.drops = [
            keras.layers.SpatialDropout1D(dropout, name=f"dropout_{k}", dtype=self.dtype_policy)
            for k in range(layers + 1)
        ]

    def build(self, inputs_shape: Any) -> None:
        """Creates the filters: the first convolution's, then the block's."""
        widths = [inputs_shape[-1], *[self.filters] * len(self.dilations)]
        self.kernels = [
            self.add_weight((self.width, size, self.filters), fresh(self.kernel_initializer), name=f"kernel_{k}")
            for k, size in enumerate(widths)
        ]
        self.biases = [self.add_weight((self.filters,), "zeros", name=f"bias_{k}") for k in range(len(widths))]

    def call(self, inputs: Tensor, mask: Tensor | None = None, training: bool | None = None) -> Any:
        """See the class."""
        mask = mask_of(mask, inputs)
        real = None if mask is None else mask[..., None]
        x = self._convolved(0, _kept(self.drops[0](inputs, training=training), real), 1, real)
        results = []
        for k in range(self.layers):
            for number, dilation in enumerate(self.dilations, start=1):
                x = _kept(self.activation(self._convolved(number, x, dilation, real)), real)
            x = self.drops[k + 1](x, training=training)
            results.append(x)
        return results if self.all_layers else results[-1]

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        """`(batch, time, filters)`, for each layer with `all_layers`."""
        shape = (*inputs_shape[:-1], self.filters)
        return [shape] * self.layers if self.all_layers else shape

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask, for each output."""
        return [previous_mask] * self.layers if self.all_layers else previous_mask

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("filters", "layers", "dropout", "width", "all_layers")
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in names},
            "dilations": list(self.dilations),
            **serialized(self, "activation", "kernel_initializer"),
        }

    def _convolved(self, number: int, x: Tensor, dilation: int, real: Tensor | None) -> Tensor:
        kernel = ops.convert_to_tensor(self.kernels[number])
        return _kept(dilated_convolution(x, kernel, dilation) + self.biases[number], real)


def _kept(x: Tensor, real: Tensor | None) -> Tensor:
    """Zeros at masked positions, so that the next convolution reads there what it reads beyond the ends."""
    return x if real is None else ops.where(real, x, 0)
