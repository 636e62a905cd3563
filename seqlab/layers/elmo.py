"""The two halves of ELMo's language model: words from their characters, and their sentence in either direction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from seqlab.errors import SettingsError, check_count, suggest
from seqlab.layers.cells.base import Options
from seqlab.layers.cells.lstm import LSTMCell
from seqlab.layers.cells.parts import Projection
from seqlab.layers.highway import Highway
from seqlab.layers.running import mask_of, run_directions
from seqlab.ops.convolution import dilated_convolution

Tensor = Any
ACTIVATIONS = ("relu", "tanh")
TABLE = 261  # rows of the published models' characters


@keras.saving.register_keras_serializable(package="seqlab")
class ElmoTokens(keras.layers.Layer):
    """Words from their characters, as ELMo's language model reads them (Kim et al. 2016; Peters et al. 2018).

        y_w = g(max_k(W_w [e(k); ...; e(k + w - 1)] + b_w))     for each filter width w, k from 1 to characters - w + 1
        x = P highway([y_w1; y_w2; ...]) + b

    The windows lie inside the word's numbers, whose padding is a character as any other; number 0, that of padded
    tokens, has the vector 0. Highway layers are those of `seqlab.layers.Highway` with relu.

    Args:
        filters: Pairs of a width and the number of filters of that width.
        dim: Width of a character's vector.
        characters: Numbers that there are besides 0.
        activation: g, "relu" or "tanh".
        highway: Number of highway layers, or 0.
        projection: Width of the result; `None` leaves P out.

    Call arguments:
        inputs: `(..., characters)` integers, see `seqlab.text.elmo_chars`.

    Returns:
        `(..., width)` vectors.

    Raises:
        SettingsError: For numbers below 1, no filters, or another activation.
        ValueError: For words shorter than the widest filter.
    """

    def __init__(
        self,
        filters: Sequence[Sequence[int]],
        dim: int = 16,
        characters: int = TABLE,
        activation: str = "relu",
        highway: int = 2,
        projection: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = [[int(width), int(count)] for width, count in filters]
        if not self.filters or min(min(pair) for pair in self.filters) < 1:
            raise SettingsError(f"filters are pairs of a width and a number above 0; received {filters!r}.")
        check_count("dim", dim)
        check_count("characters", characters)
        if activation not in ACTIVATIONS:
            raise SettingsError(
                f"Unknown activation {activation!r}; expected {' or '.join(ACTIVATIONS)}."
                + suggest(str(activation), ACTIVATIONS)
            )
        self.dim = dim
        self.characters = characters
        self.activation = activation
        self.highway = highway
        self.projection = projection
        policy = {"dtype": self.dtype_policy}
        self.carry = Highway(highway, activation="relu", name="highway", **policy) if highway else None
        self.project = None if projection is None else keras.layers.Dense(projection, name="projection", **policy)

    @property
    def width(self) -> int:
        """Width of a word's vector."""
        return self.projection or sum(count for _, count in self.filters)

    def build(self, inputs_shape: Any) -> None:
        """Creates the weights."""
        widest = max(width for width, _ in self.filters)
        if inputs_shape[-1] is not None and inputs_shape[-1] < widest:
            raise ValueError(f"Words of {inputs_shape[-1]} characters are shorter than the widest filter, {widest}.")
        self.table = self.add_weight((self.characters, self.dim), "glorot_uniform", name="characters")
        self.kernels = [
            (
                self.add_weight((width, self.dim, count), "glorot_uniform", name=f"kernel_{number}"),
                self.add_weight((count,), "zeros", name=f"bias_{number}"),
            )
            for number, (width, count) in enumerate(self.filters)
        ]
        shape = (None, sum(count for _, count in self.filters))
        for part in (self.carry, self.project):
            if part is not None:
                part.build(shape)

    def call(self, inputs: Tensor) -> Tensor:
        """See the class."""
        table = ops.convert_to_tensor(self.table)
        table = ops.concatenate([ops.zeros((1, self.dim), table.dtype), table])
        length = inputs.shape[-1]
        x = ops.take(table, ops.reshape(inputs, (-1, length)), axis=0)  # (words, characters, dim)
        g = keras.activations.get(self.activation)
        parts = []
        for kernel, bias in self.kernels:
            kernel = ops.cast(ops.convert_to_tensor(kernel), x.dtype)
            left = (kernel.shape[0] - 1) // 2
            inside = dilated_convolution(x, kernel)[:, left : length - (kernel.shape[0] - 1 - left)]
            parts.append(g(ops.max(inside, axis=1) + bias))  # (words, filters)
        found = ops.concatenate(parts, axis=-1)
        for part in (self.carry, self.project):
            found = found if part is None else part(found)
        return ops.reshape(found, (*ops.shape(inputs)[:-1], self.width))

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        """`(..., width)`."""
        return (*inputs_shape[:-1], self.width)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("filters", "dim", "characters", "activation", "highway", "projection")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="seqlab")
