"""Recurrent layers that run any cell of seqlab over sequences, in one direction or in both."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seqlab.layers.cells.base import Options, RecurrentCell
from seqlab.layers.cells.parts import serialized
from seqlab.layers.running import mask_above, mask_of, run_directions

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class Recurrent(keras.layers.Layer):
    """Runs a cell over sequences, as `keras.layers.RNN` does, through a fused loop where the cell has one.

    Steps that the mask leaves out do not happen, wherever they stand: states go over them unchanged, outputs there are
    zeros, and what stands there reaches neither outputs nor gradients. The backward pass of a fused cell is derived by
    hand and keeps its states and gate values alone.

    Args:
        cell: A cell of seqlab (`LSTMCell`, `GRUCell`, ... or a wrapper around one).
        return_sequences: Whether to return the output of every step, or that of the last one.
        return_state: Whether to return the final states too.
        go_backwards: Whether to read from the end; outputs stand in the order of reading, as in Keras.
        stateful: Whether the final states of a batch are the initial ones of the next; needs a fixed batch size. The
            first ones, a wrapper's dropout masks among them, are made by `build` and `reset_state`, so no gradient
            reaches learned initial states.
        truncation: Steps after which the gradient is cut (truncated backpropagation through time); states go on.

    Call arguments:
        inputs: (batch, time, width).
        mask: (batch, time) booleans, or lengths (batch,): below 0 reads as 0, above time as time.
        initial_state: List of tensors, as the cell's `state_size` (the masks and random generators of wrappers, which
            come last, may be left out); zeros, or what the cell has learned, without.
        training: Whether this is training.
        task: For a cell of several tasks (`SCLSTMCell`), the one whose outputs are wanted.

    Returns:
        (batch, time, output width) or (batch, output width), and the states if asked for.

    Raises:
        TypeError: For a cell that is not one of seqlab's.
        ValueError: For inputs, masks or states of the wrong shape or type.

    >>> from seqlab.layers import LSTMCell
    >>> outputs = Recurrent(LSTMCell(4, "CIFG"), return_sequences=True)(ops.ones((2, 3, 5)))
    >>> tuple(outputs.shape)
    (2, 3, 4)
    """

    def __init__(
        self,
        cell: RecurrentCell,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        truncation: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(cell, RecurrentCell):
            raise TypeError(
                f"Recurrent runs cells of seqlab, received {type(cell).__name__}: use keras.layers.RNN for others."
            )
        if truncation is not None and (not isinstance(truncation, int) or truncation < 1):
            raise ValueError(f"`truncation` is a whole number of steps of at least 1, received {truncation}.")
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.truncation = truncation
        self.states: list[Any] = []
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, inputs_shape: Any, mask_shape: Any = None, initial_state_shape: Any = None) -> None:
        """Builds the cell, and the variables of a stateful layer."""
        if self.cell.compute_dtype != self.compute_dtype:
            raise ValueError(
                f"{self.name} computes in {self.compute_dtype}, its cell in {self.cell.compute_dtype}: give both the "
                "same dtype."
            )
        self.input_spec = keras.layers.InputSpec(ndim=3, axes={-1: inputs_shape[-1]})
        if not self.cell.built:
            self.cell.build((inputs_shape[0], inputs_shape[-1]))
        if self.stateful:
            if inputs_shape[0] is None:
                raise ValueError("A stateful layer needs a fixed batch size: keras.Input(batch_shape=(...)).")
            self.states = [
                self.add_weight((inputs_shape[0], size), "zeros", trainable=False, name=f"state_{n}")
                for n, size in enumerate(self.cell.state_size)
            ]
            self.reset_state()

    def call(
        self,
        inputs: Tensor,
        mask: Tensor | None = None,
        initial_state: Any = None,
        training: bool | None = None,
        task: int | None = None,
    ) -> Any:
        """See the class."""
        mask = mask_of(mask, inputs)
        wanted = self.return_state or self.stateful or not self.return_sequences
        options = Options(bool(training), wanted, self.truncation, task)
        self.cell.width(task)  # refuses a task that the cell does not know
        direction = (self.cell, self.starts(inputs, initial_state, bool(training)), self.go_backwards)
        ((outputs, states),) = run_directions(inputs, mask, [direction], options)
        self.keep(states)
        result = self._sequences(outputs) if self.return_sequences else last_output(outputs, mask, self.go_backwards)
        return (result, *states) if self.return_state else result

    def starts(self, inputs: Tensor, given: Any, training: bool) -> tuple[Tensor, ...]:
        """The states before the first step: those given, those kept, or the cell's own."""
        batch = ops.shape(inputs)[0]
        if given is None:
            kept = [ops.convert_to_tensor(state) for state in self.states]  # JAX takes no variable for a tensor
            return tuple(kept if self.stateful else self.cell.start(batch, training))
        states = [ops.convert_to_tensor(x) for x in (given if isinstance(given, list | tuple) else [given])]
        sizes = list(self.cell.state_size)
        if len(states) == len(sizes) - self.cell.drawn:  # masks and random generators may be left to the cell
            states += self.cell.start(batch, training)[len(states) :]
        shapes = [tuple(state.shape) for state in states]
        wanted = [(inputs.shape[0], size) for size in sizes]
        if len(shapes) != len(wanted) or not all(map(_fits, shapes, wanted)):
            raise ValueError(
                f"initial_state of {self.cell.name} is a list of tensors (batch, width) of shapes {wanted}; received "
                f"shapes {shapes}."
            )
        return tuple(ops.cast(state, self.compute_dtype) for state in states)

    def keep(self, states: Any) -> None:
        """Makes these states the initial ones of the next batch, if the layer is stateful."""
        if self.stateful:
            for variable, state in zip(self.states, states, strict=True):
                variable.assign(ops.cast(state, variable.dtype))

    def reset_state(self) -> None:
        """Sets the kept states of a stateful layer back to the cell's initial ones; before it is built there are none.

        Raises:
            ValueError: For a layer that keeps no states.
        """
        if not self.stateful:
            raise ValueError(f"{self.name} keeps no states between batches: make it with stateful=True.")
        first = self.cell.get_initial_state(batch_size=self.states[0].shape[0]) if self.states else []
        for variable, state in zip(self.states, first, strict=True):
            variable.assign(state)

    def compute_mask(self, inputs: Tensor, previous_mask: Tensor | None = None) -> Any:
        """The mask, for the layers above, where there are sequences."""
        mask = mask_above(previous_mask, inputs, self.go_backwards) if self.return_sequences else None
        return [mask, *[None] * len(self.cell.state_size)] if self.return_state else mask

    def compute_output_spec(
        self, inputs: Tensor, mask: Any = None, initial_state: Any = None, training: Any = None, task: int | None = None
    ) -> Any:
        """As the class says."""
        batch, time = inputs.shape[:2]
        width = self.cell.width(task)
        outputs = keras.KerasTensor(
            (batch, time, width) if self.return_sequences else (batch, width), self.compute_dtype
        )
        states = [keras.KerasTensor((batch, size), self.compute_dtype) for size in self.cell.state_size]
        return (outputs, *states) if self.return_state else outputs

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        """As the class says, for all tasks."""
        specs = self.compute_output_spec(keras.KerasTensor(inputs_shape))
        return keras.tree.map_structure(lambda spec: tuple(spec.shape), specs)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("return_sequences", "return_state", "go_backwards", "stateful", "truncation")
        return {
            **super().get_config(),
            **serialized(self, "cell"),
            **{name: getattr(self, name) for name in names},
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Recurrent:
        """Rebuilds the layer with its cell."""
        return cls(**{**config, "cell": keras.saving.deserialize_keras_object(config["cell"])})

    def _sequences(self, outputs: Tensor) -> Tensor:
        return ops.flip(outputs, axis=1) if self.go_backwards else outputs


def _fits(shape: Any, wanted: Any) -> bool:
    sizes = zip(shape, wanted, strict=len(shape) == len(wanted))
    return len(shape) == len(wanted) and all(None in pair or pair[0] == pair[1] for pair in sizes)


def last_output(outputs: Tensor, mask: Tensor | None, backwards: bool) -> Tensor:
    """The output of the step that was read last; zeros for a row without any."""
    if mask is None:
        return outputs[:, 0] if backwards else outputs[:, -1]
    ones = ops.cast(mask, "int32")
    read = ops.flip(ops.cumsum(ops.flip(ones, axis=1), axis=1), axis=1) if backwards else ops.cumsum(ones, axis=1)
    last = ops.logical_and(mask, read == ops.sum(ones, axis=1, keepdims=True))  # (batch, time), one for each row
    return ops.sum(ops.where(last[..., None], outputs, 0), axis=1)
