"""Parts that cells are made of."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any

import keras
from keras import ops

from seqlab.errors import SettingsError, check_count

Tensor = Any


@keras.saving.register_keras_serializable(package="seqlab")
class Projection(keras.layers.Layer):
    """The down-projection of a cell's output, `y = clip(x P)` (Sak et al. 2014).

    Args:
        units: Width of the result.
        clip: Limit of the size of each of its components, or `None`.
        kernel_initializer: Of P.

    Call arguments:
        inputs: (..., width).

    Returns:
        (..., units).
    """

    def __init__(
        self, units: int, clip: float | None = None, kernel_initializer: Any = "glorot_uniform", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        check_count("units", units)
        check_limit("clip", clip)
        self.units = units
        self.clip = clip
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, inputs_shape: Any) -> None:
        """Creates P."""
        self.kernel = self.add_weight((inputs_shape[-1], self.units), self.kernel_initializer, name="kernel")

    def call(self, inputs: Tensor) -> Tensor:
        """See the class."""
        projected = ops.matmul(inputs, self.kernel)
        return projected if self.clip is None else ops.clip(projected, -self.clip, self.clip)

    def compute_output_shape(self, inputs_shape: Any) -> Any:
        """(..., units)."""
        return (*inputs_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        initializer = serialized(self, "kernel_initializer")
        return {**super().get_config(), "units": self.units, "clip": self.clip, **initializer}


def check_limit(name: str, value: float | None) -> None:
    """Refuses a limit of clipping that is not above 0."""
    if value is not None and not (isinstance(value, Real) and value > 0):
        raise SettingsError(f"`{name}` must be a number above 0, or None for no limit. Received: {name}={value!r}.")


def gate_bias(
    blocks: str, special: str, units: int, usual: Callable[..., Tensor], other: Callable[..., Tensor]
) -> Callable[..., Tensor]:
    """Initialises a bias vector whose block `special` has an initialiser of its own.

    Args:
        blocks: The blocks, one letter each.
        special: One of them, or one that is absent.
        units: Width of a block.
        usual: Initialiser of the others.
        other: Initialiser of the special one.
    """

    def initialize(shape: Any, dtype: Any = None) -> Tensor:
        parts = [fresh(other if block == special else usual)((units,), dtype=dtype) for block in blocks]
        return ops.concatenate(parts)

    return initialize


def fresh(initializer: Any) -> Any:
    """A copy that draws other values: a Keras initialiser without a seed of its own repeats them for equal shapes."""
    return initializer.clone() if isinstance(initializer, keras.initializers.Initializer) else initializer


def serialized(part: Any, *names: str) -> dict[str, Any]:
    """Attributes that are Keras objects, as entries of a config; whoever holds a layer builds it again."""
    found = {name: keras.saving.serialize_keras_object(getattr(part, name)) for name in names}
    for config in found.values():
        if isinstance(config, dict):
            config.pop("build_config", None)
    return found


def reseeded(config: Any, by: int = 1) -> Any:
    """The same config with other seeds: copies of a cell must not draw the same masks and weights.

    >>> reseeded({"seed": 1, "cell": {"seed": None}}, 2)
    {'seed': 3, 'cell': {'seed': None}}
    """
    if isinstance(config, dict):
        return {
            key: value + by if key == "seed" and isinstance(value, int) else reseeded(value, by)
            for key, value in config.items()
        }
    return config
