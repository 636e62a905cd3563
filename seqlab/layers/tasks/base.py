"""What every encoder of several tasks has: a representation of the sentence for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from seqlab.layers.running import mask_of

Tensor = Any


class TaskEncoder(keras.layers.Layer):
    """Base of the encoders that several tasks share in part or in full.

    A subclass says how one task's representation comes about (`represent`), how wide it is (`width`), which weights it
    reads (`weights_of`) and what the encoder is for other tasks (`config_for`).

    Call arguments:
        inputs: `(batch, time, width)`.
        mask: `(batch, time)` booleans, true at real tokens; padding changes no real token's output.
        task: The position of the task whose representation is wanted; all of them without.
        training: Whether this is training.

    Returns:
        `(batch, time, width)` of a task, of which nothing but that task's part runs; `(batch, time, tasks, width)` of
        all. Zeros at masked positions.

    Raises:
        ValueError: For a task that there is not.
    """

    tasks: int
    supports_masking = True

    def represent(self, inputs: Tensor, mask: Tensor | None, task: int, training: bool | None) -> Tensor:
        """Computes the representation of one task, (batch, time, width)."""
        raise NotImplementedError(f"{type(self).__name__} must write `represent`.")

    def represent_all(self, inputs: Tensor, mask: Tensor | None, training: bool | None) -> Tensor:
        """Computes that of all tasks, (batch, time, tasks, width); what they share may run once."""
        return ops.stack([self.represent(inputs, mask, k, training) for k in range(self.tasks)], axis=2)

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
        self, inputs: Tensor, mask: Tensor | None = None, task: int | None = None, training: bool | None = None
    ) -> Tensor:
        """See the class."""
        mask = mask_of(mask, inputs)
        if task is None:
            return self.represent_all(inputs, mask, training)
        return self.represent(inputs, mask, self.checked(task), training)

    def compute_output_spec(self, inputs: Tensor, mask: Any = None, task: Any = None, training: Any = None) -> Any:
        """As the class says."""
        if task is not None:
            self.checked(task)
        several = () if task is not None else (self.tasks,)
        return keras.KerasTensor((*inputs.shape[:2], *several, self.width(inputs.shape)), self.compute_dtype)

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