class ElmoRecurrence(keras.layers.Layer):
    """The recurrent layers of ELMo's language model: two stacks that never see each other (Peters et al. 2018).

        f_0 = b_0 = x                                forward and backward
        f_l = LSTM_l(f_{l-1}) + f_{l-1}              b_l likewise, from the last token back
        h_l = [f_l; b_l]                             for l = 0, ..., layers

    The second term stands there with `skip_connections` and for l > 1 alone. The cells are `LSTMCell` without
    peepholes, whose output is projected.

    Args:
        units: Units of each cell.
        layers: Number of recurrent layers.
        projection: Width of the cells' outputs, that of the inputs; the units' without.
        cell_clip: Limit of the size of a cell's memory, or `None`.
        projection_clip: Limit of the size of each component of a projected output, or `None`.
        skip_connections: Whether layers above the first add what they read.
        return_state: Whether to return the states too.

    Call arguments:
        inputs: `(batch, time, width)`.
        mask: `(batch, time)` booleans, true at real tokens.
        initial_state: What an earlier call returned; zeros without.

    Returns:
        `(batch, time, layers + 1, 2 * width)`, zeros at masked positions; with `return_state` besides the list of y and
        c of each forward cell and then of each backward one, after the last token that each has read.

    Raises:
        SettingsError: For numbers below 1.
        ValueError: For inputs of another width than the outputs, or another number of states.
    """

    def __init__(
        self,
        units: int,
        layers: int = 2,
        projection: int | None = None,
        cell_clip: float | None = None,
        projection_clip: float | None = None,
        skip_connections: bool = False,
        return_state: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_count("layers", layers)
        if projection is None and projection_clip is not None:
            raise SettingsError("projection_clip is of projected outputs: name a projection, or leave it out.")
        self.units = units
        self.layers = layers
        self.projection = projection
        self.cell_clip = cell_clip
        self.projection_clip = projection_clip
        self.skip_connections = skip_connections
        self.return_state = return_state
        self.supports_masking = True
        self.width = projection or units
        self.forward = [self._cell(f"forward_{k}") for k in range(layers)]
        self.backward = [self._cell(f"backward_{k}") for k in range(layers)]

    def _cell(self, name: str) -> LSTMCell:
        policy = {"dtype": self.dtype_policy}
        projection = None
        if self.projection is not None:
            projection = Projection(self.projection, self.projection_clip, name="projection", **policy)
        return LSTMCell(self.units, "NP", cell_clip=self.cell_clip, projection=projection, name=name, **policy)

    @property
    def state_size(self) -> list[int]:
        """Widths of the states."""
        return [size for cell in (*self.forward, *self.backward) for size in cell.state_size]

    def build(self, inputs_shape: Any, mask_shape: Any = None, initial_state_shape: Any = None) -> None:
        """Builds the cells."""
        if inputs_shape[-1] != self.width:
            raise ValueError(
                f"{self.name} reads inputs as wide as its outputs, {self.width}; received {tuple(inputs_shape)}."
            )
        for cell in (*self.forward, *self.backward):
            cell.build((inputs_shape[0], self.width))

    def call(
        self,
        inputs: Tensor,
        mask: Tensor | None = None,
        initial_state: Any = None,
        training: bool | None = None,
    ) -> Any:
        """See the class."""
        mask = mask_of(mask, inputs)
        x = inputs if mask is None else ops.where(mask[..., None], inputs, 0)
        cells = (*self.forward, *self.backward)
        given = list(initial_state or [])
        if not given:
            given = [state for cell in cells for state in cell.get_initial_state(batch_size=ops.shape(inputs)[0])]
        if len(given) != len(self.state_size):
            raise ValueError(f"{self.name} has {len(self.state_size)} states (batch, width), received {len(given)}.")
        states = [tuple(given[k : k + 2]) for k in range(0, len(given), 2)]  # y and c of each cell
        options = Options(bool(training), self.return_state)
        streams, results = (x, x), [ops.concatenate([x, x], axis=-1)]
        for k in range(self.layers):
            places = (k, k + self.layers)
            directions = [(cells[place], states[place], place >= self.layers) for place in places]
            found = run_directions(streams, mask, directions, options)
            for place, (_, after) in zip(places, found, strict=True):
                states[place] = after
            add = self.skip_connections and k > 0
            outputs = [new + old if add else new for (new, _), old in zip(found, streams, strict=True)]
            streams = (outputs[0], outputs[1])
            results.append(ops.concatenate(outputs, axis=-1))
        stacked = ops.stack(results, axis=2)  # (batch, time, layers + 1, 2 * width)
        return (stacked, *(state for pair in states for state in pair)) if self.return_state else stacked

    def compute_output_spec(
        self, inputs: Tensor, mask: Any = None, initial_state: Any = None, training: Any = None
    ) -> Any:
        """As the class says."""
        batch, time = inputs.shape[:2]
        outputs = keras.KerasTensor((batch, time, self.layers + 1, 2 * self.width), self.compute_dtype)
        states = [keras.KerasTensor((batch, size), self.compute_dtype) for size in self.state_size]
        return (outputs, *states) if self.return_state else outputs

    def compute_mask(self, inputs: Tensor, previous_mask: Tensor | None = None) -> Any:
        """The mask, for what reads the layers."""
        return [previous_mask, *[None] * len(self.state_size)] if self.return_state else previous_mask

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ["units", "layers", "projection", "cell_clip", "projection_clip", "skip_connections", "return_state"]
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
