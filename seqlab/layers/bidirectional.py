"""Both directions of a recurrent layer, in one loop over time."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from seqlab.errors import suggest
from seqlab.layers.cells.base import Options
from seqlab.layers.cells.parts import reseeded, serialized
from seqlab.layers.recurrent import Recurrent, last_output
from seqlab.layers.running import mask_above, mask_of, run_directions

Tensor = Any

MERGES = {
    "concat": lambda forward, backward: ops.concatenate([forward, backward], axis=-1),
    "sum": lambda forward, backward: forward + backward,
    "mul": lambda forward, backward: forward * backward,
    "ave": lambda forward, backward: (forward + backward) / 2,
}


ALIKE = ("return_sequences", "return_state", "stateful", "truncation")
"""What both layers have in common."""


@keras.saving.register_keras_serializable(package="seqlab")
class Bidirectional(keras.layers.Layer):
    """Runs a recurrent layer from the first token on and a second one from the last token back, and joins them.

    Both directions share one loop over time; the backward one starts at each row's last token, whatever stands after
    it. `y(t) = merge(forward y(t), backward y(t))`.

    A layer with `go_backwards` turns everything, as in Keras: its own half reads from the last token on and the other
    half from the first, and the merged outputs stand from the last token to the first. Stateful layers keep the final
    states of each half for the same half of the next batch, until `reset_state`.

    Args:
        layer: A `Recurrent` layer: the forward direction.
        merge_mode: "concat", "sum", "mul", "ave", or `None` for both as they are.
        backward_layer: The other direction, which always reads against `layer`; a copy of `layer` with weights of its
            own without.

    Call arguments:
        inputs: (batch, time, width).
        mask: (batch, time) booleans, or lengths (batch,).
        initial_state: List of the forward states, then of the backward ones; the masks and random generators of
            wrappers may be left out of both.
        training: Whether this is training.
        task: As in `Recurrent`.

    Returns:
        As `Recurrent`, merged; the forward states and then the backward ones, if the layer returns states. Without
        sequences, the forward output of the last token with the backward output of the first.

    Raises:
        TypeError: For layers other than `Recurrent`.
        ValueError: For an unknown `merge_mode`, two layers that return different things, of which one alone is
            stateful, which both go backwards, or which cannot be merged because their outputs differ in width.

    >>> from seqlab.layers import LSTMCell
    >>> layer = Bidirectional(Recurrent(LSTMCell(4), return_sequences=True))
    >>> tuple(layer(ops.ones((2, 3, 5)), mask=ops.convert_to_tensor([3, 1])).shape)
    (2, 3, 8)
    """

    def __init__(
        self,
        layer: Recurrent,
        merge_mode: str | None = "concat",
        backward_layer: Recurrent | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if merge_mode is not None and merge_mode not in MERGES:
            raise ValueError(
                f"Unknown merge_mode {merge_mode!r}; expected one of {', '.join(MERGES)} or None."
                + suggest(str(merge_mode), MERGES)
            )
        if not isinstance(layer, Recurrent):
            raise TypeError(f"Bidirectional holds a Recurrent layer, received {type(layer).__name__}.")
        if not isinstance(backward_layer, Recurrent | None):
            raise TypeError(f"backward_layer is a Recurrent layer too, received {type(backward_layer).__name__}.")
        self.layer = layer
        self.merge_mode = merge_mode
        self.backward_layer = _mirrored(layer) if backward_layer is None else backward_layer
        self.both = (self.layer, self.backward_layer)
        kinds = [{name: getattr(one, name) for name in ALIKE} for one in self.both]
        if kinds[0] != kinds[1]:
            raise ValueError(
                f"Bidirectional needs two layers with the same {', '.join(ALIKE)}; received {kinds[0]} and {kinds[1]}."
            )
        if all(one.go_backwards for one in self.both):
            raise ValueError(
                "The two layers of a Bidirectional read against one another, received two with go_backwards=True: "
                "leave it out of the one that is to read from the first token on."
            )
        widths = [one.cell.output_size for one in self.both]
        if widths[0] != widths[1] and merge_mode not in ("concat", None):
            raise ValueError(
                f"merge_mode {merge_mode!r} needs outputs of one width, the layers' are {widths}: use 'concat' or None."
            )
        self.supports_masking = True
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, inputs_shape: Any, mask_shape: Any = None, initial_state_shape: Any = None) -> None:
        """Builds both directions."""
        self.input_spec = keras.layers.InputSpec(ndim=3, axes={-1: inputs_shape[-1]})
        for one in self.both:
            if not one.built:
                one.build(inputs_shape)

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
        sequences, wanted = self.layer.return_sequences, self.layer.return_state
        self.layer.cell.width(task)
        options = Options(bool(training), wanted or not sequences, self.layer.truncation, task)
        found = self._run((inputs, inputs), mask, self._halves(initial_state), options)
        outputs = [
            self._in_order(outputs) if sequences else last_output(outputs, mask, reverse)
            for (outputs, _), reverse in zip(found, self._turned(), strict=True)
        ]
        merged = tuple(outputs) if self.merge_mode is None else (MERGES[self.merge_mode](*outputs),)
        states = tuple(state for _, states in found for state in states) if wanted else ()
        result = (*merged, *states)
        return result if len(result) > 1 else result[0]

    def apart(
        self, forward: Tensor, backward: Tensor, mask: Tensor | None = None, training: bool | None = None
    ) -> tuple[Tensor, ...]:
        """Runs each direction over inputs of its own, for stacks whose directions meet at the top alone.

        Args:
            forward: (batch, time, width), what the forward direction reads.
            backward: The same for the backward direction.
            mask: As in `call`.
            training: Whether this is training.

        Returns:
            The outputs of both, (batch, time, width) each, whatever the layer returns otherwise.
        """
        options = Options(bool(training), False, self.layer.truncation)
        found = self._run((forward, backward), mask_of(mask, forward), (None, None), options)
        return tuple(self._in_order(outputs) for outputs, _ in found)

    def reset_state(self) -> None:
        """Sets the kept states of both directions back, as `Recurrent.reset_state` does."""
        for one in self.both:
            one.reset_state()

    def _run(
        self,
        inputs: tuple[Tensor, Tensor],
        mask: Tensor | None,
        given: tuple[Any, Any],
        options: Options,
    ) -> list[tuple[Tensor, tuple[Tensor, ...]]]:
        """Outputs where the tokens stand, and final states, of both; stateful layers keep these."""
        directions = [
            (one.cell, one.starts(x, states, options.training), reverse)
            for one, x, states, reverse in zip(self.both, inputs, given, self._turned(), strict=True)
        ]
        options = options._replace(states=options.states or self.layer.stateful)
        found = run_directions(inputs, mask, directions, options)
        for one, (_, states) in zip(self.both, found, strict=True):
            one.keep(states)
        return found

    def _turned(self) -> tuple[bool, bool]:
        return self.layer.go_backwards, not self.layer.go_backwards

    def _in_order(self, outputs: Tensor) -> Tensor:
        return ops.flip(outputs, axis=1) if self.layer.go_backwards else outputs

    def compute_mask(self, inputs: Tensor, previous_mask: Tensor | None = None) -> Any:
        """The mask, for the layers above, where there are sequences."""
        sequences, turned = self.layer.return_sequences, self.layer.go_backwards
        mask = mask_above(previous_mask, inputs, turned) if sequences else None
        outputs = [mask] * (2 if self.merge_mode is None else 1)
        states = [None] * (sum(len(one.cell.state_size) for one in self.both) if self.layer.return_state else 0)
        return [*outputs, *states] if len(outputs) + len(states) > 1 else mask

    def compute_output_spec(
        self, inputs: Tensor, mask: Any = None, initial_state: Any = None, training: Any = None, task: int | None = None
    ) -> Any:
        """As the class says."""
        parts = [keras.tree.flatten(one.compute_output_spec(inputs, task=task)) for one in self.both]
        outputs = [part[0] for part in parts]
        states = [state for part in parts for state in part[1:]]
        if self.merge_mode == "concat":
            width = sum(output.shape[-1] for output in outputs)
            outputs = [keras.KerasTensor((*outputs[0].shape[:-1], width), outputs[0].dtype)]
        elif self.merge_mode is not None:
            outputs = outputs[:1]
        result = (*outputs, *states)
        return result if len(result) > 1 else result[0]

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        """As the class says, for all tasks."""
        specs = self.compute_output_spec(keras.KerasTensor(inputs_shape))
        return keras.tree.map_structure(lambda spec: tuple(spec.shape), specs)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "merge_mode": self.merge_mode,
            **serialized(self, "layer", "backward_layer"),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Bidirectional:
        """Rebuilds the layer with both directions."""
        parts = {name: keras.saving.deserialize_keras_object(config[name]) for name in ("layer", "backward_layer")}
        return cls(**{**config, **parts})

    def _halves(self, given: Any) -> tuple[Any, Any]:
        if given is None:
            return None, None
        sizes = [len(one.cell.state_size) for one in self.both]
        own = [size - one.cell.drawn for size, one in zip(sizes, self.both, strict=True)]  # without masks, generators
        received = len(given) if isinstance(given, list | tuple) else None
        if received not in (sum(sizes), sum(own)):
            counts = f"{sum(own)} tensors" + ("" if own == sizes else f" (or {sum(sizes)}, masks included)")
            raise ValueError(
                f"initial_state of a Bidirectional layer is a list of {counts}, the forward states and then the "
                f"backward ones; received {'one tensor' if received is None else received}."
            )
        count = (sizes if received == sum(sizes) else own)[0]
        return list(given[:count]), list(given[count:])


def _mirrored(layer: Recurrent) -> Recurrent:
    turned = {"name": f"backward_{layer.name}", "go_backwards": not layer.go_backwards}
    return Recurrent.from_config({**reseeded(layer.get_config()), **turned})
