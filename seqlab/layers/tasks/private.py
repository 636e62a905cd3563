"""An encoder for each task, alone or beside one that all share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from seqlab.errors import SettingsError
from seqlab.layers.cells.parts import reseeded, serialized
from seqlab.layers.tasks.base import Found, TaskEncoder, directions_of, top_and_first

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class PrivateEncoders(TaskEncoder):
    """A private encoder for each task, and beside them one that all share, if it is given.

        s_k = private_k(x)                  alone: separate networks ("STL", single-task learning)
        s_k = [shared(x); private_k(x)]     private and shared subspaces

    Args:
        private: A layer for each task, called as `layer(x, mask=mask)`; all give outputs of one width.
        shared: Such a layer for all tasks.

    Call arguments, shapes and masking: see `TaskEncoder`.

    Raises:
        SettingsError: Without private encoders, for one that is there twice, or outputs of different widths.

    >>> from seqlab.layers.stack import RecurrentStack
    >>> encoder = PrivateEncoders([RecurrentStack(4), RecurrentStack(4)], shared=RecurrentStack(3))
    >>> tuple(encoder(ops.ones((2, 3, 5)), task=1).shape)
    (2, 3, 14)

    Reference: Liu, Qiu and Huang, Adversarial multi-task learning for text classification, ACL 2017 (the spaces).
    """

    def __init__(
        self, private: Sequence[keras.layers.Layer], shared: keras.layers.Layer | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        parts = [*private, *([] if shared is None else [shared])]
        if not private or len({id(part) for part in parts}) < len(parts):
            raise SettingsError(
                f"Expected a private encoder for each task, all different ones; received {len(private)} for "
                f"{len({id(part) for part in private})}."
            )
        self.private = list(private)
        self.shared = shared
        self.tasks = len(private)

    def build(self, inputs_shape: Any) -> None:
        """Builds all encoders."""
        widths = {self._width(part, inputs_shape) for part in self.private}
        if len(widths) > 1:
            raise SettingsError(f"All private encoders give outputs of one width; received {sorted(widths)}.")
        for part in [*self.private, self.shared]:
            if part is not None and not part.built:
                part.build(inputs_shape)

    def represent(self, inputs: Tensor, mask: Tensor | None, task: int, training: bool | None) -> Found:
        """See the class."""
        common, first = self._of_all(inputs, mask, training)
        return self._joined(common, inputs, mask, task, training), first

    def represent_all(self, inputs: Tensor, mask: Tensor | None, training: bool | None) -> Found:
        """Runs the shared encoder once."""
        common, first = self._of_all(inputs, mask, training)
        found = [self._joined(common, inputs, mask, k, training) for k in range(self.tasks)]
        return ops.stack(found, axis=2), first

    @property
    def directions_width(self) -> int | None:
        """That of a `RecurrentStack` that all share."""
        return directions_of(self.shared)

    def width(self, inputs_shape: Any) -> int:
        """Both widths together."""
        common = 0 if self.shared is None else self._width(self.shared, inputs_shape)
        return common + self._width(self.private[0], inputs_shape)

    def weights_of(self, task: int) -> list[Any]:
        """Those of the shared encoder, then the task's own."""
        return [*([] if self.shared is None else self.shared.weights), *self.private[task].weights]

    def config_for(self, kept: Sequence[int | None], depth: int | None = None) -> dict[str, Any]:
        """A new task gets an encoder like the first one's."""
        if depth is not None:
            raise SettingsError("depth is for encoders whose tasks read different layers (LSTM-d): leave it out.")
        config = self.get_config()
        given = config["private"]
        private = [reseeded(given[0], len(given)) if place is None else given[place] for place in kept]
        return {**config, "private": private}

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        private = [keras.saving.serialize_keras_object(part) for part in self.private]
        for part in private:
            part.pop("build_config", None)  # whoever holds a layer builds it again
        return {**super().get_config(), "private": private, **serialized(self, "shared")}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> PrivateEncoders:
        """Rebuilds the layer with its encoders."""
        deserialize = keras.saving.deserialize_keras_object
        shared = config["shared"] and deserialize(config["shared"])
        return cls(**{**config, "private": [deserialize(part) for part in config["private"]], "shared": shared})

    def _of_all(self, inputs: Tensor, mask: Tensor | None, training: bool | None) -> Found:
        return (None, None) if self.shared is None else top_and_first(self.shared, inputs, mask, training)

    def _joined(
        self, common: Tensor | None, inputs: Tensor, mask: Tensor | None, task: int, training: bool | None
    ) -> Tensor:
        own = self.private[task](inputs, mask=mask, training=training)
        return own if common is None else ops.concatenate([common, own], axis=-1)

    @staticmethod
    def _width(part: keras.layers.Layer, inputs_shape: Any) -> int:
        return int(part.compute_output_shape(inputs_shape)[-1])
