"""The LSTM cell with peepholes, its eight variants, and what can be put on top of them."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seqlab.errors import check_count
from seqlab.layers.cells.base import RecurrentCell
from seqlab.layers.cells.parts import Projection, check_limit, gate_bias, serialized
from seqlab.ops.recurrence.activations import activation as activation_of
from seqlab.ops.recurrence.full_gate import FullGateKernel, FullGateWeights
from seqlab.ops.recurrence.kernel import as_is, split
from seqlab.ops.recurrence.lstm import LSTMKernel, LSTMWeights
from seqlab.ops.recurrence.variants import variant as variant_of

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class LSTMCell(RecurrentCell):
    """One step of the vanilla LSTM with peepholes, or of one of its eight variants (Greff et al. 2017).

        z = g(x W_z + y(t-1) R_z + b_z)                       block input
        i = s(x W_i + y(t-1) R_i + p_i c(t-1) + b_i)          input gate
        f = s(x W_f + y(t-1) R_f + p_f c(t-1) + b_f)          forget gate
        c = z i + c(t-1) f                                    cell
        o = s(x W_o + y(t-1) R_o + p_o c + b_o)               output gate
        y = h(c) o                                            block output

    Variants: V (all of it), NIG (i = 1), NFG (f = 1), NOG (o = 1), NIAF (g(x) = x), NOAF (h(x) = x), CIFG (f = 1 - i),
    NP (no peepholes), FGR (each gate also reads all gates of the step before). What a variant drops takes its weights
    with it. Columns of `kernel`, `recurrent` and `bias` stand in the order z, i, f, o. States: y, c; with FGR also
    i, f, o.

    Args:
        units: Number of blocks.
        variant: One of the codes above.
        activation: g, by name or as a function.
        output_activation: h.
        recurrent_activation: s.
        gate_slope: Whether each gate is `s(a x)` with one trainable `a`, initially 1 (Doetsch et al. 2014).
        normalized: Whether every pre-activation, and c before h reads it, is layer-normalised (Ba et al. 2016).
        cell_clip: Limit of the size of c.
        projection: A `Projection`: y becomes `P(h(c) o)`, for the output and for the gates (Sak et al. 2014).
        kernel_initializer: Of W.
        recurrent_initializer: Of R.
        peephole_initializer: Of p.
        bias_initializer: Of all biases but the forget gate's.
        forget_bias_initializer: Of the forget gate's bias; 1 lets memory last from the start.

    Raises:
        SettingsError: For an unknown variant.
        ValueError: For `units` below 1 or a `cell_clip` that is not above 0.
    """

    def __init__(
        self,
        units: int,
        variant: str = "V",
        activation: Any = "tanh",
        output_activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        gate_slope: bool = False,
        normalized: bool = False,
        cell_clip: float | None = None,
        projection: Projection | None = None,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        peephole_initializer: Any = "zeros",
        bias_initializer: Any = "zeros",
        forget_bias_initializer: Any = "ones",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_count("units", units)
        check_limit("cell_clip", cell_clip)
        self.units = units
        self.row = variant_of(variant)
        self.variant = self.row.code
        self.activation = keras.activations.get(activation)
        self.output_activation = keras.activations.get(output_activation)
        self.recurrent_activation = keras.activations.get(recurrent_activation)
        self.gate_slope = gate_slope
        self.normalized = normalized
        self.cell_clip = cell_clip
        self.projection = projection
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.peephole_initializer = keras.initializers.get(peephole_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.forget_bias_initializer = keras.initializers.get(forget_bias_initializer)
        self.output_size = units if projection is None else projection.units
        self.state_size = [self.output_size, *[units] * (4 if self.row.gate_recurrence else 1)]
        self.norms = {
            name: keras.layers.LayerNormalization(dtype=self.dtype_policy, name=f"norm_{name}")
            for name in ((*self.row.blocks, "h") if normalized else ())
        }

    def build(self, inputs_shape: Any, states_shape: Any = None) -> None:
        """Creates the weights."""
        width, units, blocks = self.check_inputs(inputs_shape), self.units, self.row.blocks
        columns, gates = len(blocks) * units, len(self.row.gates) * units
        self.kernel_weight = self.add_weight((width, columns), self.kernel_initializer, name="kernel")
        self.recurrent = self.add_weight((self.output_size, columns), self.recurrent_initializer, name="recurrent")
        self.bias = self.add_weight(
            (columns,),
            gate_bias(blocks, "f", units, self.bias_initializer, self.forget_bias_initializer),
            name="bias",
        )
        self.peepholes = None
        if self.row.peepholes:
            self.peepholes = self.add_weight((gates,), self.peephole_initializer, name="peepholes")
        if self.row.gate_recurrence:
            self.gate_weights = self.add_weight((gates, gates), self.recurrent_initializer, name="gates")
        self.slopes = self.add_weight((len(self.row.gates),), "ones", name="slopes") if self.gate_slope else None
        for norm in self.norms.values():
            norm.build((None, units))
        if self.projection is not None and not self.projection.built:
            self.projection.build((None, units))

    def kernel(self) -> Any:
        """The recurrence of this variant."""
        g = activation_of(self.activation if self.row.input_activation else "linear")
        h = activation_of(self.output_activation if self.row.output_activation else "linear")
        s = activation_of(self.recurrent_activation)
        adjust = as_is if self._plain() else self._adjust
        return FullGateKernel(g, h, s, adjust) if self.row.gate_recurrence else LSTMKernel(self.row, g, h, s, adjust)

    def fusable(self) -> bool:
        """Whether nothing but known activations stands between the weights and the states."""
        return self._plain() and super().fusable()

    def entered(self, inputs: Tensor) -> tuple[Tensor]:
        """`x W + b`."""
        return (ops.matmul(inputs, self._sloped(self.kernel_weight)) + self._sloped(self.bias),)

    def recurrence(self, dropped: Tensor | None = None) -> LSTMWeights | FullGateWeights:
        """R and p, times the gates' slopes."""
        peepholes: Any = ()
        if self.peepholes is not None:
            peepholes = tuple(split(self._sloped(self.peepholes, gates=True), len(self.row.gates)))
        recurrent = self._sloped(self.recurrent)
        if self.row.gate_recurrence:
            return FullGateWeights(recurrent, self._sloped(self.gate_weights, gates=True), peepholes, dropped)
        return LSTMWeights(recurrent, peepholes, dropped)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        plain = ("units", "variant", "gate_slope", "normalized", "cell_clip")
        initializers = ("kernel", "recurrent", "peephole", "bias", "forget_bias")
        return {
            **super().get_config(),
            **{name: getattr(self, name) for name in plain},
            **serialized(self, "activation", "output_activation", "recurrent_activation", "projection"),
            **serialized(self, *(f"{name}_initializer" for name in initializers)),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LSTMCell:
        """Rebuilds the cell; its projection is a part of its own."""
        projection = config.get("projection")
        if isinstance(projection, dict):
            config = {**config, "projection": keras.saving.deserialize_keras_object(projection)}
        return cls(**config)

    def _plain(self) -> bool:
        return not self.normalized and self.cell_clip is None and self.projection is None

    def _adjust(self, name: str, value: Tensor) -> Tensor:
        if name in self.norms:
            value = self.norms[name](value)
            if self.slopes is not None and name in self.row.gates:  # before the norm it would be normalised away
                value = value * self.slopes[self.row.gates.index(name)]
        if name == "c" and self.cell_clip is not None:
            value = ops.clip(value, -self.cell_clip, self.cell_clip)
        if name == "y" and self.projection is not None:
            value = self.projection(value)
        return value

    def _sloped(self, weight: Tensor, gates: bool = False) -> Tensor:
        weight = ops.convert_to_tensor(weight)
        if self.slopes is None or self.normalized:
            return weight
        # Not `ops.repeat`: XLA does not compile its gradient inside a loop of TensorFlow.
        slopes = ops.convert_to_tensor(self.slopes)[:, None]
        slopes = ops.reshape(ops.broadcast_to(slopes, (slopes.shape[0], self.units)), (-1,))
        return weight * (slopes if gates else ops.concatenate([ops.ones((self.units,), slopes.dtype), slopes]))
