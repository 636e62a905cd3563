"""One encoder for all tasks, which read its top layer or each a layer of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from seqlab.errors import SettingsError, check_count
from seqlab.layers.cells.parts import serialized
from seqlab.layers.stack import RecurrentStack
from seqlab.layers.tasks.base import Found, TaskEncoder, directions_of, top_and_first

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class SharedEncoder(TaskEncoder):
    """One encoder whose weights all tasks train.

        s_k = x_L        without depths: every task reads the top layer ("LSTM-s")
        s_k = x_{d_k}    with depths d_1, ..., d_K: lower layers serve simpler tasks ("LSTM-d", Sogaard & Goldberg 2016)

    A batch of a task runs and trains the layers up to its own and none above.

    Args:
        encoder: Layer called as `encoder(x, mask=mask)`; with depths a `RecurrentStack`.
        tasks: Number of tasks.
        depths: For each task the layer that it reads, 1 for the first. One of them reads the top.

    Call arguments, shapes and masking: see `TaskEncoder`.

    Raises:
        SettingsError: For depths that are not one for each task, that name a layer that there is not, or that leave
            the top layer to nobody; for depths of an encoder that is no `RecurrentStack`.

    >>> from keras import ops
    >>> encoder = SharedEncoder(RecurrentStack(4, layers=3), tasks=2, depths=(1, 3))
    >>> tuple(encoder(ops.ones((2, 3, 5))).shape), tuple(encoder(ops.ones((2, 3, 5)), task=0).shape)
    ((2, 3, 2, 8), (2, 3, 8))

    Reference: Sogaard and Goldberg, Deep multi-task learning with low level tasks supervised at lower layers, ACL 2016.
    """

    def __init__(
        self, encoder: keras.layers.Layer, tasks: int, depths: Sequence[int] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        check_count("tasks", tasks)
        if depths is not None:
            _check_depths(depths, tasks, encoder)
        elif getattr(encoder, "all_layers", False):
            raise SettingsError("all_layers=True gives all layers to tasks that read the top alone: leave it out.")
        self.encoder = encoder
        self.tasks = tasks
        self.depths = None if depths is None else tuple(depths)

    def build(self, inputs_shape: Any) -> None:
        """Builds the encoder."""
        if not self.encoder.built:
            self.encoder.build(inputs_shape)

    def represent(self, inputs: Tensor, mask: Tensor | None, task: int, training: bool | None) -> Found:
        """See the class."""
        return top_and_first(self.encoder, inputs, mask, training, None if self.depths is None else self.depths[task])

    def represent_all(self, inputs: Tensor, mask: Tensor | None, training: bool | None) -> Found:
        """Runs the encoder once."""
        if self.depths is None:
            top, first = top_and_first(self.encoder, inputs, mask, training)
            found = [top] * self.tasks
        else:
            layers = self.encoder.up_to(self.encoder.layers, inputs, mask, training)
            found, first = [layers[depth - 1] for depth in self.depths], layers[0]
        return keras.ops.stack(found, axis=2), first

    @property
    def directions_width(self) -> int | None:
        """That of a `RecurrentStack`."""
        return directions_of(self.encoder)

    def width(self, inputs_shape: Any) -> int:
        """The width of a layer's outputs."""
        if self.depths is not None:
            return int(self.encoder.width)
        return int(self.encoder.compute_output_shape(inputs_shape)[-1])

    def weights_of(self, task: int) -> list[Any]:
        """Those of the layers up to the task's."""
        if self.depths is None:
            return list(self.encoder.weights)
        found: list[Any] = self.encoder.weights_up_to(self.depths[task])
        return found

    def config_for(self, kept: Sequence[int | None], depth: int | None = None) -> dict[str, Any]:
        """Layers that nobody reads any more are left out; a new task reads the top layer where it does not say."""
        config = {**self.get_config(), "tasks": len(kept)}
        if self.depths is None:
            if depth is not None:
                raise SettingsError("depth is for encoders whose tasks read different layers (LSTM-d): leave it out.")
            return config
        new = self.encoder.layers if depth is None else depth
        depths = [new if place is None else self.depths[place] for place in kept]
        if new > self.encoder.layers:
            raise SettingsError(f"Layer {new} of an encoder of {self.encoder.layers} layers: choose one of these.")
        inner = {**config["encoder"], "config": {**config["encoder"]["config"], "layers": max(depths)}}
        return {**config, "depths": depths, "encoder": inner}

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        depths = None if self.depths is None else list(self.depths)
        return {**super().get_config(), **serialized(self, "encoder"), "tasks": self.tasks, "depths": depths}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SharedEncoder:
        """Rebuilds the layer with its encoder."""
        return cls(**{**config, "encoder": keras.saving.deserialize_keras_object(config["encoder"])})


def _check_depths(depths: Sequence[int], tasks: int, encoder: keras.layers.Layer) -> None:
    if not isinstance(encoder, RecurrentStack):
        raise SettingsError(
            f"Tasks read different layers of a RecurrentStack, received {type(encoder).__name__}: leave out depths, so "
            "that all read its top."
        )
    known = range(1, encoder.layers + 1)
    if len(depths) != tasks or any(depth not in known for depth in depths):
        raise SettingsError(
            f"depths holds a layer from 1 to {encoder.layers} for each of the {tasks} tasks; received {list(depths)}."
        )
    if max(depths) < encoder.layers:
        raise SettingsError(
            f"No task reads layer {encoder.layers} (depths={list(depths)}), so it would never learn: take "
            f"{max(depths)} layers."
        )
