"""The gated recurrent unit and the simple recurrent network."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seqlab.errors import check_count
from seqlab.layers.cells.base import RecurrentCell
from seqlab.layers.cells.parts import serialized
from seqlab.ops.recurrence.activations import activation as activation_of
from seqlab.ops.recurrence.gru import GRUAfterKernel, GRUAfterWeights, GRUBeforeKernel, GRUBeforeWeights
from seqlab.ops.recurrence.kernel import Kernel
from seqlab.ops.recurrence.simple import SimpleWeights, SRNKernel

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class GRUCell(RecurrentCell):
    """One step of the GRU (Cho et al. 2014).

        r = s(x W_r + y(t-1) R_r + b_r)               reset gate
        u = s(x W_u + y(t-1) R_u + b_u)               update gate
        n = g(x W_n + (r y(t-1)) R_n + b_n)           candidate, reset before the product (as published)
        n = g(x W_n + r (y(t-1) R_n + b'_n) + b_n)    candidate, reset after it (Keras, cuDNN)
        y = u y(t-1) + (1 - u) n                      output

    Columns stand in the order r, u, n. State: y.

    Args:
        units: Width of the state.
        reset_after: Which candidate.
        activation: g, by name or as a function.
        recurrent_activation: s.
        kernel_initializer: Of W.
        recurrent_initializer: Of R.
        bias_initializer: Of b and b'.

    Raises:
        ValueError: For `units` below 1.
    """

    def __init__(
        self,
        units: int,
        reset_after: bool = False,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_count("units", units)
        self.units = units
        self.reset_after = reset_after
        self.activation = keras.activations.get(activation)
        self.recurrent_activation = keras.activations.get(recurrent_activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.output_size = units
        self.state_size = [units]

    def build(self, inputs_shape: Any, states_shape: Any = None) -> None:
        """Creates the weights."""
        width, units = self.check_inputs(inputs_shape), self.units
        self.kernel_weight = self.add_weight((width, 3 * units), self.kernel_initializer, name="kernel")
        self.recurrent = self.add_weight((units, 3 * units), self.recurrent_initializer, name="recurrent")
        self.bias = self.add_weight((3 * units,), self.bias_initializer, name="bias")
        self.reset_bias = None
        if self.reset_after:
            self.reset_bias = self.add_weight((units,), self.bias_initializer, name="reset_bias")

    def kernel(self) -> Kernel:
        """The recurrence."""
        kind = GRUAfterKernel if self.reset_after else GRUBeforeKernel
        return kind(activation_of(self.activation), activation_of(self.recurrent_activation))

    def entered(self, inputs: Tensor) -> tuple[Tensor]:
        """`x W + b`."""
        return (ops.matmul(inputs, self.kernel_weight) + self.bias,)

    def recurrence(self, dropped: Tensor | None = None) -> GRUBeforeWeights | GRUAfterWeights:
        """R and b'."""
        recurrent = ops.convert_to_tensor(self.recurrent)
        if self.reset_after:
            return GRUAfterWeights(recurrent, self.reset_bias, dropped)
        return GRUBeforeWeights(recurrent[:, : 2 * self.units], recurrent[:, 2 * self.units :], dropped)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "reset_after": self.reset_after,
            **serialized(self, "activation", "recurrent_activation"),
            **serialized(self, "kernel_initializer", "recurrent_initializer", "bias_initializer"),
        }


@keras.saving.register_keras_serializable(package="seqlab")
class SRNCell(RecurrentCell):
    """One step of the simple recurrent network (Elman 1990), `y = g(x W + y(t-1) R + b)`. State: y.

    Args:
        units: Width of the state.
        activation: g, by name or as a function.
        kernel_initializer: Of W.
        recurrent_initializer: Of R.
        bias_initializer: Of b.

    Raises:
        ValueError: For `units` below 1.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_count("units", units)
        self.units = units
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.output_size = units
        self.state_size = [units]

    def build(self, inputs_shape: Any, states_shape: Any = None) -> None:
        """Creates the weights."""
        width = self.check_inputs(inputs_shape)
        self.kernel_weight = self.add_weight((width, self.units), self.kernel_initializer, name="kernel")
        self.recurrent = self.add_weight((self.units, self.units), self.recurrent_initializer, name="recurrent")
        self.bias = self.add_weight((self.units,), self.bias_initializer, name="bias")

    def kernel(self) -> Kernel:
        """The recurrence."""
        return SRNKernel(activation_of(self.activation))

    def entered(self, inputs: Tensor) -> tuple[Tensor]:
        """`x W + b`."""
        return (ops.matmul(inputs, self.kernel_weight) + self.bias,)

    def recurrence(self, dropped: Tensor | None = None) -> SimpleWeights:
        """R."""
        return SimpleWeights(self.recurrent, dropped)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            **serialized(self, "activation", "kernel_initializer", "recurrent_initializer", "bias_initializer"),
        }
