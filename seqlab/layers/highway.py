"""Highway layers."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seqlab.errors import check_count
from seqlab.layers.cells.parts import fresh, serialized

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class Highway(keras.layers.Layer):
    """Highway layers, which learn for each component how much of it to transform (Srivastava et al. 2015).

        t = s(x W_T + b_T)                        transform gate
        h = t * g(x W + b) + (1 - t) * x          for each layer, x being the one before's h

    `b_T` starts below 0, as published, so that a new layer hands most of its input on.

    Args:
        layers: Number of layers, each with weights of its own.
        activation: g, by name or as a function.
        transform_bias: Initial value of `b_T`.
        kernel_initializer: Of W and W_T; b starts at 0.

    Call arguments:
        inputs: (..., width).

    Returns:
        (..., width): every vector by itself, so it takes no mask.

    Raises:
        SettingsError: For `layers` below 1.

    >>> outputs = Highway(transform_bias=-50.0)(ops.ones((2, 3)))
    >>> ops.convert_to_numpy(outputs).tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """

    def __init__(
        self,
        layers: int = 1,
        activation: Any = "relu",
        transform_bias: float = -2.0,
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_count("layers", layers)
        self.layers = layers
        self.activation = keras.activations.get(activation)
        self.transform_bias = transform_bias
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.supports_masking = True

    def build(self, inputs_shape: Any) -> None:
        """Creates the weights."""
        width = inputs_shape[-1]
        if width is None:
            raise ValueError(f"Highway needs inputs of a known width, received the shape {tuple(inputs_shape)}.")
        closed = keras.initializers.Constant(self.transform_bias)
        self.steps = [
            (
                self.add_weight((width, width), fresh(self.kernel_initializer), name=f"kernel_{k}"),
                self.add_weight((width,), "zeros", name=f"bias_{k}"),
                self.add_weight((width, width), fresh(self.kernel_initializer), name=f"transform_kernel_{k}"),
                self.add_weight((width,), closed, name=f"transform_bias_{k}"),
            )
            for k in range(self.layers)
        ]

    def call(self, inputs: Tensor) -> Tensor:
        """See the class."""
        x = inputs
        for kernel, bias, transform_kernel, transform_bias in self.steps:
            transform = ops.sigmoid(ops.matmul(x, transform_kernel) + transform_bias)
            x = gated(transform, self.activation(ops.matmul(x, kernel) + bias), x)
        return x

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        """As the inputs."""
        return tuple(inputs_shape)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "layers": self.layers,
            "transform_bias": self.transform_bias,
            **serialized(self, "activation", "kernel_initializer"),
        }


def gated(transform: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """`t * new + (1 - t) * old`.

    >>> float(gated(0.25, 4.0, 8.0))
    7.0
    """
    return transform * new + (1 - transform) * old
