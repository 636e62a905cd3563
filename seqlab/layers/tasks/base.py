"""What every encoder of several tasks has: a representation of the sentence for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from seqlab.errors import SettingsError
from seqlab.layers.running import mask_of
from seqlab.layers.stack import RecurrentStack

Tensor = Any
Found = tuple[Tensor, Tensor | None]
"""What tasks read of an encoder, and the first shared layer's directions; `None` where they do not stand apart."""


class TaskEncoder(keras.layers.Layer):
    """Base of the encoders that several tasks share in part or in full.

    A subclass says how one task's representation comes about (`represent`), how wide it is (`width`), which weights it
    reads (`weights_of`) and what the encoder is for other tasks (`config_for`). If all tasks share its first layer, and
    that one's directions have not seen each other, `represent` gives its outputs too, `directions_width` wide.

    Call arguments:
        inputs: `(batch, time, width)`.
        mask: `(batch, time)` booleans, true at real tokens; padding changes no real token's output.
        task: The position of the task whose representation is wanted; all of them without.
        training: Whether this is training.
        directions: Whether to return besides what the first layer that all tasks share gives, for a language-model
            objective; see `seqlab.layers.language`.

    Returns:
        `(batch, time, width)` of a task, of which nothing but that task's part runs; `(batch, time, tasks, width)` of
        all. Zeros at masked positions. With `directions` a list of that and of `(batch, time, directions_width)`: the
        forward half knows nothing of tokens to come, the backward half nothing of those before; no task's own weight
        has a part in it.

    Raises:
        TypeError: For a subclass whose `represent` returns something else than the two.
        ValueError: For a task that there is not.
        SettingsError: For directions of an encoder that has no such layer.
    """

    tasks: int
    supports_masking = True

    def represent(self, inputs: Tensor, mask: Tensor | None, task: int, training: bool | None) -> Found:
        """Computes the representation of one task, (batch, time, width); with it the first layer's directions."""
        raise NotImplementedError(f"{type(self).__name__} must write `represent`.")

    def represent_all(self, inputs: Tensor, mask: Tensor | None, training: bool | None) -> Found:
        """Computes that of all tasks, (batch, time, tasks, width); what they share may run once."""
        found = [self._two(self.represent(inputs, mask, k, training)) for k in range(self.tasks)]
        return ops.stack([own for own, _ in found], axis=2), found[0][1]

    @property
    def directions_width(self) -> int | None:
        """Width of the directions; `None` for an encoder without a first layer that all share and keeps them apart."""
        return None

    def width(self, inputs_shape: Any) -> int:
        """Width of a task's representation for inputs of that shape."""
        raise NotImplementedError(f"{type(self).__name__} must write `width`.")

    def weights_of(self, task: int) -> list[Any]:
        """The weights that one task's representation reads, always in the same order."""
        raise NotImplementedError(f"{type(self).__name__} must write `weights_of`.")

    def config_for(self, kept: Sequence[int | None], depth: int | None = None) -> dict[str, Any]:
        """Returns the config of such an encoder for other tasks.

        Args:
            kept: For each of them its position here, `None` for a new one.
            depth: The layer that a new one reads, where tasks read different layers.
        """
        raise NotImplementedError(f"{type(self).__name__} must write `config_for`.")

    def call(
        self,
        inputs: Tensor,
        mask: Tensor | None = None,
        task: int | None = None,
        training: bool | None = None,
        directions: bool = False,
    ) -> Any:
        """See the class."""
        mask = mask_of(mask, inputs)
        if directions:
            self._check_directions()
        if task is None:
            found = self.represent_all(inputs, mask, training)
        else:
            found = self._two(self.represent(inputs, mask, self.checked(task), training))
        return list(found) if directions else found[0]

    def compute_output_spec(
        self, inputs: Tensor, mask: Any = None, task: Any = None, training: Any = None, directions: bool = False
    ) -> Any:
        """As the class says."""
        if task is not None:
            self.checked(task)
        several = () if task is not None else (self.tasks,)
        found = keras.KerasTensor((*inputs.shape[:2], *several, self.width(inputs.shape)), self.compute_dtype)
        if not directions:
            return found
        return [found, keras.KerasTensor((*inputs.shape[:2], self._check_directions()), self.compute_dtype)]

    def compute_mask(self, inputs: Tensor, previous_mask: Any = None) -> Any:
        """The mask."""
        return previous_mask

    def checked(self, task: int) -> int:
        """Returns the position of a task, which must be one of this encoder's."""
        number = int(task) if isinstance(task, int | np.integer) and not isinstance(task, bool) else -1
        if not 0 <= number < self.tasks:
            raise ValueError(
                f"This {type(self).__name__} serves tasks 0 to {self.tasks - 1}, given as a whole number; received "
                f"task={task!r}."
            )
        return number

    def _two(self, found: Found) -> Found:
        if isinstance(found, tuple) and len(found) == 2:  # a tensor would pass for its first two sentences
            return found
        raise TypeError(
            f"{type(self).__name__}.represent must return two things, a task's representation and the first shared "
            f"layer's directions or None; received a {type(found).__name__}."
        )

    def _check_directions(self) -> int:
        if self.directions_width is None:
            raise SettingsError(
                f"This {type(self).__name__} has no first layer that all tasks share and whose directions have not "
                "seen each other's words: take an SCLSTMStack, or a RecurrentStack as what is shared."
            )
        return self.directions_width


def top_and_first(
    encoder: keras.layers.Layer, inputs: Tensor, mask: Tensor | None, training: bool | None, depth: int | None = None
) -> Found:
    """Runs a layer that tasks share: a `RecurrentStack`, up to a layer of it if one is named, or any other encoder."""
    if not isinstance(encoder, RecurrentStack):
        return encoder(inputs, mask=mask, training=training), None
    layers = encoder.up_to(depth or encoder.layers, inputs, mask, training)
    return layers[-1], layers[0]


def directions_of(encoder: keras.layers.Layer | None) -> int | None:
    """Returns the width of the directions that `top_and_first` gives."""
    return int(encoder.width) if isinstance(encoder, RecurrentStack) else None
